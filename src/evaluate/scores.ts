/**
 * The numbers of one picture, and of a set.
 *
 * @module
 */

import type { Raster } from '../image/raster.ts';
import { niqe } from '../metrics/niqe/niqe.ts';
import { psnr } from '../metrics/psnr.ts';
import { ssim } from '../metrics/ssim.ts';
import type { Meters } from './weights/meters.ts';

/** Measures of a picture against its target (NIQE: by itself). What could not be measured is absent. */
export interface Scores {
  /** dB, over R, G and B; equal pictures count as {@link EQUAL}. */
  readonly psnr: number;
  /** -1..1. */
  readonly ssim: number;
  /** Of the BT.601 luma, as deraining papers report them. */
  readonly psnrLuma: number;
  readonly ssimLuma: number;
  /** 0 and up, lower is better. */
  readonly niqe?: number | undefined;
  /** 0 and up, lower is better. */
  readonly lpips?: number | undefined;
}

export type ScoreName = keyof Scores;

export const SCORES: readonly {
  readonly name: ScoreName;
  readonly title: string;
  readonly digits: number;
  /** Whether more is better. */
  readonly rising: boolean;
}[] = [
  { name: 'psnr', title: 'PSNR', digits: 2, rising: true },
  { name: 'ssim', title: 'SSIM', digits: 4, rising: true },
  { name: 'psnrLuma', title: 'PSNR (Y)', digits: 2, rising: true },
  { name: 'ssimLuma', title: 'SSIM (Y)', digits: 4, rising: true },
  { name: 'lpips', title: 'LPIPS', digits: 4, rising: false },
  { name: 'niqe', title: 'NIQE', digits: 2, rising: false },
];

/** PSNR, in dB, that equal pictures count as: infinity would be the mean of every set that has such a pair. */
export const EQUAL = 100;

/** SSIM's window, NIQE's two patches: smaller pictures have no such value. */
const LEAST_SSIM = 11;
const leastNiqe = ({ width, height }: Raster) => Math.floor(width / 96) * Math.floor(height / 96) >= 2;

/** PSNR and SSIM of 8-bit values. */
export function pixelScores(picture: Raster, target: Raster): Scores {
  const small = Math.min(target.width, target.height) < LEAST_SSIM;
  const at = (channels: 'rgb' | 'luma') => {
    const options = { channels, eightBit: true } as const;
    return {
      psnr: Math.min(EQUAL, psnr(picture, target, options)),
      ssim: small ? Number.NaN : ssim(picture, target, options),
    };
  };
  const [rgb, luma] = [at('rgb'), at('luma')];
  return { psnr: rgb.psnr, ssim: rgb.ssim, psnrLuma: luma.psnr, ssimLuma: luma.ssim };
}

/** All that the meters measure. */
export async function allScores(picture: Raster, target: Raster, meters: Meters): Promise<Scores> {
  return {
    ...pixelScores(picture, target),
    ...(meters.niqe && leastNiqe(picture) && { niqe: niqe(picture, meters.niqe) }),
    ...(meters.lpips && { lpips: await meters.lpips.score(picture, target) }),
  };
}

export interface Statistics {
  readonly mean: number;
  readonly median: number;
  readonly deviation: number;
  readonly least: number;
  readonly most: number;
  /** Half the width of the 95 % confidence interval of the mean: 1.96 deviations / sqrt(n). */
  readonly interval: number;
  readonly count: number;
}

/** Of the finite values; undefined without any. */
export function statisticsOf(values: readonly (number | undefined)[]): Statistics | undefined {
  const known = values.filter((value): value is number => Number.isFinite(value)).sort((a, b) => a - b);
  const count = known.length;
  if (count === 0) return undefined;
  const mean = known.reduce((sum, value) => sum + value, 0) / count;
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, count - 1);
  const at = (i: number) => known[i] as number;
  return {
    mean,
    median: (at(Math.floor((count - 1) / 2)) + at(Math.floor(count / 2))) / 2,
    deviation: Math.sqrt(variance),
    least: at(0),
    most: at(count - 1),
    interval: (1.96 * Math.sqrt(variance)) / Math.sqrt(count),
    count,
  };
}

/** Mean of each score over pictures; what no picture has is absent. */
export type MeanScores = Partial<Record<ScoreName, number>>;

export function meanScores(scores: readonly Scores[]): MeanScores {
  const means = SCORES.flatMap(({ name }) => {
    const statistics = statisticsOf(scores.map((score) => score[name]));
    return statistics === undefined ? [] : [[name, statistics.mean] as const];
  });
  return Object.fromEntries(means);
}
