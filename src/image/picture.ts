/**
 * A picture as a file holds it: 8 or 16 bits a value, colours interleaved, transparency apart.
 *
 * Whole photographs stay in this form, because it takes 3 to 8 bytes a pixel where float32 takes 12: only the tiles that
 * the network works on become a `Raster`.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import { createRaster, type Raster } from './raster.ts';

/** Values of one plane or of interleaved colours; 0 is black or transparent, the type's largest value white or opaque. */
export type Samples = Uint8Array | Uint16Array;

export interface Picture {
  /** Pixels, at least 1. */
  readonly width: number;
  /** Pixels, at least 1. */
  readonly height: number;
  /** 1: grey; 3: red, green, blue. Transparency is not counted. */
  readonly channels: 1 | 3;
  /** [height, width, channels], encoded as the picture's profile says (sRGB without one). */
  readonly data: Samples;
  /** [height, width], of the same type as `data`. Colours are not premultiplied by it. */
  readonly alpha?: Samples;
}

/** 255 or 65535: the value that stands for 1. */
export function whiteOf(samples: Samples): number {
  return samples.BYTES_PER_ELEMENT === 1 ? 0xff : 0xffff;
}

export function createSamples(length: number, like: Samples): Samples {
  return like.BYTES_PER_ELEMENT === 1 ? new Uint8Array(length) : new Uint16Array(length);
}

/** The same samples with 8 bits each, rounded (libvips would cut off the low byte). */
export function toEightBits(samples: Samples): Uint8Array {
  if (samples instanceof Uint8Array) return samples;
  const result = new Uint8Array(samples.length);
  for (let i = 0; i < samples.length; i++) result[i] = Math.round((samples[i] as number) / 257);
  return result;
}

/**
 * The picture as planar float32 RGB in 0..1; grey is repeated in all three planes. For pictures that are known to be
 * small: it takes 12 bytes a pixel.
 */
export function toRaster(picture: Picture): Raster {
  const { width, height, channels, data } = picture;
  const raster = createRaster(width, height);
  const plane = width * height;
  const scale = 1 / whiteOf(data);
  for (let channel = 0; channel < 3; channel++) {
    const offset = channels === 1 ? 0 : channel;
    for (let i = 0; i < plane; i++) {
      raster.data[channel * plane + i] = (data[i * channels + offset] as number) * scale;
    }
  }
  return raster;
}

/** Pixels given by a caller instead of a file. */
export interface RawPixels {
  /**
   * [height, width, channels], interleaved. Uint8Array: 0..255. Uint16Array: 0..65535. Buffer is a Uint8Array.
   */
  readonly data: Samples;
  readonly width: number;
  readonly height: number;
  /** 1: grey, 2: grey and alpha, 3: RGB, 4: RGB and alpha. */
  readonly channels: 1 | 2 | 3 | 4;
}

/** A picture as an 8-bit file holds it. */
export function toBytes({ width, height, data }: Raster): RawPixels {
  const plane = width * height;
  const bytes = new Uint8Array(3 * plane);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < plane; i++)
      bytes[3 * i + c] = Math.round(255 * Math.min(1, Math.max(0, data[c * plane + i] as number)));
  return { data: bytes, width, height, channels: 3 };
}

/** Checks the pixels of a caller and takes the alpha plane apart. The data is not copied when there is none. */
export function fromRawPixels(raw: RawPixels): Picture {
  const { data, width, height, channels } = raw;
  check(data instanceof Uint8Array || data instanceof Uint16Array, 'a Uint8Array or Uint16Array', 'data', typeof data);
  check(Number.isInteger(width) && width >= 1, 'an integer of at least 1', 'width', width);
  check(Number.isInteger(height) && height >= 1, 'an integer of at least 1', 'height', height);
  check([1, 2, 3, 4].includes(channels), 'one of 1, 2, 3, 4', 'channels', channels);
  const expected = width * height * channels;
  check(data.length === expected, `${expected} values (width x height x channels)`, 'data', data.length);
  return splitAlpha(data, width, height, channels);
}

/** Takes the alpha plane, if any, out of interleaved samples [height, width, channels]. */
export function splitAlpha(data: Samples, width: number, height: number, channels: 1 | 2 | 3 | 4): Picture {
  if (channels === 1 || channels === 3) return { width, height, channels, data };
  const pixels = width * height;
  const colours = channels === 2 ? 1 : 3;
  const colour = createSamples(pixels * colours, data);
  const alpha = createSamples(pixels, data);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < colours; c++) colour[i * colours + c] = data[i * channels + c] as number;
    alpha[i] = data[i * channels + colours] as number;
  }
  return { width, height, channels: colours, data: colour, alpha };
}

/** Interleaves the alpha plane again: [height, width, 2 or 4]; the colours themselves where there is none. */
export function joinAlpha(picture: Picture): Samples {
  const { width, height, channels, data, alpha } = picture;
  if (alpha === undefined) return data;
  const joined = createSamples(width * height * (channels + 1), data);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < channels; c++) joined[i * (channels + 1) + c] = data[i * channels + c] as number;
    joined[i * (channels + 1) + channels] = alpha[i] as number;
  }
  return joined;
}

function check(holds: boolean, expected: string, name: string, received: unknown): asserts holds {
  if (holds) return;
  throw new ClearwordError('INVALID_OPTION', `expected ${expected} for ${name}, received ${String(received)}`, {
    fix: 'Give raw pixels as { data, width, height, channels }, with interleaved 8- or 16-bit data.',
  });
}
