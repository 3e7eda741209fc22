/**
 * Image file directories of the TIFF format (TIFF 6.0, section 2), in which EXIF is written too: reading and writing
 * their fields. Only classic TIFF, with 32-bit offsets.
 *
 * @module
 */

import { viewOf } from './file-parts.ts';

/** One field. */
export interface Field {
  readonly tag: number;
  /** 1..13: BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE, IFD. */
  readonly type: number;
  readonly count: number;
  /** The values, little-endian, without padding. */
  readonly bytes: Uint8Array;
}

/** Bytes of a value of each type, and of the unit in which its byte order counts (a RATIONAL is two LONGs). */
const TYPES: Readonly<Record<number, { readonly size: number; readonly unit: number }>> = {
  1: { size: 1, unit: 1 },
  2: { size: 1, unit: 1 },
  3: { size: 2, unit: 2 },
  4: { size: 4, unit: 4 },
  5: { size: 8, unit: 4 },
  6: { size: 1, unit: 1 },
  7: { size: 1, unit: 1 },
  8: { size: 2, unit: 2 },
  9: { size: 4, unit: 4 },
  10: { size: 8, unit: 4 },
  11: { size: 4, unit: 4 },
  12: { size: 8, unit: 8 },
  13: { size: 4, unit: 4 },
};

/** Bytes of an entry: tag, type, count, and the value or its offset. */
export const ENTRY = 12;
/** Values of up to this many bytes stand in the entry itself. */
const INLINE = 4;
/** Bytes of all values of a directory. Fields may share their bytes, so that a small file could claim terabytes. */
const MOST_BYTES = 2 ** 26;

export interface TiffHeader {
  readonly little: boolean;
  /** Offset of the first directory. */
  readonly first: number;
}

/** Undefined for anything but classic TIFF. */
export function readHeader(bytes: Uint8Array): TiffHeader | undefined {
  if (bytes.length < 8) return undefined;
  const order = String.fromCharCode(...bytes.subarray(0, 2));
  const little = order === 'II';
  if (!little && order !== 'MM') return undefined;
  const view = viewOf(bytes);
  return view.getUint16(2, little) === 42 ? { little, first: view.getUint32(4, little) } : undefined;
}

/** An entry of a directory as it stands in the file. */
export interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  /** Where the entry begins; its value, or the offset of that, follows 8 bytes later. */
  readonly at: number;
}

/** The entries of the directory at `offset`, and where they end: there is the offset of the next directory. Undefined outside. */
export function readEntries(
  bytes: Uint8Array,
  offset: number,
  little: boolean,
): { readonly entries: readonly Entry[]; readonly end: number } | undefined {
  if (offset < 8 || offset + 2 > bytes.length) return undefined;
  const view = viewOf(bytes);
  const count = view.getUint16(offset, little);
  const end = offset + 2 + count * ENTRY;
  if (end > bytes.length) return undefined;
  const entries = Array.from({ length: count }, (_, i): Entry => {
    const at = offset + 2 + i * ENTRY;
    const tag = view.getUint16(at, little);
    return { tag, type: view.getUint16(at + 2, little), count: view.getUint32(at + 4, little), at };
  });
  return { entries, end };
}

/**
 * The fields of the directory at `offset`. Fields of unknown types and those that point outside of the bytes are left
 * out; undefined when the directory itself does, or when its values are too large to be those of a photo.
 */
export function readDirectory(bytes: Uint8Array, offset: number, little: boolean): Field[] | undefined {
  const directory = readEntries(bytes, offset, little);
  if (directory === undefined) return undefined;
  const view = viewOf(bytes);
  const fields: Field[] = [];
  let total = 0;
  for (const { tag, type, count, at } of directory.entries) {
    const layout = TYPES[type];
    if (layout === undefined) continue;
    const length = count * layout.size;
    const from = length <= INLINE ? at + 8 : view.getUint32(at + 8, little);
    if (from + length > bytes.length) continue;
    total += length;
    if (total > MOST_BYTES) return undefined;
    const value = new Uint8Array(bytes.subarray(from, from + length));
    if (!little) swap(value, layout.unit);
    fields.push({ tag, type, count, bytes: value });
  }
  return fields;
}

const PHOTOMETRIC = 0x0106;

/** What the values of a directory's picture mean: PhotometricInterpretation. */
export function photometricIn(fields: readonly Field[]): number | undefined {
  const value = fields.find(({ tag }) => tag === PHOTOMETRIC)?.bytes;
  return value === undefined || value.length < 2 ? undefined : viewOf(value).getUint16(0, true);
}

/**
 * A little-endian directory for the place `offset` of a file: the entries in the order of their tags, no next directory,
 * then the values that do not fit in the entries.
 */
export function writeDirectory(fields: readonly Field[], offset: number): Uint8Array {
  const sorted = [...fields].sort((a, b) => a.tag - b.tag);
  const head = 2 + sorted.length * ENTRY + 4;
  const total = sorted.reduce((sum, { bytes }) => sum + (bytes.length > INLINE ? even(bytes.length) : 0), head);
  const directory = new Uint8Array(total);
  const view = viewOf(directory);
  view.setUint16(0, sorted.length, true);
  let end = head;
  sorted.forEach(({ tag, type, count, bytes }, i) => {
    const at = 2 + i * ENTRY;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, count, true);
    if (bytes.length <= INLINE) {
      directory.set(bytes, at + 8);
    } else {
      view.setUint32(at + 8, offset + end, true);
      directory.set(bytes, end);
      end += even(bytes.length);
    }
  });
  return directory;
}

/** A field that holds the offset of another directory. */
export function pointer(tag: number, offset: number): Field {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, offset, true);
  return { tag, type: 4, count: 1, bytes };
}

/** The offset in a field made by `pointer`. */
export function pointedAt(field: Field): number | undefined {
  return field.bytes.length === 4 ? viewOf(field.bytes).getUint32(0, true) : undefined;
}

/** Offsets in a TIFF are even. */
export function even(length: number): number {
  return length + (length % 2);
}

function swap(bytes: Uint8Array, unit: number): void {
  for (let at = 0; at + unit <= bytes.length; at += unit) bytes.subarray(at, at + unit).reverse();
}
