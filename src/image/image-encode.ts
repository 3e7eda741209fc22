/**
 * Writing a picture: encoding with the metadata of the file it came from. Reading is in image-file.ts.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { ClearwordError } from '../errors.ts';
import { blankPng } from './blank-png.ts';
import type { ImageSource } from './image-file.ts';
import type { ImageFormat } from './image-signature.ts';
import type { FileMetadata } from './metadata.ts';
import { joinAlpha, type Picture, type Samples, toEightBits, whiteOf } from './picture.ts';
import { withFileMetadata } from './source-metadata.ts';
import { splitXmp } from './xmp-extended.ts';

export interface EncodeOptions {
  readonly format: ImageFormat;
  /** 1..100 for JPEG, WebP and AVIF. Default 95, 95 and 85: losses far below those of the restoration. */
  readonly quality?: number | undefined;
  /** WebP and AVIF without losses; INVALID_OPTION for JPEG. Default false. */
  readonly lossless?: boolean | undefined;
  /** Where the picture came from; its profile, EXIF, IPTC and resolution are written again. Without it there is none of them. */
  readonly source?: ImageSource | undefined;
  /** XMP packet to write. The source's is only written when it is given here, because callers add their own to it. */
  readonly xmp?: string | undefined;
}

/** Longest side that a format can hold, in pixels. */
export const MAX_SIDE: Readonly<Record<ImageFormat, number>> = {
  jpeg: 65_535,
  webp: 16_383,
  avif: 16_384,
  png: 2 ** 31 - 1,
  tiff: 2 ** 31 - 1,
};

/** Pixels above which memory counts more than the last 3 to 8 percent of a JPEG's size. */
const LARGE = 4_000_000;

/** Throws INVALID_OPTION when the format cannot hold a picture of this size, so that no work is done in vain. */
export function checkFits(format: ImageFormat, width: number, height: number): void {
  const limit = MAX_SIDE[format];
  if (width <= limit && height <= limit) return;
  throw new ClearwordError(
    'INVALID_OPTION',
    `expected sides of at most ${limit} pixels for a ${format} file, received ${width} x ${height}`,
    { fix: 'Write a .png or .tif file, which have no such limit.' },
  );
}

/** Throws INVALID_OPTION when a format has no way to be written without losses. */
export function checkLossless(format: ImageFormat, lossless: boolean): void {
  if (!lossless || format !== 'jpeg') return;
  throw new ClearwordError('INVALID_OPTION', 'expected png, tiff, webp or avif for a lossless result, received jpeg', {
    fix: 'Choose one of these formats, or leave lossless out: a JPEG of quality 95 loses nothing that can be seen.',
  });
}

/**
 * The bytes of a file.
 *
 * Depth: PNG and TIFF keep 8 or 16 bits; AVIF writes 8 bits, or 12 for a 16-bit picture; JPEG and WebP write 8. JPEG (4:4:4)
 * has no alpha: the picture is laid on white. Grey stays grey, except in WebP and AVIF, which have no grey of their own.
 * TIFF is compressed without loss.
 */
export async function encodeImage(picture: Picture, options: EncodeOptions): Promise<Buffer> {
  const { format, source, quality, lossless = false } = options;
  checkFits(format, picture.width, picture.height);
  checkLossless(format, lossless);
  const flat = format === 'jpeg' ? flattenOnWhite(picture) : picture;
  const keepsDepth = format === 'png' || format === 'tiff' || format === 'avif';
  const samples = keepsDepth ? joinAlpha(flat) : toEightBits(joinAlpha(flat));
  const channels = (flat.channels + (flat.alpha === undefined ? 0 : 1)) as 1 | 2 | 3 | 4;
  const deep = whiteOf(samples) > 0xff;

  if (format === 'jpeg' && options.xmp !== undefined) checkJpegXmp(options.xmp);
  const texts = source?.format === format ? source.metadata.texts : undefined;
  const metadata: FileMetadata = { ...source?.metadata, texts, xmp: options.xmp };

  const image = withPixels({ samples, channels, width: flat.width, height: flat.height }, source);
  if (source?.icc !== undefined) image.keepIccProfile();
  if (format === 'avif') {
    if (metadata.exif !== undefined) image.keepExif();
    if (metadata.xmp !== undefined) image.withXmp(metadata.xmp);
  }
  formatted(image, format, { quality, lossless, deep, large: flat.width * flat.height > LARGE });
  const bytes =
    source?.icc === undefined || !source.convertBack
      ? await image.toBuffer()
      : await withProfileFile(source.icc, (path) => image.withIccProfile(path).toBuffer());
  const file = withFileMetadata(bytes, format, metadata);
  return Buffer.from(file.buffer, file.byteOffset, file.length);
}

