import { expect, it } from 'vitest';
import type { LogEntry, StepEntry } from './log.ts';
import { plotLog } from './plot.ts';

const step = (at: number, changes: Partial<StepEntry> = {}): StepEntry => ({
  kind: 'step',
  step: at,
  loss: 1,
  restoration: 1 / at,
  contrastive: 2,
  strength: 0.3,
  intent: 0.1,
  gradientNorm: 1,
  learningRate: 1e-3,
  stepsPerSecond: 2,
  busyShare: 0.9,
  minutes: 1,
  ...changes,
});
const validation = (at: number, rows: Record<string, number>): LogEntry => ({
  kind: 'validation',
  step: at,
  minutes: 1,
  rows: Object.entries(rows).map(([name, output]) => ({ name, samples: 4, input: 10, output })),
});

/** Points of the path of a colour: [x, y] in pixels. */
function curves(svg: string): number[][][] {
  return [...svg.matchAll(/<path d="([^"]*)"/g)].map(([, d = '']) =>
    [...d.matchAll(/[ML]([\d.-]+),([\d.-]+)/g)].map(([, x, y]) => [Number(x), Number(y)]),
  );
}
const titles = (svg: string) => [...svg.matchAll(/font-weight="bold">([^<]*)</g)].map(([, title]) => title);

it('draws every loss and every combination but clean, each point at its place', () => {
  const svg = plotLog([
    ...[20, 40, 60].map((at) => step(at)),
    validation(30, { all: 20, noise: 22, clean: 99 }),
    validation(60, { all: 24, noise: 23, clean: 99 }),
  ]);
  expect(titles(svg)).toEqual(['Restoration loss', 'Other losses', 'Validation PSNR, one step (dB)']);
  const drawn = curves(svg);
  expect(drawn.map((points) => points.length)).toEqual([3, 3, 3, 3, 2, 2]);
  expect(svg).not.toContain('>clean<');
  // Better is higher, later is further right.
  const [[x0, y0], [x1, y1]] = drawn[4] as [[number, number], [number, number]];
  expect(x1).toBeGreaterThan(x0);
  expect(y1).toBeLessThan(y0);
  for (const [x, y] of drawn.flat()) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x).toBeLessThanOrEqual(1260);
    expect(y).toBeGreaterThanOrEqual(34);
    expect(y).toBeLessThanOrEqual(280);
  }
});

it('draws a loss that falls below 0, as the one on PSNR does', () => {
  const svg = plotLog([20, 40, 60].map((at) => step(at, { restoration: 1 - at / 20 })));
  const [restoration = []] = curves(svg);
  expect(restoration).toHaveLength(3);
  expect(restoration.flat().every(Number.isFinite)).toBe(true);
});

it('leaves out losses that were switched off, and shows a single validation by its mark', () => {
  const off = { contrastive: 0, strength: 0, intent: 0 };
  const svg = plotLog([step(20, off), step(40, off), validation(40, { all: 20 })]);
  expect(titles(svg)).toEqual(['Restoration loss', 'Validation PSNR, one step (dB)']);
  expect(svg.match(/<circle /g)).toHaveLength(1);
});

it('says that nothing is there yet', () => {
  expect(plotLog([]).match(/nothing logged yet/g)).toHaveLength(2);
});
