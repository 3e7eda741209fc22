/** Charts beyond the common case: values far from nought, many series, places. */
import { expect, it } from 'vitest';
import { histogram, lineChart } from './charts.ts';

const titles = { title: 'T', xTitle: 'x', yTitle: 'y' };

it('a histogram counts from the least value, wherever that is', () => {
  // Twenty parts of 100 to 120: one each.
  const values = [100, 100.9, 101, 118.9, 119, 120];
  const [, d = ''] = /<path d="([^"]+)"/.exec(histogram({ ...titles, series: [{ name: 's', values }] })) ?? [];
  const counts = [...d.matchAll(/[ML][\d.]+,([\d.]+)H/g)].map(([, y]) => Math.round((2 * (276 - Number(y))) / 242));
  expect(counts).toEqual([2, 1, ...Array(16).fill(0), 1, 2]);
});

it('a histogram lays the series over each other on one axis, and leaves out what is not finite', () => {
  const series = [
    { name: 'a', values: [0, 0, 0, 0, Number.NaN] },
    { name: 'b', values: [20, 0, Number.POSITIVE_INFINITY] },
  ];
  const paths = [...histogram({ ...titles, series }).matchAll(/<path d="([^"]+)"/g)].map(([, d = '']) =>
    [...d.matchAll(/[ML][\d.]+,([\d.]+)H/g)].map(([, y]) => Math.round((4 * (276 - Number(y))) / 242)),
  );
  expect(paths).toEqual([
    [4, ...Array(19).fill(0)],
    [1, ...Array(18).fill(0), 1],
  ]);
});

it('an eighth curve looks like the first, and seven look different', () => {
  const series = Array.from({ length: 8 }, (_, i) => ({ name: `s${i}`, points: [[0, i] as const, [1, i] as const] }));
  const svg = lineChart({ ...titles, series });
  const looks = [...svg.matchAll(/fill="none" stroke="([^"]+)" stroke-width="2" stroke-dasharray="([^"]*)"/g)];
  const texts = looks.map(([, colour, dash]) => `${colour} ${dash}`);
  expect(new Set(texts.slice(0, 7)).size).toBe(7);
  expect(texts[7]).toBe(texts[0]);
  const keys = [...svg.matchAll(/stroke="([^"]+)" stroke-width="2.5" stroke-dasharray="([^"]*)"/g)];
  expect(keys.map(([, colour, dash]) => `${colour} ${dash}`)).toEqual(texts);
});

it('a line whose every point has no finite place is no line', () => {
  const of = (points: readonly (readonly [number, number])[]) =>
    lineChart({ ...titles, series: [{ name: 's', points }] });
  expect(of([[Number.NaN, 1]])).toContain('no values');
  expect(of([[1, Number.NaN]])).toContain('no values');
  expect(of([[1, 1]])).not.toContain('no values');
});

/** Numbers below the chart, and beside it. */
function numbersOf(svg: string): { below: (string | undefined)[]; beside: (string | undefined)[] } {
  const labels = [...svg.matchAll(/<text x="([^"]+)" y="([^"]+)"[^>]*>([^<]*)</g)];
  const at = (place: 1 | 2, value: number) =>
    labels.filter((own) => Number(own[place]) === value).map(([, , , text]) => text);
  return { below: at(2, 294), beside: at(1, 52) };
}

it('axes have about six numbers, every second one of ten', () => {
  const even = ['0', '2', '4', '6', '8'];
  const points = [0, 9].map((value) => [value, value] as const);
  const line = lineChart({ ...titles, series: [{ name: 's', points }] });
  expect(numbersOf(line)).toEqual({ below: even, beside: even });
  const values = [9, ...Array(8).fill(0)];
  expect(numbersOf(histogram({ ...titles, series: [{ name: 's', values }] }))).toEqual({ below: even, beside: even });
});

it('places of numbers, lines and dots are tenths of pixels', () => {
  const points = [0, 1, 3, 7].map((value) => [value, value / 7] as const);
  const svg = lineChart({ ...titles, series: [{ name: 's', points }] });
  expect(svg).toMatch(/ c[xy]="\d+\.\d"/);
  expect(svg).not.toMatch(/ (x|y|x1|x2|y1|y2|cx|cy)="-?\d+\.\d\d/);
});
