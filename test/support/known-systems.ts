/**
 * Restorers whose results are known beforehand, and what experiments need to run with them.
 *
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Clearword } from '../../src/clearword.ts';
import type { ExperimentContext } from '../../src/evaluate/experiments/outcome.ts';
import { encodeImage } from '../../src/image/image-encode.ts';
import type { Raster } from '../../src/image/raster.ts';
import type { AnyModel, RestorationModel } from '../../src/models/model.ts';
import { fakeModel } from './fake-model.ts';

/** Value of every clean picture of a board set, of 255. */
export const GREY = 100;
/** Side of the pictures, in pixels. */
export const SIDE = 64;

/** PSNR, in dB, of 8-bit pictures that differ by `difference` everywhere: 20 log10(255 / difference). */
export const decibelsAt = (difference: number): number => 20 * Math.log10(255 / difference);

export const meanOf = (values: Iterable<number>): number => {
  const all = [...values];
  return all.reduce((sum, value) => sum + value, 0) / all.length;
};

/** A plain grey picture, or a chess board of pixels `difference` above and below it. */
async function writeBoard(path: string, difference: number): Promise<void> {
  const data = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return GREY + ((pixel + Math.floor(pixel / SIDE)) % 2 === 0 ? difference : -difference);
  });
  await writeFile(path, await encodeImage({ width: SIDE, height: SIDE, channels: 3, data }, { format: 'png' }));
}

/** A set in the layout input/, target/: pictures that are wrong by these differences, of 255, in every pixel. */
export async function writeBoards(folder: string, differences: readonly number[]): Promise<void> {
  for (const half of ['input', 'target']) await mkdir(join(folder, half), { recursive: true });
  for (const [i, difference] of differences.entries()) {
    await writeBoard(join(folder, 'input', `${i}.png`), difference);
    await writeBoard(join(folder, 'target', `${i}.png`), 0);
  }
}

/** Of boards: leaves this share of what is wrong. 1 gives the input back, 0 the target. */
export function leavesShare(shareOf: (difference: number) => number): RestorationModel {
  return fakeModel({
    predict: ({ mu }) => {
      const difference = Math.round(255 * Math.abs((mu[0] ?? 0) - GREY / 255));
      const share = shareOf(difference);
      return mu.map((value) => GREY / 255 + share * (value - GREY / 255));
    },
  });
}

/** The same value everywhere, of 255, whatever the picture. */
export const constant = (value: number): RestorationModel =>
  fakeModel({ predict: ({ mu }) => new Float32Array(mu.length).fill(value / 255) });

/** 8-bit values of a picture, as text: the same for a picture and for its file read again. */
export const fingerprint = ({ data }: Raster): string => Buffer.from(data.map((v) => Math.round(255 * v))).toString();

export interface KnownContext {
  readonly data: string;
  readonly folder: string;
  /** By the file name that a run's `model` has; `default` for runs without one. */
  readonly models: Readonly<Record<string, AnyModel>>;
  /** File of weights whose size counts; default: none. */
  readonly weights?: string;
}

/** What an experiment is given: PSNR and SSIM only, and these models. */
export function contextWith({ data, folder, models, weights }: KnownContext): ExperimentContext {
  const nameOf = (model = 'default') => basename(model);
  return {
    data,
    configs: data,
    folder,
    meters: { unavailable: {}, close: async () => undefined },
    async load(model) {
      const found = models[nameOf(model)];
      if (!found) throw new Error(`expected one of ${Object.keys(models).join(', ')}, received ${model}`);
      // Journals tell models apart by their weights: those of stand-ins are all the same.
      return new Clearword({ ...found, hash: Buffer.from(nameOf(model)).toString('hex').padEnd(64, '0') });
    },
    pathOf: (model) => weights ?? nameOf(model),
    device: 'cpu',
    signal: undefined,
    onProgress: () => undefined,
  };
}
