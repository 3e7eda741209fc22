/**
 * Pictures of a test set: read, brought to one size, cut and degraded.
 *
 * @module
 */

import { addGaussianNoise } from '../../data/degradations/noise.ts';
import { ClearwordError } from '../../errors.ts';
import { readImage } from '../../image/image-file.ts';
import { toRaster } from '../../image/picture.ts';
import type { Raster } from '../../image/raster.ts';
import { gaussianField } from '../../random/random.ts';
import { type Crop, crop, cutCentre } from '../resize.ts';

/** A degraded picture and what it should become. */
export interface LoadedCase {
  readonly input: Raster;
  readonly target: Raster;
}

/** One picture of a test set. */
export interface EvaluationCase {
  /** Unique in its set, and the same in every run: a file name without its extension, as a rule. */
  readonly id: string;
  /** What the pictures are made of, for the record and for telling settings apart. */
  readonly input: string;
  readonly target: string;
  load(signal?: AbortSignal): Promise<LoadedCase>;
}

/** A file, or its bytes, as planar values in 0..1; grey is repeated, alpha left out. */
export async function readPicture(path: string | Uint8Array, signal?: AbortSignal): Promise<Raster> {
  const { picture } = await readImage(path, { signal });
  return toRaster(picture);
}

/** Widest border, in pixels, that a data set has cut off its degraded pictures (RESIDE's indoor set: 10). */
const WIDEST_BORDER = 32;

/** The target without the border that its degraded picture lacks. Errors: DATA_INVALID for pictures of other sizes. */
export function fitTarget(input: Raster, target: Raster, names: { input: string; target: string }): Raster {
  const [x, y] = [target.width - input.width, target.height - input.height];
  if (x === 0 && y === 0) return target;
  const border = x === y && x > 0 && x <= 2 * WIDEST_BORDER && x % 2 === 0;
  if (border) return cutCentre(target, input.width, input.height);
  throw new ClearwordError(
    'DATA_INVALID',
    `expected pictures of one size, received ${input.width}x${input.height} (${names.input}) and ${target.width}x${target.height} (${names.target})`,
    { fix: 'Check that the two pictures belong together.' },
  );
}

/** z of the picture number `index` of a set: the same whatever is measured beside it. */
export function noiseField({ width, height }: Raster, seed: number, index: number): Float32Array {
  return gaussianField({ seed, stream: index, x0: 0, y0: 0, width, height, channels: 3, imageWidth: width });
}

/** A pair of files, both cut alike. */
export function pairCase(id: string, input: string, target: string, kind: Crop): EvaluationCase {
  return {
    id,
    input,
    target,
    async load(signal) {
      const [degraded, clean] = await Promise.all([readPicture(input, signal), readPicture(target, signal)]);
      return { input: crop(degraded, kind), target: crop(fitTarget(degraded, clean, { input, target }), kind) };
    },
  };
}

export interface NoiseOptions {
  /** Standard deviation, 8-bit units. */
  readonly sigma: number;
  readonly seed: number;
  /** Number of the picture in its set. */
  readonly index: number;
  readonly crop: Crop;
}

/** A clean file with noise added to it, clipped and rounded to 8 bits. */
export function noisyCase(id: string, target: string, options: NoiseOptions): EvaluationCase {
  const { sigma, seed, index } = options;
  return {
    id,
    input: `${target} + noise ${sigma}`,
    target,
    async load(signal) {
      const clean = crop(await readPicture(target, signal), options.crop);
      return { input: addGaussianNoise(clean, sigma, noiseField(clean, seed, index)), target: clean };
    },
  };
}
