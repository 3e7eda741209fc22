/**
 * The pictures of a data set in memory.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import type { Raster } from '../image/raster.ts';
import type { DatasetIndex } from './dataset.ts';
import { recoverTransmission } from './degradations/haze.ts';
import type { HazeScene, PictureSource } from './degradations/record.ts';
import { decodePixels, PictureStore, type SharedPictures } from './picture-store.ts';
import { cutWindow, type Pixels, upright } from './window.ts';

/** Pictures of a data set by number, decoded once and shared between threads. */
export class TrainingPictures implements PictureSource {
  readonly index: DatasetIndex;
  readonly counts: PictureSource['counts'];
  readonly #store: PictureStore;

  constructor(index: DatasetIndex, shared: SharedPictures) {
    this.index = index;
    this.counts = { rainLayers: index.rainLayers.training.length, hazeScenes: index.hazePairs.training.length };
    this.#store = new PictureStore(shared);
  }

  /** Slots that a store for this data set needs. */
  static slots(index: DatasetIndex): number {
    return firstPairSlot(index) + 2 * index.pairs.length;
  }

  photo(number: number): Promise<Pixels> {
    const entry = at(this.index.photos, number);
    return this.#store.get(number, () => decodePixels(entry.file, 3));
  }

  rainLayer(number: number): Promise<Pixels> {
    const file = at(this.index.rainLayers.training, number);
    return this.#store.get(this.index.photos.length + number, () => decodePixels(file, 1));
  }

  async hazeScene(number: number): Promise<HazeScene> {
    const pair = at(this.index.hazePairs.training, number);
    const slot = this.index.photos.length + this.index.rainLayers.training.length + 3 * number;
    const hazy = await this.#store.get(slot, () => decodePixels(pair.hazy, 3));
    const clear = await this.#store.get(slot + 1, () => decodePixels(pair.clear, 3));
    const transmission = await this.#store.get(slot + 2, async () => quantisedTransmission(hazy, clear, pair.airlight));
    return { hazy, clear, transmission, beta: pair.beta, airlight: pair.airlight };
  }

  async filePair(number: number): Promise<{ readonly degraded: Pixels; readonly clear: Pixels }> {
    const pair = at(this.index.pairs, number);
    const slot = firstPairSlot(this.index) + 2 * number;
    const degraded = await this.#store.get(slot, () => decodePixels(pair.degraded, 3));
    const clear = await this.#store.get(slot + 1, () => decodePixels(pair.clear, 3));
    if (degraded.width !== clear.width || degraded.height !== clear.height) {
      const sizes = `${degraded.width} x ${degraded.height} and ${clear.width} x ${clear.height}`;
      throw new ClearwordError(
        'DATA_INVALID',
        `expected ${pair.degraded} and ${pair.clear} of one size, received ${sizes}`,
      );
    }
    return { degraded, clear };
  }
}

/** Slots of the pairs of files lie behind all others. */
const firstPairSlot = (index: DatasetIndex): number =>
  index.photos.length + index.rainLayers.training.length + 3 * index.hazePairs.training.length;

export function at<T>(values: readonly T[], number: number): T {
  const value = values[number];
  if (value === undefined)
    throw new RangeError(`expected 0..${values.length - 1} for a picture number, received ${number}`);
  return value;
}

function quantisedTransmission(hazy: Pixels, clear: Pixels, airlight: number): Pixels {
  const width = Math.min(hazy.width, clear.width);
  const height = Math.min(hazy.height, clear.height);
  const part = (pixels: Pixels): Raster => ({ width, height, data: cutWindow(pixels, { ...upright, width, height }) });
  const transmission = recoverTransmission(part(hazy), part(clear), airlight);
  const data = Uint16Array.from(transmission.data, (t) => Math.round(65535 * t));
  return { width, height, channels: 1, data };
}
