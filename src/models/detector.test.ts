import { describe, expect, it } from 'vitest';
import { graphRunner, hostTensor } from '../../test/support/graph-run.ts';
import { spread } from '../../test/support/ndarray.ts';
import { largestDifference } from '../../test/support/pictures.ts';
import { Graph } from '../graph/graph.ts';
import { layoutOf } from '../graph/parameters.ts';
import { detectorFeatures, detectorHead, detectorSize, detectorStatistics, transformKernels } from './detector.ts';

const run = graphRunner();
const config = { widths: [4, 6], heads: 3 };
const SIZE = detectorSize(config);
const SIDE = 32;

/** Any values do. */
function values(build: (graph: Graph) => unknown): Map<string, Float32Array> {
  const { entries } = layoutOf(build);
  return new Map(entries.map(({ name, size }, i) => [name, Float32Array.from(spread(size, -0.6, 0.6, 0.211 * i))]));
}

const look = (graph: Graph, n: number) => detectorStatistics(graph.input('picture', [n, 3, SIDE, SIDE]), config);

async function statistics(pictures: readonly Float64Array[]): Promise<Float64Array[]> {
  const graph = new Graph();
  graph.output('s', look(graph, pictures.length));
  const picture = hostTensor(
    pictures.flatMap((data) => [...data]),
    [pictures.length, 3, SIDE, SIDE],
  );
  const { s } = await run(
    graph,
    { picture },
    values((g) => look(g, 1)),
  );
  expect(s?.shape).toEqual([pictures.length, SIZE]);
  return pictures.map((_, n) => s?.data.slice(n * SIZE, (n + 1) * SIZE) ?? new Float64Array(0));
}

async function features(rows: readonly Float64Array[]): Promise<Float64Array> {
  const graph = new Graph();
  graph.output('f', detectorFeatures(graph.input('s', [rows.length, SIZE]), config));
  const s = hostTensor(
    rows.flatMap((row) => [...row]),
    [rows.length, SIZE],
  );
  return (await run(graph, { s })).f?.data ?? new Float64Array(0);
}

const picture = (value: (i: number) => number) => Float64Array.from({ length: 3 * SIDE * SIDE }, (_, i) => value(i));
const flat = picture(() => 0.5);
const rough = picture((i) => 0.5 + 0.5 * Math.sin(2.1 * i));

describe('the transform', () => {
  const kernels = transformKernels();
  const kernel = (k: number) => kernels.subarray(192 * k, 192 * (k + 1));
  /** Of luma; the others are chroma's. */
  const product = (k: number, value: (x: number, y: number, c: number) => number) =>
    kernel(k).reduce((sum, weight, i) => sum + weight * value(i % 8, Math.floor(i / 8) % 8, Math.floor(i / 64)), 0);

  it('gives a grey block its mean in the first coefficient, eightfold, and nothing in the others', () => {
    const found = Array.from({ length: 192 }, (_, k) => product(k, () => 100 / 255));
    expect(found[0]).toBeCloseTo(800, 3);
    expect(Math.max(...found.slice(1).map(Math.abs))).toBeLessThan(1e-3);
  });

  it('keeps the energy of luma: noise has the same strength in every coefficient', () => {
    // Grey noise of one pixel: the sum of squares over luma's coefficients is that of the pixel.
    const energy = Array.from({ length: 64 }, (_, k) => product(k, (x, y) => (x === 3 && y === 5 ? 1 / 255 : 0)) ** 2);
    expect(energy.reduce((sum, value) => sum + value)).toBeCloseTo(1, 5);
  });

  it('sees a cosine of one frequency in one coefficient alone', () => {
    const wave = (x: number) => Math.cos((Math.PI * (2 * x + 1) * 5) / 16);
    const found = Array.from({ length: 64 }, (_, k) => Math.abs(product(k, (_, y) => wave(y))));
    expect(found.flatMap((value, k) => (value > 1e-2 ? [k] : []))).toEqual([40]);
  });
});

describe('the detector', () => {
  it('averages each group of channels by its own attention, whose scale drops out', async () => {
    const [a] = (await statistics([rough])) as [Float64Array];
    const [c, heads] = [6, 3];
    const found = await features([a]);
    const expected = Array.from(
      { length: c },
      (_, k) => (a[k] as number) / (a[c + Math.floor((k * heads) / c)] as number),
    );
    expect(largestDifference(found.slice(0, c), expected)).toBeLessThan(1e-6);
    const louder = a.map((value, k) => (k < c + heads ? 7 * value : value));
    expect(largestDifference(await features([louder]), found)).toBeLessThan(1e-5);
  });

  it('sees of two tiles what lies where its attention is: a mean weighted by it', async () => {
    const [a, b] = (await statistics([flat, rough])) as [Float64Array, Float64Array];
    const mean = a.map((value, k) => (value + (b[k] as number)) / 2);
    const [fa, fb, both] = [await features([a]), await features([b]), await features([mean])];
    for (let k = 0; k < 6; k++) {
      const head = 6 + Math.floor(k / 2);
      const [wa, wb] = [a[head] as number, b[head] as number];
      expect(both[k]).toBeCloseTo((wa * (fa[k] as number) + wb * (fb[k] as number)) / (wa + wb), 5);
    }
  });

  it('adds nothing to any logit before it is trained', () => {
    const { entries } = layoutOf((graph) => detectorHead(graph.input('seen', [2, 9]), 5));
    const last = entries.filter(({ name }) => !name.startsWith('hidden'));
    expect(last.map(({ name, shape, initialiser }) => [name, shape, initialiser.kind])).toEqual([
      ['presence.weight', [5, 256], 'zeros'],
      ['strength.weight', [5, 256], 'zeros'],
    ]);
  });
});
