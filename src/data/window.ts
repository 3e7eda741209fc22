/**
 * Cutting regions out of decoded pictures.
 *
 * @module
 */
import { type Raster, reflect } from '../image/raster.ts';
import type { Random } from '../random/random.ts';

/** Integer samples [height, width, channels], row-major; 8 bits, or 16 where more precision is needed. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array | Uint16Array;
}

/** A window of a picture: `width` x `height` output pixels, `scale` source pixels apart, from (x, y). */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  readonly width: number;
  readonly height: number;
  readonly flipX: boolean;
  readonly flipY: boolean;
  /** Rows and columns change places (after the flips, seen from the output), for quarter turns; squares only. */
  readonly transpose: boolean;
}

/** A window that takes everything as it is. */
export const upright = { x: 0, y: 0, scale: 1, flipX: false, flipY: false, transpose: false } as const;

/** The whole picture upright, at its own size. */
export function whole({ width, height }: { readonly width: number; readonly height: number }): Window {
  return { ...upright, width, height };
}

/** A random upright square window; a picture that is too small is centred and mirrored beyond its borders. */
export function drawWindow(
  random: Random,
  pixels: { readonly width: number; readonly height: number },
  side: number,
  scale: number,
): Window {
  const place = (size: number): number => {
    const room = size - Math.ceil(side * scale);
    const offset = random.int(Math.max(1, room + 1));
    return room >= 0 ? offset : Math.floor(room / 2);
  };
  const x = place(pixels.width);
  const y = place(pixels.height);
  return { ...upright, x, y, scale, width: side, height: side, flipX: random.uniform() < 0.5 };
}

/** Taps of one axis: output i is the sum of weight[T i + k] source[index[T i + k]]. */
interface Taps {
  readonly count: number;
  readonly index: Int32Array;
  readonly weight: Float32Array;
}

/** Source taps of `length` outputs; above scale 1 two bilinear samples are averaged, against aliasing. */
function tapsOf(origin: number, length: number, scale: number, flip: boolean, size: number): Taps {
  if (scale === 1 && Number.isInteger(origin)) {
    const index = Int32Array.from({ length }, (_, i) => reflect(origin + (flip ? length - 1 - i : i), size));
    return { count: 1, index, weight: new Float32Array(length).fill(1) };
  }
  const offsets = scale <= 1 ? [0] : [-0.25 * scale, 0.25 * scale];
  const count = 2 * offsets.length;
  const index = new Int32Array(count * length);
  const weight = new Float32Array(count * length);
  for (let i = 0; i < length; i++) {
    const centre = origin + ((flip ? length - 1 - i : i) + 0.5) * scale - 0.5;
    for (const [k, offset] of offsets.entries()) {
      const low = Math.floor(centre + offset);
      const fraction = centre + offset - low;
      const at = count * i + 2 * k;
      index[at] = reflect(low, size);
      index[at + 1] = reflect(low + 1, size);
      weight[at] = (1 - fraction) / offsets.length;
      weight[at + 1] = fraction / offsets.length;
    }
  }
  return { count, index, weight };
}

/**
 * Cuts a window out of a picture as planar float32 [channels, height, width] in 0..1; beyond the borders the picture is
 * mirrored. At scale 1 pixels are copied; above it four bilinear taps are averaged, against aliasing. Rows and columns are
 * sampled one after the other.
 */
export function cutWindow(pixels: Pixels, window: Window): Float32Array {
  const { width, height, scale, transpose } = window;
  const { channels } = pixels;
  // Where rows and columns change places, the flips are those of the output, so that they change places too.
  const across = tapsOf(window.x, width, scale, transpose ? window.flipY : window.flipX, pixels.width);
  const down = tapsOf(window.y, height, scale, transpose ? window.flipX : window.flipY, pixels.height);
  const plane = width * height;
  const out = new Float32Array(channels * plane);
  const rows = new Map<number, Float32Array>();
  const [stepRow, stepColumn] = transpose ? [1, width] : [width, 1];
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < down.count; k++) {
      const weight = down.weight[y * down.count + k] as number;
      if (weight === 0) continue;
      const source = down.index[y * down.count + k] as number;
      const row = rows.get(source) ?? sampleRow(pixels, source, width, across);
      rows.set(source, row);
      for (let c = 0; c < channels; c++) {
        for (let x = 0, at = c * plane + y * stepRow, from = c * width; x < width; x++, at += stepColumn, from++) {
          out[at] = (out[at] as number) + weight * (row[from] as number);
        }
      }
    }
  }
  return out;
}

/** One source row at the window's columns, [channels, width], 0..1. */
function sampleRow({ width: wide, channels, data }: Pixels, y: number, width: number, across: Taps): Float32Array {
  const gain = data.BYTES_PER_ELEMENT === 2 ? 1 / 65535 : 1 / 255;
  const row = new Float32Array(channels * width);
  const { count, index, weight } = across;
  const start = y * wide;
  for (let c = 0; c < channels; c++) {
    for (let x = 0, tap = 0, to = c * width; x < width; x++, to++) {
      let sum = 0;
      for (let k = 0; k < count; k++, tap++) {
        sum += (weight[tap] as number) * (data[channels * (start + (index[tap] as number)) + c] as number);
      }
      row[to] = gain * sum;
    }
  }
  return row;
}

/** The same as a picture. */
export function cutRaster(pixels: Pixels, window: Window): Raster {
  return { width: window.width, height: window.height, data: cutWindow(pixels, window) };
}
