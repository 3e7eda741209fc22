/**
 * What a picture file says about its picture, apart from the pixels and their colours, in a form that every format can be
 * read into and written from.
 *
 * @module
 */

/** Pixels per unit of length; `none`: only their ratio means something. */
export interface Resolution {
  readonly x: number;
  readonly y: number;
  readonly unit: 'inch' | 'cm' | 'metre' | 'none';
}

/** A resource of Adobe's "image resource block", in which JPEG holds IPTC. */
export interface PhotoshopResource {
  readonly id: number;
  readonly data: Uint8Array;
}

export interface FileMetadata {
  /** A TIFF structure, as the file has it: `uprightExif` makes it fit for a result. */
  readonly exif?: Uint8Array | undefined;
  /** One packet, whatever the shape it came in. */
  readonly xmp?: string | undefined;
  /** IPTC (IIM records) and what belongs to it. */
  readonly iptc?: readonly PhotoshopResource[] | undefined;
  /** The format's own field, not that of EXIF. */
  readonly resolution?: Resolution | undefined;
  /** Comments of a JPEG or texts of a PNG, as complete segments or chunks, which only the same format can hold. */
  readonly texts?: readonly Uint8Array[] | undefined;
}

/** The list, or undefined when nothing is in it. */
export function ifAny<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Pixels per inch and so on in another unit. A ratio stays one. */
export function resolutionIn(resolution: Resolution, unit: 'inch' | 'cm' | 'metre'): Resolution {
  if (resolution.unit === unit || resolution.unit === 'none') return resolution;
  const factor = PER_METRE[unit] / PER_METRE[resolution.unit];
  return { x: resolution.x / factor, y: resolution.y / factor, unit };
}

/** How many of a unit are in a metre. */
const PER_METRE = { inch: 1 / 0.0254, cm: 100, metre: 1 } as const;

/**
 * XMP as text: UTF-8, or UTF-16 in either byte order with or without a byte order mark (ISO 16684-1, section 7.1).
 */
export function decodeXmp(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0x3c && second === 0)) return decode('utf-16le', bytes);
  if ((first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c)) return decode('utf-16be', bytes);
  return decode('utf-8', bytes);
}

function decode(encoding: string, bytes: Uint8Array): string {
  return new TextDecoder(encoding).decode(bytes).replace(/\0+$/, '');
}
