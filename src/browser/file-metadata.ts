/**
 * Metadata out of picture files and into those that a canvas wrote, which have none.
 *
 * @module
 */
import { uprightExif } from '../image/exif-orientation.ts';
import type { ImageFormat } from '../image/image-signature.ts';
import { readJpegMetadata, withJpegMetadata } from '../image/jpeg-metadata.ts';
import type { FileMetadata } from '../image/metadata.ts';
import { readPngMetadata, withPngMetadata } from '../image/png-metadata.ts';
import { readWebpMetadata, withWebpMetadata } from '../image/webp-metadata.ts';

/** Formats that a canvas writes. */
export type CanvasFormat = 'jpeg' | 'png' | 'webp';

/** Metadata of the input that goes into the result again. */
export interface KeptMetadata extends FileMetadata {
  readonly format: CanvasFormat | undefined;
}

/** Metadata of a file that are worth keeping. Never throws: a damaged block is left out. */
export function readMetadata(bytes: Uint8Array, format: ImageFormat | undefined): KeptMetadata {
  if (format !== 'jpeg' && format !== 'png' && format !== 'webp') return { format: undefined };
  const read = { jpeg: readJpegMetadata, png: readPngMetadata, webp: readWebpMetadata }[format];
  const { exif, ...others } = read(bytes);
  return { format, ...others, exif: exif && uprightExif(exif) };
}

/** The file with metadata. What a format cannot hold is left out, texts of another format among it. */
export function withMetadata(
  bytes: Uint8Array<ArrayBuffer>,
  format: CanvasFormat,
  metadata: FileMetadata & { readonly format?: CanvasFormat | undefined },
): Uint8Array<ArrayBuffer> {
  const { texts, ...others } = metadata;
  const write = { jpeg: withJpegMetadata, png: withPngMetadata, webp: withWebpMetadata }[format];
  return write(bytes, metadata.format === format ? { ...others, texts } : others);
}
