/** Probabilities against frequencies, of judgements that are written down here. */
import { describe, expect, it } from 'vitest';
import type { Judgement } from '../calibration/thresholds.ts';
import { binsOf, brier, calibrationError, mean, reliabilityChart, reliabilityTable } from './reliability.ts';

const said = (probability: number, present: boolean, unclear = false): Judgement => ({
  ...{ probability, present },
  ...(unclear && { unclear }),
});

describe('tenths', () => {
  it.each([
    [0, 0.099],
    [0.1, 0.199],
    [0.5, 0.599],
    [0.8, 0.899],
    [0.9, 1],
  ])('have what is from %d to %d in one', (first, last) => {
    const bins = binsOf([said(first, true), said(last, false)]);
    expect(bins).toEqual([{ predicted: expect.closeTo((first + last) / 2, 12), observed: 0.5, count: 2 }]);
  });

  it.each([
    [0.099, 0.1],
    [0.499, 0.5],
    [0.899, 0.9],
  ])('part %d and %d', (below, above) => {
    expect(binsOf([said(above, true), said(below, false)])).toEqual([
      { predicted: below, observed: 0, count: 1 },
      { predicted: above, observed: 1, count: 1 },
    ]);
  });

  it('are left out where they have no picture, and what is unclear is in none', () => {
    expect(binsOf([])).toEqual([]);
    expect(binsOf([said(0.3, true, true), said(0.7, true)])).toEqual([{ predicted: 0.7, observed: 1, count: 1 }]);
  });
});

/** Of four at 0.25 one has it, of two at 0.95 one, and one at 0.6 has it. */
const mixed = [
  ...[said(0.25, true), said(0.25, false), said(0.25, false), said(0.25, false)],
  ...[said(0.95, true), said(0.95, false), said(0.6, true)],
];

describe('errors', () => {
  it('of calibration are distances of probability and frequency, weighted by the pictures', () => {
    expect(calibrationError(mixed)).toBeCloseTo((4 * 0 + 2 * 0.45 + 1 * 0.4) / 7, 12);
    // Too low counts as much as too high.
    expect(calibrationError([said(0.8, true), said(0.3, false)])).toBeCloseTo((0.2 + 0.3) / 2, 12);
  });

  it('of Brier are mean squares', () => {
    const expected = (0.75 ** 2 + 3 * 0.25 ** 2 + 0.05 ** 2 + 0.95 ** 2 + 0.4 ** 2) / 7;
    expect(brier(mixed)).toBeCloseTo(expected, 12);
    expect(mean([1, 2, 6])).toBe(3);
  });
});

it('a table has who has it, who has not, and both errors, without what is unclear', () => {
  const { rows, titles } = reliabilityTable(new Map([['rain', [...mixed, said(0.1, true, true)]]]));
  expect(titles).toEqual(['', 'pictures with it', 'without', 'Brier', 'calibration error']);
  expect(rows).toEqual([['rain', '3', '4', brier(mixed).toFixed(4), calibrationError(mixed).toFixed(4)]]);
});

it('a chart has the frequency of each tenth over its probability, beside the diagonal', () => {
  const { name, svg } = reliabilityChart('Reliability', new Map([['rain', mixed]]));
  expect(name).toBe('calibration');
  const points = [...svg.matchAll(/<title>(rain|ideal), ([^:]+): ([^<]+)</g)];
  expect(points.map(([, series, x, y]) => [series, Number(x), Number(y)])).toEqual([
    ['rain', 0.25, 0.25],
    ['rain', 0.6, 1],
    ['rain', 0.95, 0.5],
    ['ideal', 0, 0],
    ['ideal', 1, 1],
  ]);
  for (const text of ['Reliability', 'probability', 'frequency']) expect(svg).toContain(`>${text}<`);
});
