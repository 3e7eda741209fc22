/**
 * Files of pictures in a browser. A module of its own, which a page loads when there is something to write: the record needs a
 * parser of XML, and the checks a library of schemas.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import type { Picture } from '../image/picture.ts';
import { mergeXmp } from '../image/xmp.ts';
import { checkOptions } from '../options.ts';
import { blobSettingsSchema } from '../restore/encode-settings.ts';
import type { Provenance } from '../restore/provenance.ts';
import { type CanvasFormat, type KeptMetadata, withMetadata } from './file-metadata.ts';

/** What a picture shows. */
export type BrowserRole = 'restored' | 'mean' | 'sample' | 'uncertainty';

export interface BlobSettings {
  /** Default: the input's format, or PNG. */
  readonly format?: CanvasFormat;
  /** 1..100 for JPEG and WebP. Default 95. */
  readonly quality?: number;
  /** False: neither the input's EXIF and XMP nor a record of what was done. Default true. */
  readonly metadata?: boolean;
}

/** What a picture is made of. */
export interface ImageParts {
  readonly picture: Picture;
  readonly role: BrowserRole;
  readonly provenance: Provenance;
  readonly kept: KeptMetadata;
  readonly details?: Readonly<Record<string, string | number>>;
  /** The file that the picture came from, where nothing was done to it: in its own format it is given back as it was. */
  readonly file?: Blob | undefined;
}

const DEFAULT_QUALITY = 95;

/**
 * A file, as `BrowserImage.toBlob` promises it.
 *
 * @param pixels gives the picture as 8-bit RGBA
 * @throws ClearwordError INVALID_OPTION if this browser does not write the format, OUTPUT_UNWRITABLE
 */
export async function encodePicture(
  { picture, role, provenance, kept, details, file: original }: ImageParts,
  pixels: () => ImageData,
  settings: BlobSettings,
): Promise<Blob> {
  const { format, quality = DEFAULT_QUALITY, metadata } = checkOptions(blobSettingsSchema, settings);
  const chosen = format ?? kept.format ?? 'png';
  const asItWas = metadata && settings.quality === undefined && (format === undefined || format === kept.format);
  if (original !== undefined && asItWas) return original;
  const file = await drawn(pixels(), { format: chosen, quality, opaque: picture.alpha === undefined });
  if (!metadata) return file;
  const xmp = mergeXmp(kept.xmp, { ...provenance, role, ...details });
  const bytes = withMetadata(new Uint8Array(await file.arrayBuffer()), chosen, { ...kept, xmp });
  return new Blob([bytes], { type: file.type });
}

interface Drawing {
  readonly format: CanvasFormat;
  /** 1..100. */
  readonly quality: number;
  readonly opaque: boolean;
}

async function drawn(pixels: ImageData, { format, quality, opaque }: Drawing): Promise<Blob> {
  const type = `image/${format}`;
  const { width, height } = pixels;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { alpha: format !== 'jpeg' });
  if (context === null) throw unwritable(`no canvas of ${width} x ${height} pixels`);
  if (format === 'jpeg' && !opaque) {
    // As in Node: JPEG has no transparency, the picture is laid on white.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.drawImage(await createImageBitmap(pixels), 0, 0);
  } else {
    context.putImageData(pixels, 0, 0);
  }
  const file = await canvas.convertToBlob({ type, quality: quality / 100 }).catch((cause: unknown) => {
    throw unwritable(String(cause));
  });
  if (file.type === type) return file;
  throw new ClearwordError('INVALID_OPTION', `expected a format that this browser writes, received ${format}`, {
    fix: "Use the format 'png' or 'jpeg'.",
  });
}

function unwritable(reason: string): ClearwordError {
  return new ClearwordError('OUTPUT_UNWRITABLE', `expected a canvas to write the picture with, received: ${reason}`, {
    fix: 'Use a smaller picture, or take its pixels.',
  });
}
