/**
 * Pictures as CLIP sees them: shorter side to S pixels by bicubic interpolation, centre square, standardised colours.
 *
 * The interpolation is Pillow's, bit for bit, because the encoders were trained on what it gives: an antialiasing kernel that
 * widens with the reduction, coefficients of 22 fractional bits, and 8-bit values between its two passes.
 *
 * @module
 */
import type { Raster } from '../image/raster.ts';

/** Mean and standard deviation of R, G, B over CLIP's training pictures, of values in 0..1 (Radford et al. 2021). */
export const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
export const CLIP_DEVIATION = [0.26862954, 0.26130258, 0.27577711] as const;

/** A picture as rows of 8-bit pixels, so that a large one need not be converted whole. */
export interface PixelRows {
  readonly width: number;
  readonly height: number;
  /** Fills `row` [3 width] with R, G, B of each pixel, 0..255. */
  read(y: number, row: Uint8Array): void;
}

/** Fractional bits of Pillow's coefficients for 8-bit pictures. */
const PRECISION = 22;
const SUPPORT = 2;

/** The bicubic kernel with a = -1/2 (Keys 1981). */
function kernel(position: number): number {
  const a = -0.5;
  const x = Math.abs(position);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** Which source values make one value of the result, and with which weights of 2^-22. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/**
 * Of a line of `source` values that becomes one of `target`, the `count` values from `begin` on. Only those: a picture one
 * pixel high and a million wide would have millions.
 */
function taps(source: number, target: number, begin: number, count: number): Taps[] {
  const scale = source / target;
  const stretch = Math.max(1, scale);
  return Array.from({ length: count }, (_, i) => {
    const centre = (begin + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - SUPPORT * stretch + 0.5));
    const end = Math.min(source, Math.trunc(centre + SUPPORT * stretch + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) => kernel((first + k - centre + 0.5) / stretch));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    const fixed = (weight: number) => Math.trunc((weight / sum) * 2 ** PRECISION + (weight / sum < 0 ? -0.5 : 0.5));
    return { first, weights: raw.map(fixed) };
  });
}

/** One value of the result; `stride` apart in `values` lie the source values. */
function apply({ first, weights }: Taps, values: Uint8Array, offset: number, stride: number): number {
  let sum = 2 ** (PRECISION - 1);
  let place = offset + first * stride;
  for (const weight of weights) {
    sum += weight * (values[place] ?? 0);
    place += stride;
  }
  return Math.max(0, Math.min(255, Math.floor(sum / 2 ** PRECISION)));
}

/** Half to even, as Python rounds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The centre square [side,side,3] of a picture whose shorter side is brought to `side` pixels, 8-bit values. */
export function clipSquare(source: PixelRows, side: number): Uint8Array {
  const { width, height } = source;
  const short = Math.min(width, height);
  const size = (length: number) => Math.trunc((side * length) / short);
  const [columns, rows] = [size(width), size(height)];
  const left = roundHalfEven((columns - side) / 2);
  const top = roundHalfEven((rows - side) / 2);

  // Where a size stays, Pillow leaves the pass out.
  const across = columns === width ? undefined : taps(width, columns, left, side);
  const down = rows === height ? undefined : taps(height, rows, top, side);
  // Across: the columns of the square, in the rows that the square is made of.
  const firstRow = down?.[0]?.first ?? top;
  const last = down?.at(-1);
  const endRow = last ? last.first + last.weights.length : top + side;
  const stride = side * 3;
  const narrow = new Uint8Array((endRow - firstRow) * stride);
  const row = new Uint8Array(3 * width);
  for (let y = firstRow; y < endRow; y++) {
    source.read(y, row);
    for (let x = 0; x < side; x++) {
      const tap = across?.[x];
      for (let c = 0; c < 3; c++) {
        narrow[(y - firstRow) * stride + 3 * x + c] = tap ? apply(tap, row, c, 3) : (row[(left + x) * 3 + c] ?? 0);
      }
    }
  }
  const square = new Uint8Array(side * stride);
  for (let y = 0; y < side; y++) {
    const tap = down?.[y];
    for (let i = 0; i < stride; i++) {
      const place = i - firstRow * stride;
      square[y * stride + i] = tap ? apply(tap, narrow, place, stride) : (narrow[place + (top + y) * stride] ?? 0);
    }
  }
  return square;
}

/** A square [S,S,3] of 8-bit values as a vision tower takes it, [3,S,S]. */
export function standardise(square: Uint8Array): Float32Array {
  const plane = square.length / 3;
  const result = new Float32Array(square.length);
  for (let c = 0; c < 3; c++) {
    const [mean, deviation] = [CLIP_MEAN[c] ?? 0, CLIP_DEVIATION[c] ?? 1];
    for (let i = 0; i < plane; i++) result[c * plane + i] = ((square[3 * i + c] ?? 0) / 255 - mean) / deviation;
  }
  return result;
}

/** Rows of a raster [3,H,W] in 0..1, rounded to 8 bits. */
export function rasterRows({ width, height, data }: Raster): PixelRows {
  const plane = width * height;
  return {
    width,
    height,
    read(y, row) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < 3; c++) {
          const value = Math.round(255 * (data[c * plane + y * width + x] ?? 0));
          row[3 * x + c] = Math.max(0, Math.min(255, value));
        }
      }
    },
  };
}

/** A square [S,S,3] of 8-bit values as a raster [3,S,S] in 0..1, from which `clipPicture` gives the same square again. */
export function squareRaster(square: Uint8Array): Raster {
  const plane = square.length / 3;
  const side = Math.sqrt(plane);
  const value = (k: number) => (square[3 * (k % plane) + Math.floor(k / plane)] ?? 0) / 255;
  return { width: side, height: side, data: Float32Array.from(square, (_, k) => value(k)) };
}

/** A picture as a vision tower takes it, [3,side,side]. */
export const clipPicture = (image: Raster, side: number): Float32Array =>
  standardise(clipSquare(rasterRows(image), side));
