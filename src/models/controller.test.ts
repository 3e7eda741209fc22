import { describe, expect, it } from 'vitest';
import { filled } from '../../test/support/gradient-check.ts';
import { graphRunner, hostTensor } from '../../test/support/graph-run.ts';
import { spread } from '../../test/support/ndarray.ts';
import { largestDifference } from '../../test/support/pictures.ts';
import { Graph } from '../graph/graph.ts';
import { layoutOf } from '../graph/parameters.ts';
import { controllerHead, controllerStatistics } from './controller.ts';
import { presets } from './presets.ts';

const run = graphRunner();
const config = presets.tiny?.encoders?.controller;
if (!config) throw new Error('no tiny preset with a controller');
const { detector: _, view: __, ...plain } = config;
const FEATURES = 2 * (config.widths.at(-1) as number);
const OUT = 16;

/** Any values do: what is tested holds for every set of parameters. */
function parametersOf(build: (graph: Graph) => unknown, bias = 1): Map<string, Float32Array> {
  const { entries } = layoutOf(build);
  return new Map(
    entries.map(({ name, shape, size }, i) => {
      const bound = name.endsWith('bias') ? 0.3 * bias : 1.5 / Math.sqrt(size / (shape[0] ?? 1));
      return [name, Float32Array.from(spread(size, -bound, bound, 0.173 * i))];
    }),
  );
}

describe('the head', () => {
  const build = (graph: Graph, n: number) =>
    controllerHead([graph.input('statistics', [n, FEATURES])], plain, { out: OUT, degradations: 3 });
  const parameters = parametersOf((graph) => build(graph, 1));
  const of = async (rows: readonly ArrayLike<number>[]) => {
    const graph = new Graph();
    const { embedding, strength } = build(graph, rows.length);
    graph.output('embedding', embedding);
    graph.output('strength', strength);
    const statistics = hostTensor(
      rows.flatMap((row) => Array.from(row)),
      [rows.length, FEATURES],
    );
    return run(graph, { statistics }, parameters);
  };

  it('gives unit vectors and strengths of 0..1, also for a picture without any feature', async () => {
    const squares = filled([FEATURES], 0, 1).data;
    const results = await of([squares, new Float64Array(FEATURES), squares.map((v) => 1e4 * v)]);
    for (let n = 0; n < 3; n++) {
      const row = results.embedding?.data.slice(n * OUT, (n + 1) * OUT) ?? new Float64Array(0);
      expect(Math.hypot(...row)).toBeCloseTo(1, 5);
    }
    expect(results.strength?.shape).toEqual([3, 3]);
    expect(results.strength?.data.every((value) => value >= 0 && value <= 1)).toBe(true);
  });
});

describe('statistics', () => {
  interface Plane {
    readonly width: number;
    readonly height: number;
    /** [3,H,W]. */
    readonly data: Float64Array;
  }

  function picture(width: number, height: number, value: (x: number, y: number, c: number) => number): Plane {
    const data = new Float64Array(3 * width * height);
    for (let c = 0; c < 3; c++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) data[(c * height + y) * width + x] = value(x, y, c);
    return { width, height, data };
  }

  const cut = ({ width, height, data }: Plane, x0: number, y0: number, side: number): Plane =>
    picture(side, side, (x, y, c) => data[(c * height + y0 + y) * width + x0 + x] as number);

  async function statistics(images: readonly Plane[], bias = 1): Promise<Float64Array[]> {
    const [{ width, height }] = images as [Plane];
    const shape = [images.length, 3, height, width];
    const build = (graph: Graph) => controllerStatistics(graph.input('picture', shape), plain);
    const graph = new Graph();
    graph.output('s', build(graph));
    const data = images.flatMap((image) => [...image.data]);
    const { s } = await run(graph, { picture: hostTensor(data, shape) }, parametersOf(build, bias));
    expect(s?.shape).toEqual([images.length, FEATURES]);
    return images.map((_, n) => s?.data.slice(n * FEATURES, (n + 1) * FEATURES) ?? new Float64Array(0));
  }

  const average = (rows: readonly Float64Array[]) =>
    Float64Array.from(
      { length: FEATURES },
      (_, k) => rows.reduce((sum, row) => sum + (row[k] as number), 0) / rows.length,
    );

  /** Statistics of a square picture, whole and as the average of its tiles. */
  async function bothWays(whole: Plane, side: number, bias = 1) {
    const starts = Array.from({ length: whole.width / side }, (_, i) => i * side);
    const tiles = starts.flatMap((y) => starts.map((x) => cut(whole, x, y, side)));
    const [one] = await statistics([whole], bias);
    return { one: one as Float64Array, tiled: average(await statistics(tiles, bias)) };
  }

  /** Different everywhere, with fine and coarse structure. */
  const texture = (side: number) =>
    picture(
      side,
      side,
      (x, y, c) => 0.5 + 0.25 * Math.sin(0.9 * x + 0.13 * y * (c + 1)) + 0.2 * Math.cos(0.05 * x * y + c),
    );

  it('of a batch are those of its pictures', async () => {
    const [a, b] = [texture(32), picture(32, 32, (x) => x / 32)];
    const [together, [alone]] = [await statistics([a, b]), await statistics([b])];
    expect(largestDifference(together[1] ?? [], alone ?? [])).toBeLessThan(1e-5);
  });

  it('of tiles average to those of the whole where no feature reaches over a tile’s edge', async () => {
    // Middle grey is zero inside the network; without biases it stays zero, as the padding is. Ten pixels are more than
    // the features see.
    const islands = picture(64, 64, (x, y, c) => {
      const inside = [x % 32, y % 32].every((i) => i >= 10 && i < 22);
      return inside ? 0.5 + 0.5 * Math.sin(0.7 * x + 1.1 * y * (c + 1)) : 0.5;
    });
    const { one, tiled } = await bothWays(islands, 32, 0);
    expect(Math.max(...one.map(Math.abs))).toBeGreaterThan(1e-3);
    expect(largestDifference(tiled, one)).toBeLessThan(1e-6);
  });

  it('of other pictures differ at the tiles’ edges, where zeros are padded: less so the larger the tiles', async () => {
    const errors: number[] = [];
    for (const side of [16, 32, 64]) {
      const { one, tiled } = await bothWays(texture(128), side);
      errors.push(largestDifference(tiled, one) / Math.max(...one.map(Math.abs)));
    }
    // The edge's share of a tile halves as its side doubles.
    expect(errors[1]).toBeLessThan(0.7 * (errors[0] as number));
    expect(errors[2]).toBeLessThan(0.7 * (errors[1] as number));
    expect(errors[2]).toBeLessThan(0.1);
  });
});
