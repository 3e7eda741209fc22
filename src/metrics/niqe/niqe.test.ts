import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readRaster } from '../../data/picture-store.ts';
import { createRaster, type Raster } from '../../image/raster.ts';
import { Random } from '../../random/random.ts';
import { fitGeneralisedGaussian, gamma } from './generalised-gaussian.ts';
import { FEATURES, patchStatistics } from './natural-scene.ts';
import { fitNaturalScenes, type NaturalSceneModel, niqe } from './niqe.ts';

describe('gamma function', () => {
  it.each([
    [1, 1],
    [5, 24],
    [0.5, Math.sqrt(Math.PI)],
    [15, 87178291200],
    [0.1, 9.513507698668732],
  ])('of %f', (x, value) => expect(gamma(x) / value).toBeCloseTo(1, 11));
});

describe('generalised Gaussian', () => {
  const random = new Random(5);
  const draws = (draw: () => number) => Float64Array.from({ length: 100_000 }, draw);
  const laplacian = () => (random.uniform() < 0.5 ? 1 : -1) * -Math.log(1 - random.uniform());

  it('finds the shape of Gaussian and Laplacian values', () => {
    const gaussian = fitGeneralisedGaussian(draws(() => 3 * random.normal()));
    expect(gaussian.shape).toBeCloseTo(2, 1);
    // The scale of a Gaussian is sqrt(2) times its deviation.
    expect(gaussian.left / (3 * Math.SQRT2)).toBeCloseTo(1, 1);
    expect(gaussian.mean).toBeCloseTo(0, 1);
    expect(fitGeneralisedGaussian(draws(laplacian)).shape).toBeCloseTo(1, 1);
  });

  it('finds different scales of the two sides', () => {
    // With sides in proportion to their scales, the density is continuous at 0, as the distribution has it.
    const { shape, left, right } = fitGeneralisedGaussian(
      draws(() => Math.abs(laplacian()) * (random.uniform() < 0.25 ? -1 : 3)),
    );
    expect(shape).toBeCloseTo(1, 1);
    expect(right / left).toBeCloseTo(3, 0);
  });

  /** Half of the values 0, so that many of the others on each side that a Laplacian has their moments. */
  const twoSided = (count: number, each: number, left: number, right: number) =>
    Float64Array.from({ length: count }, (_, i) => (i < each ? -left : i < 2 * each ? right : 0));

  it('has the nearest shape of its list, and the scales and the mean that follow from it', () => {
    // E|x|^2 / E x^2 = 1/2, as a Laplacian's. Its scale is 1 / sqrt(2) of the root mean square.
    const even = fitGeneralisedGaussian(twoSided(400, 100, 1, 1));
    expect(even.shape).toBeCloseTo(1, 9);
    expect([even.left, even.right, even.mean]).toEqual(
      [Math.SQRT1_2, Math.SQRT1_2, 0].map((v) => expect.closeTo(v, 9)),
    );
    // 250 of 448: (4/2)^2 / ((1 + 9)/2) 250/448 (1/27 + 1)(1/3 + 1) / (1/9 + 1)^2 = 1/2 again.
    const uneven = fitGeneralisedGaussian(twoSided(448, 125, 1, 3));
    expect(uneven.shape).toBeCloseTo(1, 9);
    expect([uneven.left, uneven.right, uneven.mean]).toEqual(
      [Math.SQRT1_2, 3 * Math.SQRT1_2, Math.SQRT2].map((v) => expect.closeTo(v, 9)),
    );
    // Other shares fall between the shapes of the list, which are 0.001 apart: neither neighbour is closer.
    for (let count = 300; count < 316; count += 2) {
      const { shape } = fitGeneralisedGaussian(twoSided(1000, count / 2, 1, 1));
      const ratio = (of: number) => gamma(2 / of) ** 2 / (gamma(1 / of) * gamma(3 / of));
      expect(Math.abs(ratio(shape) - count / 1000)).toBeLessThanOrEqual(
        Math.min(...[-0.001, 0.001].map((step) => Math.abs(ratio(shape + step) - count / 1000))) + 1e-12,
      );
    }
    // Nothing is as even as values that all have one size: the end of the list. One side alone has no shape.
    expect(fitGeneralisedGaussian(twoSided(400, 200, 1, 1)).shape).toBeCloseTo(10, 9);
    expect(fitGeneralisedGaussian(Float64Array.of(1, 2, 2, 1))).toEqual({
      shape: 0.2,
      left: 0,
      right: Math.sqrt(2.5),
      mean: 0,
    });
  });

  it('stays finite for flat values', () => {
    expect(Object.values(fitGeneralisedGaussian(new Float64Array(9))).every(Number.isFinite)).toBe(true);
  });
});

/** Waves of several frequencies, 8-bit values. */
function waves(width: number, height: number): Raster {
  const raster = createRaster(width, height);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const value =
          127.5 +
          60 * Math.sin(0.13 * x + 0.002 * x * y + c) +
          40 * Math.cos(0.21 * y - 0.05 * x + 2 * c) +
          20 * Math.sin(1.9 * x + 2.3 * y + c);
        raster.data[(c * height + y) * width + x] = Math.min(255, Math.max(0, Math.floor(value + 0.5))) / 255;
      }
  return raster;
}

