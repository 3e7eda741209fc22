/**
 * Natural scene statistics of patches: what sharp, undistorted photos have in common.
 *
 * @module
 */
import type { Raster } from '../../image/raster.ts';
import { fitGeneralisedGaussian } from './generalised-gaussian.ts';

/** Grey picture, [height, width] in 0..255. */
interface Grey {
  readonly width: number;
  readonly height: number;
  readonly data: Float64Array;
}

/** Side of a patch at full scale; half of it at the second scale. */
export const PATCH = 96;
const SCALES = 2;
/** Window of the local mean and deviation: 7 taps, sigma 7/6. */
const TAPS = 7;
const WINDOW = normalised(Array.from({ length: TAPS }, (_, k) => Math.exp(-((k - 3) ** 2) / (2 * (7 / 6) ** 2))));
/** Keeps flat areas finite; in 8-bit units. */
const SATURATION = 1;
/** Directions of the products of neighbours: right, down, and the two diagonals (rows, columns). */
const NEIGHBOURS = [
  [0, 1],
  [1, 0],
  [1, 1],
  [1, -1],
] as const;
/** Features of a patch: 18 at each of two scales. */
export const FEATURES = SCALES * (2 + 4 * NEIGHBOURS.length);

export interface PatchStatistics {
  /** [FEATURES]. */
  readonly features: Float64Array;
  /** Mean local deviation, 8-bit units: how sharp the patch is. */
  readonly sharpness: number;
}

function normalised(weights: readonly number[]): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Float64Array.from(weights, (weight) => weight / total);
}

/** Luma of BT.601 (MATLAB's rgb2gray), of as many whole patches as the picture has from (left, top). */
function greyOf({ width, height, data }: Raster, left: number, top: number): Grey {
  const whole = (pixels: number) => Math.max(0, pixels - (pixels % PATCH));
  const [columns, rows] = [whole(width - left), whole(height - top)];
  const out = new Float64Array(columns * rows);
  const plane = width * height;
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const i = (top + y) * width + left + x;
      const [r, g, b] = [data[i] as number, data[plane + i] as number, data[2 * plane + i] as number];
      out[y * columns + x] = 255 * (0.2989 * r + 0.587 * g + 0.114 * b);
    }
  return { width: columns, height: rows, data: out };
}

/** Averages along one axis; beyond the edge its value repeats. */
function smoothAlong({ width, height, data }: Grey, horizontal: boolean): Grey {
  const out = new Float64Array(data.length);
  const [size, stride] = horizontal ? [width, 1] : [height, width];
  const clamp = (place: number) => Math.min(Math.max(place, 0), size - 1);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const place = horizontal ? x : y;
      const origin = y * width + x - place * stride;
      let sum = 0;
      for (let k = 0; k < TAPS; k++)
        sum += (WINDOW[k] as number) * (data[origin + clamp(place + k - 3) * stride] as number);
      out[y * width + x] = sum;
    }
  return { width, height, data: out };
}

const smooth = (grey: Grey): Float64Array => smoothAlong(smoothAlong(grey, true), false).data;

/** n = (I - mean) / (deviation + 1), and the deviation itself, over Gaussian windows. */
function contrastNormalised(grey: Grey): { normal: Float64Array; deviation: Float64Array } {
  const mean = smooth(grey);
  const deviation = smooth({ ...grey, data: grey.data.map((value) => value * value) });
  const normal = new Float64Array(grey.data.length);
  for (let i = 0; i < normal.length; i++) {
    const average = mean[i] as number;
    const spread = Math.sqrt(Math.abs((deviation[i] as number) - average * average));
    deviation[i] = spread;
    normal[i] = ((grey.data[i] as number) - average) / (spread + SATURATION);
  }
  return { normal, deviation };
}

/** Cubic convolution (a = -1/2) at twice its width, which halves a picture without aliasing: 8 taps. */
const HALVING = normalised(
  [-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5].map((distance) => {
    const x = Math.abs(distance) / 2;
    return x <= 1 ? 1.5 * x ** 3 - 2.5 * x ** 2 + 1 : -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2;
  }),
);

/** Half as wide and high; sides are even. Beyond the edge mirrored with it (MATLAB's imresize). */
function halved({ width, height, data }: Grey): Grey {
  const mirror = (place: number, size: number) =>
    place < 0 ? -1 - place : place >= size ? 2 * size - 1 - place : place;
  const along = (source: Float64Array, w: number, h: number): Float64Array => {
    // Writes the transpose, so that two passes are rows and columns.
    const out = new Float64Array((w / 2) * h);
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w / 2; x++) {
        let sum = 0;
        for (let k = 0; k < 8; k++)
          sum += (HALVING[k] as number) * (source[y * w + mirror(2 * x + k - 3, w)] as number);
        out[x * h + y] = sum;
      }
    return out;
  };
  return { width: width / 2, height: height / 2, data: along(along(data, width, height), height, width / 2) };
}

/** The 18 features of one patch of normalised contrast, [side, side] at (left, top) of a picture `width` wide. */
function patchFeatures(normal: Float64Array, width: number, left: number, top: number, side: number): number[] {
  const patch = new Float64Array(side * side);
  for (let y = 0; y < side; y++) {
    patch.set(normal.subarray((top + y) * width + left, (top + y) * width + left + side), y * side);
  }
  const own = fitGeneralisedGaussian(patch);
  const features = [own.shape, (own.left + own.right) / 2];
  const product = new Float64Array(patch.length);
  for (const [down, right] of NEIGHBOURS) {
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        // Neighbours beyond the patch's edge are those at the other side, as in the authors' code.
        const other = ((y - down + side) % side) * side + ((x - right + side) % side);
        product[y * side + x] = (patch[y * side + x] as number) * (patch[other] as number);
      }
    const { shape, mean, left: a, right: b } = fitGeneralisedGaussian(product);
    features.push(shape, mean, a, b);
  }
  return features;
}

/** Statistics of each whole patch of 96x96 pixels from (left, top), row by row. */
export function patchStatistics(picture: Raster, left = 0, top = 0): PatchStatistics[] {
  let grey = greyOf(picture, left, top);
  const [columns, rows] = [grey.width / PATCH, grey.height / PATCH];
  const patches = Array.from({ length: columns * rows }, () => ({ features: [] as number[], sharpness: 0 }));
  if (patches.length === 0) return [];
  for (let scale = 0; scale < SCALES; scale++) {
    const side = PATCH >> scale;
    const { normal, deviation } = contrastNormalised(grey);
    patches.forEach((patch, i) => {
      const [x, y] = [side * (i % columns), side * Math.floor(i / columns)];
      patch.features.push(...patchFeatures(normal, grey.width, x, y, side));
      if (scale === 0) patch.sharpness = meanOfPatch(deviation, grey.width, x, y, side);
    });
    if (scale + 1 < SCALES) grey = halved(grey);
  }
  return patches.map(({ features, sharpness }) => ({ features: Float64Array.from(features), sharpness }));
}

function meanOfPatch(values: Float64Array, width: number, left: number, top: number, side: number): number {
  let sum = 0;
  for (let y = top; y < top + side; y++)
    for (let x = left; x < left + side; x++) sum += values[y * width + x] as number;
  return sum / side ** 2;
}
