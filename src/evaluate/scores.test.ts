import { describe, expect, it } from 'vitest';
import { decibelsAt } from '../../test/support/known-systems.ts';
import type { Raster } from '../image/raster.ts';
import type { NaturalSceneModel } from '../metrics/niqe/niqe.ts';
import { allScores, EQUAL, meanScores, pixelScores, SCORES, type Scores, statisticsOf } from './scores.ts';
import type { LpipsScorer } from './weights/scorers.ts';

describe('statistics', () => {
  it('of 1, 2, 3 and 4', () => {
    // Squared deviations 2.25, 0.25, 0.25, 2.25 over n - 1 = 3.
    const deviation = Math.sqrt(5 / 3);
    expect(statisticsOf([4, 1, 3, 2])).toEqual({
      mean: 2.5,
      median: 2.5,
      deviation: expect.closeTo(deviation, 12),
      least: 1,
      most: 4,
      interval: expect.closeTo((1.96 * deviation) / 2, 12),
      count: 4,
    });
  });

  it('of an odd number, of one, and of none', () => {
    expect(statisticsOf([30, 10, 20])).toMatchObject({ median: 20, mean: 20, deviation: 10, count: 3 });
    expect(statisticsOf([7])).toEqual({
      ...{ mean: 7, median: 7, least: 7, most: 7 },
      ...{ deviation: 0, interval: 0, count: 1 },
    });
    expect(statisticsOf([])).toBeUndefined();
  });

  it('leave out what was not measured', () => {
    expect(statisticsOf([undefined, Number.NaN, Number.POSITIVE_INFINITY, 5, 7])).toMatchObject({ mean: 6, count: 2 });
    expect(statisticsOf([undefined, Number.NaN])).toBeUndefined();
  });
});

describe('means', () => {
  const scores = (psnr: number, more: Partial<Scores> = {}): Scores => ({
    ...{ psnr, ssim: psnr / 100, psnrLuma: psnr + 1, ssimLuma: psnr / 50 },
    ...more,
  });

  it('of every score by itself, over the pictures that have it', () => {
    expect(meanScores([scores(20, { niqe: 3 }), scores(30), scores(40, { niqe: 5, lpips: 0.25 })])).toEqual({
      psnr: 30,
      ssim: expect.closeTo(0.3, 12),
      psnrLuma: 31,
      ssimLuma: expect.closeTo(0.6, 12),
      niqe: 4,
      lpips: 0.25,
    });
    expect(meanScores([])).toEqual({});
  });

  it('say which way is better', () => {
    const rising = SCORES.filter((score) => score.rising).map(({ name }) => name);
    expect(rising).toEqual(['psnr', 'ssim', 'psnrLuma', 'ssimLuma']);
  });
});

/** A picture of one colour, of 255. */
function flat([r, g, b]: readonly [number, number, number], width = 16, height = 16): Raster {
  const n = width * height;
  const data = Float32Array.from({ length: 3 * n }, (_, i) => ([r, g, b][Math.floor(i / n)] ?? 0) / 255);
  return { width, height, data };
}

describe('a picture against its target', () => {
  it('PSNR of all channels, and of the luma of BT.601', () => {
    const { psnr, psnrLuma } = pixelScores(flat([100, 100, 106]), flat([100, 100, 100]));
    // A third of the values is off by 6: an MSE of 12.
    expect(psnr).toBeCloseTo(10 * Math.log10(255 ** 2 / 12), 4);
    // Y = 16 + 65.481 R + 128.553 G + 24.966 B.
    expect(psnrLuma).toBeCloseTo(decibelsAt((24.966 * 6) / 255), 1);
  });

  it('counts equal pictures as 100 dB, and their SSIM as 1', () => {
    const picture = flat([10, 20, 30]);
    expect(pixelScores(picture, picture)).toEqual({
      ...{ psnr: EQUAL, psnrLuma: EQUAL },
      ...{ ssim: expect.closeTo(1, 12), ssimLuma: expect.closeTo(1, 12) },
    });
    expect(EQUAL).toBe(100);
  });

  it('rounds to 8 bits first', () => {
    const near = flat([100.4, 99.6, 100.3]);
    expect(pixelScores(near, flat([100, 100, 100])).psnr).toBe(EQUAL);
  });

  it("has no SSIM below the window's size", () => {
    const [small, least] = [flat([1, 2, 3], 10, 30), flat([1, 2, 3], 11, 30)];
    expect(pixelScores(small, small)).toMatchObject({ psnr: EQUAL, ssim: Number.NaN, ssimLuma: Number.NaN });
    expect(pixelScores(least, least).ssim).toBeCloseTo(1, 12);
  });

  it('has what there are meters for', async () => {
    const close = async () => undefined;
    const picture = flat([10, 20, 30]);
    expect(Object.keys(await allScores(picture, picture, { unavailable: {}, close })).sort()).toEqual([
      ...['psnr', 'psnrLuma', 'ssim', 'ssimLuma'],
    ]);
    const lpips = { score: async () => 0.125, close } as unknown as LpipsScorer;
    expect((await allScores(picture, picture, { unavailable: {}, close, lpips })).lpips).toBe(0.125);
    // NIQE takes two whole patches of 96 x 96 pixels.
    const niqe: NaturalSceneModel = {
      mean: Array.from({ length: 36 }, () => 0),
      covariance: Array.from({ length: 36 * 36 }, (_, i) => (i % 37 === 0 ? 1 : 0)),
    };
    const wavy = (width: number, height: number): Raster => ({
      ...{ width, height },
      data: Float32Array.from({ length: 3 * width * height }, (_, i) => 0.5 + 0.4 * Math.sin(i * i * 0.37)),
    });
    const scored = async (raster: Raster) => (await allScores(raster, raster, { unavailable: {}, close, niqe })).niqe;
    expect(await scored(wavy(191, 96))).toBeUndefined();
    expect(await scored(wavy(192, 95))).toBeUndefined();
    expect(await scored(wavy(192, 96))).toBeGreaterThan(0);
    expect(await scored(wavy(96, 192))).toBeGreaterThan(0);
  });
});