/** From an independent NumPy program: direct 7x7 sums, the halving as a matrix, the shape by exhaustive search. */
// biome-ignore format: two tables, one row a patch
const EXPECTED = [
  [10.0, 1.31684, 4.915, -0.163305, 0.882023, 0.544237, 3.13, -0.353441, 1.01534, 0.311436, 4.188, -0.268901, 0.970308, 0.418494, 1.6, 0.527622, 0.0464043, 0.881446, 2.273, 0.558237, 0.874, 0.0816752, 0.0423461, 0.108257, 0.839, 0.0920757, 0.0384308, 0.107374, 0.955, 0.0702623, 0.0468695, 0.112508, 0.789, 0.0578647, 0.0511357, 0.0894785],
  [10.0, 1.18544, 2.063, -0.0448187, 0.546453, 0.466042, 2.315, -0.196545, 0.698943, 0.332309, 2.389, -0.136842, 0.648775, 0.391183, 1.04, 0.42849, 0.0252333, 0.477508, 6.221, 0.843002, 1.506, 0.183453, 0.0690485, 0.348016, 1.624, 0.163219, 0.0898831, 0.350578, 2.261, 0.0914179, 0.148772, 0.318074, 1.478, 0.147811, 0.134432, 0.356227],
];
const SHARPNESS = [15.46600806843879, 18.25575431138649];

it('gives the features of patches as an independent program does', () => {
  const patches = patchStatistics(waves(200, 110));
  expect(patches.length).toBe(2);
  patches.forEach(({ features, sharpness }, patch) => {
    expect(sharpness).toBeCloseTo(SHARPNESS[patch] as number, 4);
    expect(features.length).toBe(FEATURES);
    features.forEach((value, i) => {
      expect(Math.abs(value - (EXPECTED[patch]?.[i] as number)), `feature ${i}`).toBeLessThan(2e-3);
    });
  });
});

describe('the measure', async () => {
  const model = JSON.parse(
    readFileSync(new URL('../../../weights/metrics/niqe.json', import.meta.url), 'utf8'),
  ) as NaturalSceneModel;
  const photo = await readRaster(new URL('../../../examples/original.jpg', import.meta.url).pathname);
  const random = new Random(7);
  const noisy = (sigma: number): Raster => ({
    ...photo,
    data: photo.data.map((value) => Math.min(1, Math.max(0, value + (sigma / 255) * random.normal()))),
  });

  it('grows with noise', () => {
    const values = [niqe(photo, model), niqe(noisy(10), model), niqe(noisy(30), model)] as const;
    expect(values[0]).toBeLessThan(9);
    expect(values[1]).toBeGreaterThan(values[0]);
    expect(values[2]).toBeGreaterThan(values[1]);
  });

  it('is small for what it was fitted to', () => {
    const picture = waves(480, 480);
    const own = fitNaturalScenes([picture]);
    expect(own.patches).toBeGreaterThan(FEATURES);
    expect(niqe(picture, own)).toBeLessThan(niqe(picture, model));
  });

  it('is the distance of means, in the pooled spread where there is any', () => {
    const picture = waves(200, 110);
    const [a, b] = patchStatistics(picture).map(({ features }) => [...features]) as [number[], number[]];
    const middle = a.map((value, i) => (value + (b[i] as number)) / 2);
    const apart = a.map((value, i) => value - (b[i] as number));
    // Of two patches the covariance is half the product of their difference with itself.
    const covariance = (i: number, j: number) => ((apart[i] as number) * (apart[j] as number)) / 2;
    const every = (value: (i: number, j: number) => number) =>
      Array.from({ length: FEATURES ** 2 }, (_, k) => value(Math.floor(k / FEATURES), k % FEATURES));
    const away = middle.map((value, i) => value + Math.cos(i));
    const length = Math.hypot(...away.map((_, i) => Math.cos(i)));
    // The picture's own and this together have a spread of 1 in all directions.
    const completing = every((i, j) => 2 * Number(i === j) - covariance(i, j));
    expect(niqe(picture, { mean: away, covariance: completing })).toBeCloseTo(length, 6);
    // Only one direction has a spread, a quarter of the squared difference: the others are left out.
    const beside = middle.map((value, i) => value + 3 * (apart[i] as number) + (i === 0 ? 1 : 0));
    const squared = apart.reduce((sum, value) => sum + value * value, 0);
    const along = (3 * squared + (apart[0] as number)) / Math.sqrt(squared);
    const none = every(() => 0);
    expect(niqe(picture, { mean: beside, covariance: none })).toBeCloseTo(along / Math.sqrt(squared / 4), 3);
  });

  it('is fitted to the sharp patches of four grids', () => {
    // Equally sharp everywhere: 4 x 4 patches, and 3 of them along each axis of a grid that begins within a patch.
    const even = createRaster(384, 384);
    even.data.forEach((_, i) => {
      even.data[i] = (i % 384) % 8 < 4 ? 0.3 : 0.7;
    });
    expect(fitNaturalScenes([even]).patches).toBe(16 + 12 + 12 + 9);
    // Without contrast beyond column 300: three columns of patches of one grid, two of the other, whose third is sharp for 60 of 96.
    const part = { ...even, data: even.data.map((value, i) => (i % 384 < 300 ? value : 0.5)) };
    const turned = {
      ...even,
      data: even.data.map((_, i) => part.data[(i % 384) * 384 + (Math.floor(i / 384) % 384)] as number),
    };
    expect(fitNaturalScenes([even, part]).patches).toBe(49 + (3 + 2) * (4 + 3));
    expect(fitNaturalScenes([even, turned]).patches).toBe(49 + (3 + 2) * (4 + 3));
    const { mean } = fitNaturalScenes([even]);
    const grids = [0, 48].flatMap((top) => [0, 48].flatMap((left) => patchStatistics(even, left, top)));
    expect(mean[1]).toBeCloseTo(grids.reduce((sum, { features }) => sum + (features[1] as number), 0) / 49, 9);
  });

  it('refuses pictures and collections that are too small', () => {
    expect(() => niqe(createRaster(191, 120), model)).toThrow(/at least two patches of 96x96 .* 191x120/);
    expect(() => fitNaturalScenes([createRaster(96, 96)])).toThrow(/more than 36 sharp patches/);
  });
});
