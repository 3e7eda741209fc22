/**
 * From the finished rows of the samples to pictures: each sample, their mean and how much they differ.
 *
 * @module
 */
import { createSamples, type Picture, type Samples, whiteOf } from '../image/picture.ts';

export interface SamplePictures {
  /** The mean of the samples; with one sample, that sample. */
  readonly mean: Picture;
  /** One picture per seed when there are several, else empty. */
  readonly samples: readonly Picture[];
  /**
   * Standard deviation of the samples [height, width], root mean square over the channels, 65535 for 1 (white minus
   * black). Only with several samples.
   */
  readonly deviation?: Uint16Array;
}

/**
 * Collects rows (see `RowSink`) in the depth of the picture they restore. Alpha is the original's, and so are the colours
 * of pixels that it hides. Memory: one picture, with several samples as many more, and 2 bytes a pixel.
 */
export class SampleCollector {
  readonly #original: Picture;
  readonly #mean: Samples;
  readonly #samples: readonly Samples[];
  readonly #deviation: Uint16Array | undefined;
  readonly #amount: number;

  /** @param amount share of the change that is made, 0..1 */
  constructor(original: Picture, samples: number, amount = 1) {
    this.#amount = amount;
    const { width, height, data } = original;
    this.#original = original;
    this.#mean = createSamples(data.length, data);
    this.#samples = Array.from({ length: samples > 1 ? samples : 0 }, () => createSamples(data.length, data));
    this.#deviation = samples > 1 ? new Uint16Array(width * height) : undefined;
  }

  /** Row `y` of every sample, [width, channels] each. */
  addRow(y: number, rows: readonly Float32Array[]): void {
    const [only] = rows;
    if (rows.length === 1 && only) this.#addOnly(y, only);
    else this.#addSeveral(y, rows);
  }

  /** Most restorations have one sample, which need not go through statistics. */
  #addOnly(y: number, row: Float32Array): void {
    const { width, channels, data, alpha } = this.#original;
    const mean = this.#mean;
    const white = whiteOf(data);
    const first = y * width * channels;
    for (let i = 0; i < row.length; i++) {
      const before = data[first + i] as number;
      mean[first + i] = Math.round(this.#blended(clip(row[i] as number), before / white) * white);
    }
    if (alpha === undefined) return;
    for (let x = 0; x < width; x++) {
      if (alpha[y * width + x] !== 0) continue;
      const from = first + x * channels;
      mean.set(data.subarray(from, from + channels), from);
    }
  }

  #addSeveral(y: number, rows: readonly Float32Array[]): void {
    const { width, channels, data, alpha } = this.#original;
    const white = whiteOf(data);
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      const hidden = alpha !== undefined && alpha[pixel] === 0;
      let variance = 0;
      for (let c = 0; c < channels; c++) {
        const to = pixel * channels + c;
        const from = x * channels + c;
        const before = (data[to] as number) / white;
        let sum = 0;
        for (let k = 0; k < rows.length; k++) {
          const value = this.#blended(clip((rows[k] as Float32Array)[from] as number), before);
          sum += value;
          (this.#samples[k] as Samples)[to] = hidden ? (data[to] as number) : Math.round(value * white);
        }
        const mean = sum / rows.length;
        this.#mean[to] = hidden ? (data[to] as number) : Math.round(mean * white);
        for (const row of rows) variance += (this.#blended(clip(row[from] as number), before) - mean) ** 2;
      }
      if (this.#deviation !== undefined && !hidden) {
        const deviation = Math.sqrt(variance / channels / (rows.length - 1));
        this.#deviation[pixel] = Math.min(65535, Math.round(deviation * 65535));
      }
    }
  }

  #blended(value: number, before: number): number {
    return this.#amount === 1 ? value : before + this.#amount * (value - before);
  }

  pictures(): SamplePictures {
    const picture = (data: Samples): Picture => ({ ...this.#original, data });
    return {
      mean: picture(this.#mean),
      samples: this.#samples.map(picture),
      ...(this.#deviation !== undefined && { deviation: this.#deviation }),
    };
  }
}

/** A picture that nothing was done to, as so many samples. */
export function unchanged(picture: Picture, samples: number): SamplePictures {
  if (samples === 1) return { mean: picture, samples: [] };
  const deviation = new Uint16Array(picture.width * picture.height);
  return { mean: picture, samples: new Array<Picture>(samples).fill(picture), deviation };
}

function clip(value: number): number {
  return Math.min(1, Math.max(0, value));
}
