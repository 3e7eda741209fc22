/**
 * Metadata of every format: out of the bytes of a file, and into those that an encoder wrote without any.
 *
 * The encoder (libvips) is not asked to write EXIF, because it adds fields that nobody gave: a colour space, a resolution,
 * an orientation.
 *
 * @module
 */
import { inflateSync } from 'node:zlib';
import { withAvifExif } from './avif-metadata.ts';
import { uprightExif } from './exif-orientation.ts';
import type { ImageFormat } from './image-signature.ts';
import { readJpegMetadata, withJpegMetadata } from './jpeg-metadata.ts';
import { decodeXmp, type FileMetadata } from './metadata.ts';
import { readPngMetadata, withPngMetadata } from './png-metadata.ts';
import { readTiffMetadata, withTiffMetadata } from './tiff-metadata.ts';
import { readWebpMetadata, withWebpMetadata } from './webp-metadata.ts';

/** What libvips says about a file, for the format whose boxes are not read here. */
export interface DecoderMetadata {
  readonly exif?: Uint8Array | undefined;
  readonly xmp?: Uint8Array | undefined;
}

/** Metadata fit for a result: EXIF upright and without its thumbnail. Never throws: what is damaged is left out. */
export function readFileMetadata(bytes: Uint8Array, format: ImageFormat, decoder: DecoderMetadata): FileMetadata {
  // A plain array: slices of a Buffer would keep the whole file in memory.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const { exif, ...others } = readers[format](plain, decoder);
  return { ...others, exif: exif && uprightExif(exif) };
}

const readers: Readonly<Record<ImageFormat, (bytes: Uint8Array, decoder: DecoderMetadata) => FileMetadata>> = {
  jpeg: readJpegMetadata,
  png: (bytes) => readPngMetadata(bytes, inflate),
  webp: readWebpMetadata,
  tiff: readTiffMetadata,
  avif: (_, { exif, xmp }) => ({ exif: exif && withoutOffset(exif), xmp: xmp && decodeXmp(xmp) }),
};

/** The file of an encoder with metadata. What its format cannot hold is left out: see `lostMetadata`. */
export function withFileMetadata(bytes: Buffer, format: ImageFormat, metadata: FileMetadata): Uint8Array {
  const own = new Uint8Array<ArrayBuffer>(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
  return writers[format](own, metadata);
}

const writers: Readonly<Record<ImageFormat, (bytes: Uint8Array<ArrayBuffer>, metadata: FileMetadata) => Uint8Array>> = {
  jpeg: withJpegMetadata,
  png: withPngMetadata,
  webp: withWebpMetadata,
  tiff: withTiffMetadata,
  // The encoder writes XMP into it.
  avif: (bytes, { exif }) => (exif === undefined ? bytes : (withAvifExif(bytes, exif) ?? bytes)),
};

/** What of a picture's metadata a file of this format cannot hold, in words; empty where everything is kept. */
export function lostMetadata(metadata: FileMetadata, from: ImageFormat, to: ImageFormat): string[] {
  const { iptc = [], texts = [], resolution, exif } = metadata;
  return [
    ...(iptc.length > 0 && to !== 'jpeg' && to !== 'tiff' && to !== from ? ['IPTC'] : []),
    ...(texts.length > 0 && to !== from ? [from === 'jpeg' ? 'comments' : 'PNG texts'] : []),
    ...(resolution !== undefined && (to === 'webp' || to === 'avif') ? ['the resolution'] : []),
    ...(exif !== undefined && to === 'jpeg' && exif.length > MOST_JPEG_EXIF ? ['EXIF'] : []),
  ];
}

/** A segment of a JPEG, without its length bytes and its name. */
const MOST_JPEG_EXIF = 65_527;
/** Metadata compressed to less than a thousandth of this are no text of a photo. */
const MOST_INFLATED = 2 ** 26;

function inflate(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return inflateSync(bytes, { maxOutputLength: MOST_INFLATED });
  } catch {
    return undefined;
  }
}

/** libheif gives the item as it is in the file, with how far the TIFF header is, or without it. */
function withoutOffset(exif: Uint8Array): Uint8Array {
  const order = String.fromCharCode(...exif.subarray(0, 2));
  return order === '\0\0' ? exif.subarray(4) : exif;
}