interface Pixels {
  readonly samples: Samples;
  readonly channels: 1 | 2 | 3 | 4;
  readonly width: number;
  readonly height: number;
}

/** EXIF without a field: makes the encoder of AVIF add the item that `withFileMetadata` fills. */
const PLACEHOLDER = Uint8Array.from([0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** A pipeline that has the pixels and, by way of `blankPng`, the metadata. 0 OR sample = sample, exactly. */
function withPixels({ samples, channels, width, height }: Pixels, source: ImageSource | undefined): Sharp {
  const deep = whiteOf(samples) > 0xff;
  const space = channels <= 2 ? (deep ? 'grey16' : 'b-w') : deep ? 'rgb16' : 'srgb';
  const blank = blankPng({
    channels,
    bits: deep ? 16 : 8,
    exif: source?.metadata.exif && PLACEHOLDER,
    icc: source?.convertBack === true ? undefined : source?.icc,
  });
  // sharp takes typed arrays here as it does as an input (for 16 bits it must be one); only its types say Buffer.
  const operand = samples as unknown as Buffer;
  return sharp(blank, { limitInputPixels: false })
    .pipelineColourspace(space)
    .resize(width, height, { fit: 'fill', kernel: 'nearest' })
    .boolean(operand, 'or', { raw: { width, height, channels } })
    .toColourspace(space);
}

interface FormatOptions {
  readonly quality: number | undefined;
  readonly lossless: boolean;
  readonly deep: boolean;
  readonly large: boolean;
}

function formatted(image: Sharp, format: ImageFormat, { quality, lossless, deep, large }: FormatOptions): Sharp {
  switch (format) {
    case 'jpeg':
      // Optimal Huffman tables need all coefficients of the picture in memory at once, 6 bytes a pixel.
      return image.jpeg({ quality: quality ?? 95, chromaSubsampling: '4:4:4', optimiseCoding: !large });
    case 'webp':
      // `exact` keeps the colours under transparent pixels.
      return image.webp({ quality: quality ?? 95, smartSubsample: true, exact: true, lossless });
    case 'avif':
      return image.avif({ quality: quality ?? 85, chromaSubsampling: '4:4:4', bitdepth: deep ? 12 : 8, lossless });
    case 'png':
      return image.png();
    case 'tiff':
      return image.tiff({ compression: 'deflate', predictor: 'horizontal' });
  }
}

/** Lays a picture with alpha on white: colour x alpha + white x (1 - alpha). */
function flattenOnWhite(picture: Picture): Picture {
  const { alpha, channels, data, width, height } = picture;
  if (alpha === undefined) return picture;
  const white = whiteOf(data);
  const flat = data.map((value, i) => {
    const opacity = (alpha[Math.floor(i / channels)] as number) / white;
    return Math.round(value * opacity + white * (1 - opacity));
  });
  return { width, height, channels, data: flat };
}

function checkJpegXmp(xmp: string): void {
  if (splitXmp(xmp) !== undefined) return;
  throw new ClearwordError(
    'OUTPUT_UNWRITABLE',
    `expected XMP that can be split into the segments of a JPEG, received ${Buffer.byteLength(xmp)} bytes`,
    { fix: 'Write another format, or use --strip to leave metadata out.' },
  );
}

/** sharp takes a profile only as a file. */
async function withProfileFile<T>(icc: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(tmpdir(), `clearword-${randomUUID()}.icc`);
  try {
    await writeFile(path, icc);
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
}
