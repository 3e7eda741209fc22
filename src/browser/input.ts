/**
 * What a page hands in as a picture of 8 bits.
 *
 * The browser decodes: orientation is applied, colours become sRGB, 8 bits a value. (Node keeps 16 bits and wide gamuts,
 * which a canvas does not give.)
 *
 * @module
 */

import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { readSignature } from '../image/image-signature.ts';
import { fromRawPixels, type Picture, splitAlpha } from '../image/picture.ts';
import { limitsFor } from '../restore/options.ts';
import { type KeptMetadata, readMetadata } from './file-metadata.ts';
import type { BrowserInput } from './protocol.ts';

export interface Input {
  readonly picture: Picture;
  readonly kept: KeptMetadata;
}

const NOTHING: KeptMetadata = { format: undefined };

/**
 * Reads a picture.
 *
 * @throws ClearwordError INVALID_OPTION, NOT_AN_IMAGE, IMAGE_DAMAGED, IMAGE_ANIMATED, IMAGE_TOO_LARGE, CANCELLED
 */
export async function readInput(input: BrowserInput, maxMegapixels: number, signal: AbortSignal): Promise<Input> {
  throwIfCancelled(signal, 'reading the picture');
  const limits = limitsFor(maxMegapixels);
  if (input instanceof Blob) {
    if (input.size > limits.bytes) throw tooLarge(`${limits.bytes} bytes`, `${input.size}`);
    return readFile(input, limits.pixels, signal);
  }
  if (typeof input !== 'object' || input === null) {
    const expected = 'a Blob, an ImageBitmap, an ImageData or { data, width, height, channels }';
    throw new ClearwordError('INVALID_OPTION', `expected ${expected} for input, received ${String(input)}`);
  }
  checkPixels(input, limits.pixels);
  if (input instanceof ImageBitmap) return { picture: pixelsOf(input), kept: NOTHING };
  if (input instanceof ImageData) {
    const data = new Uint8Array(input.data.buffer, input.data.byteOffset, input.data.byteLength);
    return { picture: opaque(splitAlpha(data, input.width, input.height, 4)), kept: NOTHING };
  }
  return { picture: fromRawPixels(input), kept: NOTHING };
}

async function readFile(file: Blob, mostPixels: number, signal: AbortSignal): Promise<Input> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes.length === 0) throw new ClearwordError('NOT_AN_IMAGE', 'expected a picture, received an empty file');
  const { format, description, animated, fix = 'Use a JPEG, PNG, WebP or AVIF file.' } = readSignature(bytes);
  if (animated) throw new ClearwordError('IMAGE_ANIMATED', 'expected a single picture, received an animation');
  const bitmap = await createImageBitmap(file, { premultiplyAlpha: 'none' }).catch((cause: unknown) => {
    // A format that the browser could have read is damaged; any other is no picture to it.
    if (format !== undefined && format !== 'tiff') {
      throw new ClearwordError('IMAGE_DAMAGED', `expected a readable ${format} picture, received one that is damaged`, {
        cause,
      });
    }
    throw new ClearwordError('NOT_AN_IMAGE', `expected a picture that this browser reads, received ${description}`, {
      cause,
      fix,
    });
  });
  try {
    throwIfCancelled(signal, 'reading the picture');
    checkPixels(bitmap, mostPixels);
    return { picture: pixelsOf(bitmap), kept: readMetadata(bytes, format) };
  } finally {
    bitmap.close();
  }
}

function checkPixels({ width, height }: { readonly width: number; readonly height: number }, most: number): void {
  if (width * height > most) throw tooLarge(`${most} pixels`, `${width} x ${height}`);
}

const tooLarge = (limit: string, received: string) =>
  new ClearwordError('IMAGE_TOO_LARGE', `expected at most ${limit}, received ${received}`);

/** Rows that are copied at a time: a canvas of a whole photo would double the memory, and phones limit its size. */
const STRIP = 512;

function pixelsOf(bitmap: ImageBitmap): Picture {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, Math.min(STRIP, height));
  const context = canvas.getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' });
  if (context === null) throw new ClearwordError('RUNTIME_FAILED', 'this browser has no canvas for a worker');
  const data = new Uint8Array(width * height * 3);
  const alpha = new Uint8Array(width * height);
  for (let top = 0; top < height; top += STRIP) {
    const rows = Math.min(STRIP, height - top);
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, top, width, rows, 0, 0, width, rows);
    const { data: rgba } = context.getImageData(0, 0, width, rows);
    for (let i = 0, to = top * width; i < rgba.length; i += 4, to++) {
      data[3 * to] = rgba[i] as number;
      data[3 * to + 1] = rgba[i + 1] as number;
      data[3 * to + 2] = rgba[i + 2] as number;
      alpha[to] = rgba[i + 3] as number;
    }
  }
  return opaque({ width, height, channels: 3, data, alpha });
}

/** Without an alpha plane that says nothing. */
function opaque(picture: Picture): Picture {
  if (!picture.alpha?.every((value) => value === 255)) return picture;
  const { width, height, channels, data } = picture;
  return { width, height, channels, data };
}
