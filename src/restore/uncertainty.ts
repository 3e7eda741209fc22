/**
 * How much the samples of a picture differ, as a picture.
 *
 * @module
 */
import type { Picture } from '../image/picture.ts';

export interface Uncertainty {
  /** Grey, 8 bits: black where all samples agree. */
  readonly picture: Picture;
  /** value / 255 = standard deviation x scale, the deviation being on the scale where white is 1; clipped at white. */
  readonly scale: number;
}

/** Of the pixels, this share is allowed to be clipped. */
const CLIPPED = 0.005;
const LARGEST_SCALE = 256;

/**
 * The standard deviation [height, width] (65535 for 1), brightened by the largest power of two, 1..256, that clips at most
 * 0.5 % of the pixels: a power of two, so that pictures of one scale can be compared.
 */
export function uncertaintyPicture(deviation: Uint16Array, width: number, height: number): Uncertainty {
  const histogram = new Uint32Array(65536);
  for (const value of deviation) histogram[value] = (histogram[value] as number) + 1;
  let above = 0;
  let level = 65535;
  while (level > 0 && above + (histogram[level] as number) <= CLIPPED * deviation.length) {
    above += histogram[level] as number;
    level--;
  }
  let scale = 1;
  while (scale < LARGEST_SCALE && level > 0 && level * scale * 2 <= 65535) scale *= 2;
  const data = Uint8Array.from(deviation, (value) => Math.min(255, Math.round((value * scale * 255) / 65535)));
  return { picture: { width, height, channels: 1, data }, scale };
}
