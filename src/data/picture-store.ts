/**
 * Decoded training pictures: reading them, and keeping them in memory for all workers.
 *
 * @module
 */
import sharp from 'sharp';
import { ClearwordError } from '../errors.ts';
import type { Raster } from '../image/raster.ts';
import type { Plane } from './degradations/plane.ts';
import { cutWindow, type Pixels, whole } from './window.ts';

export type { Pixels } from './window.ts';

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
