/**
 * A picture that came out of a restoration, ready to be written.
 *
 * @module
 */
import { writeFileAtomic } from '../atomic-file.ts';
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { encodeImage } from '../image/image-encode.ts';
import { formatOfName, type ImageFormat, type ImageSource } from '../image/image-file.ts';
import { joinAlpha, type Picture, type RawPixels } from '../image/picture.ts';
import { lostMetadata } from '../image/source-metadata.ts';
import { mergeXmp } from '../image/xmp.ts';
import { checkOptions } from '../options.ts';
import { encodeSettingsSchema, writeSettingsSchema } from './encode-settings.ts';
import type { Provenance } from './provenance.ts';

/** What a picture shows: the restoration, one of several samples, or a picture about it. */
export type Role = 'restored' | 'mean' | 'sample' | 'uncertainty' | 'comparison' | 'states';

export interface RestoredImageParts {
  readonly picture: Picture;
  readonly role: Role;
  readonly provenance: Provenance;
  /** Metadata to write again; without it the file has neither metadata nor provenance. */
  readonly source?: ImageSource | undefined;
  /** Default true. False: no metadata at all, provenance included. */
  readonly metadata?: boolean;
  /** The file that the picture came from, where nothing was done to it: in its own format it is given back as it was. */
  readonly original?: Uint8Array | undefined;
  /** More properties for the XMP, about this picture alone. */
  readonly details?: Readonly<Record<string, string | number>>;
}

export interface EncodeSettings {
  /** Default: the input's format, or PNG for raw pixels. */
  readonly format?: ImageFormat;
  /** 1..100 for JPEG, WebP and AVIF. Default 95, 95 and 85. */
  readonly quality?: number;
  /** WebP and AVIF without losses. Default false; PNG and TIFF have none anyway, JPEG cannot. */
  readonly lossless?: boolean;
}

export interface WriteSettings extends Omit<EncodeSettings, 'format'> {
  /** Replace an existing file. Default false: OUTPUT_EXISTS. */
  readonly overwrite?: boolean;
  readonly signal?: AbortSignal;
}

export class RestoredImage {
  readonly role: Role;
  /** What was done. */
  readonly provenance: Provenance;
  readonly #picture: Picture;
  readonly #source: ImageSource | undefined;
  readonly #metadata: boolean;
  readonly #original: Uint8Array | undefined;
  readonly #details: Readonly<Record<string, string | number>>;

  constructor({ picture, role, provenance, source, metadata = true, original, details = {} }: RestoredImageParts) {
    this.#picture = picture;
    this.#original = original;
    this.role = role;
    this.provenance = provenance;
    this.#source = source;
    this.#metadata = metadata;
    this.#details = details;
  }

  /** Pixels, after the input's EXIF orientation was applied. */
  get width(): number {
    return this.#picture.width;
  }

  get height(): number {
    return this.#picture.height;
  }

  /** Interleaved pixels in the input's depth, alpha last. Without alpha they are shared with this object, not copied. */
  pixels(): RawPixels {
    const { width, height, channels, alpha } = this.#picture;
    const withAlpha = (alpha === undefined ? channels : channels + 1) as RawPixels['channels'];
    return { width, height, channels: withAlpha, data: joinAlpha(this.#picture) };
  }

  /**
   * The bytes of a file: of a picture that was left unchanged, those of the input, if neither another format nor a quality is
   * asked for. Errors: INVALID_OPTION (also: too large for the format), OUTPUT_UNWRITABLE.
   */
  async toBuffer(settings: EncodeSettings = {}): Promise<Buffer> {
    const { format = this.#source?.format ?? 'png', quality, lossless } = checkOptions(encodeSettingsSchema, settings);
    const asItWas = this.#metadata && format === this.#source?.format && quality === undefined && lossless !== true;
    if (this.#original !== undefined && asItWas) return Buffer.from(this.#original);
    if (!this.#metadata) return encodeImage(this.#picture, { format, quality, lossless });
    return encodeImage(this.#picture, {
      format,
      quality,
      lossless,
      source: this.#source,
      xmp: mergeXmp(this.#source?.metadata.xmp, { ...this.provenance, role: this.role, ...this.#details }),
    });
  }

  /**
   * Writes a file in the format of its extension (.jpg, .png, .webp, .tif, .avif): whole or not at all.
   *
   * Errors: INVALID_OPTION, OUTPUT_EXISTS, OUTPUT_UNWRITABLE, CANCELLED.
   */
  async toFile(path: string, settings: WriteSettings = {}): Promise<void> {
    const { quality, lossless, overwrite, signal } = checkOptions(writeSettingsSchema, settings);
    const format = outputFormat(path);
    const bytes = await this.toBuffer({ format, lossless, ...(quality !== undefined && { quality }) });
    throwIfCancelled(signal, `writing ${path}`);
    await writeFileAtomic(path, bytes, { overwrite, signal });
  }

  /** What of the input's metadata a file of this format cannot hold, in words, such as IPTC; empty: it keeps everything. */
  lostIn(format: ImageFormat): readonly string[] {
    if (!this.#metadata || this.#source === undefined) return [];
    return lostMetadata(this.#source.metadata, this.#source.format, format);
  }
}

/** The format that the extension of an output asks for. Errors: INVALID_OPTION. */
export function outputFormat(path: string): ImageFormat {
  const format = typeof path === 'string' ? formatOfName(path) : undefined;
  if (format !== undefined) return format;
  throw new ClearwordError(
    'INVALID_OPTION',
    `expected a name that ends in .jpg, .png, .webp, .tif or .avif for the output, received ${String(path)}`,
    { fix: 'Give the output one of these extensions; it chooses the format.' },
  );
}
