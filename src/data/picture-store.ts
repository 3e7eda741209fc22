/**
 * Decoded training pictures: reading them, keeping them in memory for all workers, and cutting crops out of them.
 *
 * @module
 */
import sharp from 'sharp';
import { ClearwordError } from '../errors.ts';
import type { Raster } from '../image/raster.ts';
import { reflect } from '../image/raster.ts';
import type { Plane } from './degradations/plane.ts';

/** Integer samples [height, width, channels], row-major; 8 bits, or 16 where more precision is needed. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array | Uint16Array;
}

/** Decodes a picture file to 8-bit sRGB (3 channels) or grey (1). Alpha is dropped, orientation applied. */
export async function decodePixels(file: string, channels: 1 | 3): Promise<Pixels> {
  try {
    // One thread a picture: the other cores belong to the training step and to other workers.
    const image = sharp(file, { failOn: 'error' }).autoOrient().removeAlpha();
    const { data, info } = await image
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== channels) {
      throw new Error(`expected ${channels} channels after decoding, received ${info.channels}`);
    }
    return { width: info.width, height: info.height, channels, data: new Uint8Array(data) };
  } catch (cause) {
    throw new ClearwordError('DATA_INVALID', `the training picture ${file} cannot be read: ${reason(cause)}`, {
      fix: 'Replace or remove this picture, then resume.',
      cause,
    });
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Memory of a `PictureStore`; plain shared buffers, so that it can be handed to worker threads. */
export interface SharedPictures {
  readonly slots: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
}

/** Words of a slot: state, offset in units, width, height, channels, bytes of a sample. */
const SLOT_WORDS = 6;
/** Words before the first slot: the number of arena units given away. */
const HEAD_WORDS = 1;
const UNIT = 64;
const EMPTY = 0;
const FILLING = 1;
const READY = 2;

/** Room for `slots` pictures, of which as many stay as fit into `megabytes`. The pages are only taken when written. */
export function allocatePictures(slots: number, megabytes: number): SharedPictures {
  return {
    slots: new SharedArrayBuffer(4 * (HEAD_WORDS + SLOT_WORDS * slots)),
    arena: new SharedArrayBuffer(megabytes * 2 ** 20),
  };
}

/**
 * Pictures by slot number, decoded once by whichever thread needs one first and then shared. When the arena is full, the
 * remaining ones are decoded again each time; results never depend on what is cached.
 */
export class PictureStore {
  readonly #words: Int32Array;
  readonly #arena: SharedArrayBuffer;

  constructor(shared: SharedPictures) {
    this.#words = new Int32Array(shared.slots);
    this.#arena = shared.arena;
  }

  async get(slot: number, load: () => Promise<Pixels>): Promise<Pixels> {
    return this.#stored(slot) ?? this.#store(slot, await load());
  }

  #stored(slot: number): Pixels | undefined {
    const at = HEAD_WORDS + SLOT_WORDS * slot;
    if (Atomics.load(this.#words, at) !== READY) return undefined;
    const [offset = 0, width = 0, height = 0, channels = 0, bytes = 0] = this.#words.subarray(at + 1, at + SLOT_WORDS);
    return this.#view(offset, width, height, channels === 1 ? 1 : 3, bytes);
  }

  #view(offset: number, width: number, height: number, channels: 1 | 3, bytes: number): Pixels {
    const count = width * height * channels;
    const data =
      bytes === 2
        ? new Uint16Array(this.#arena, offset * UNIT, count)
        : new Uint8Array(this.#arena, offset * UNIT, count);
    return { width, height, channels, data };
  }

  #store(slot: number, pixels: Pixels): Pixels {
    const at = HEAD_WORDS + SLOT_WORDS * slot;
    const units = Math.ceil(pixels.data.byteLength / UNIT);
    // A slot that another thread is filling, or that found no room, stays as it is.
    if (Atomics.compareExchange(this.#words, at, EMPTY, FILLING) !== EMPTY) return pixels;
    const offset = Atomics.add(this.#words, 0, units);
    if ((offset + units) * UNIT > this.#arena.byteLength) {
      Atomics.sub(this.#words, 0, units);
      return pixels;
    }
    const { width, height, channels } = pixels;
    const stored = this.#view(offset, width, height, channels, pixels.data.BYTES_PER_ELEMENT);
    stored.data.set(pixels.data);
    this.#words.set([offset, width, height, channels, pixels.data.BYTES_PER_ELEMENT], at + 1);
    Atomics.store(this.#words, at, READY);
    return stored;
  }
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

/**
 * Cuts a window out of a picture as planar float32 [channels, height, width] in 0..1; beyond the borders the picture is
 * mirrored. At scale 1 pixels are copied; above it four bilinear taps are averaged, against aliasing.
 */
export function cutWindow(pixels: Pixels, window: Window): Float32Array {
  const { width, height, scale } = window;
  const { channels, data } = pixels;
  const gain = data.BYTES_PER_ELEMENT === 2 ? 1 / 65535 : 1 / 255;
  const plane = width * height;
  const out = new Float32Array(channels * plane);
  const exact = scale === 1 && Number.isInteger(window.x) && Number.isInteger(window.y);
  const taps = exact || scale <= 1 ? [0] : [-0.25 * scale, 0.25 * scale];
  const weight = gain / (taps.length * taps.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const flippedRow = window.flipY ? height - 1 - row : row;
      const flippedColumn = window.flipX ? width - 1 - column : column;
      const down = window.transpose ? flippedColumn : flippedRow;
      const across = window.transpose ? flippedRow : flippedColumn;
      const centreX = window.x + (across + 0.5) * scale - 0.5;
      const centreY = window.y + (down + 0.5) * scale - 0.5;
      const index = row * width + column;
      for (const tapY of taps) {
        for (const tapX of taps) {
          addBilinear(pixels, centreX + tapX, centreY + tapY, weight, out, index, plane);
        }
      }
    }
  }
  return out;
}

/** Adds weight * picture(x, y) to each channel of out at `index`. */
function addBilinear(
  pixels: Pixels,
  x: number,
  y: number,
  weight: number,
  out: Float32Array,
  index: number,
  plane: number,
): void {
  const { width, height, channels, data } = pixels;
  const floorX = Math.floor(x);
  const floorY = Math.floor(y);
  const fractionX = x - floorX;
  const fractionY = y - floorY;
  const left = channels * reflect(floorX, width);
  const top = reflect(floorY, height) * width * channels;
  if (fractionX === 0 && fractionY === 0) {
    for (let channel = 0; channel < channels; channel++) {
      const at = channel * plane + index;
      out[at] = (out[at] as number) + weight * (data[top + left + channel] as number);
    }
    return;
  }
  const right = channels * reflect(floorX + 1, width);
  const bottom = reflect(floorY + 1, height) * width * channels;
  for (let channel = 0; channel < channels; channel++) {
    const upper =
      (1 - fractionX) * (data[top + left + channel] as number) + fractionX * (data[top + right + channel] as number);
    const lower =
      (1 - fractionX) * (data[bottom + left + channel] as number) +
      fractionX * (data[bottom + right + channel] as number);
    const at = channel * plane + index;
    out[at] = (out[at] as number) + weight * ((1 - fractionY) * upper + fractionY * lower);
  }
}

/** The whole picture upright, at its own size. */
function whole(pixels: Pixels): Window {
  const { width, height } = pixels;
  return { x: 0, y: 0, scale: 1, width, height, flipX: false, flipY: false, transpose: false };
}

/** Reads a whole photo of a data set, for validation and evaluation. */
export async function readRaster(file: string): Promise<Raster> {
  const pixels = await decodePixels(file, 3);
  return { width: pixels.width, height: pixels.height, data: cutWindow(pixels, whole(pixels)) };
}

/** Reads a whole grey layer of a data set. */
export async function readPlane(file: string): Promise<Plane> {
  const pixels = await decodePixels(file, 1);
  return { width: pixels.width, height: pixels.height, data: cutWindow(pixels, whole(pixels)) };
}
