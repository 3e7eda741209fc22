/**
 * EXIF in AVIF files (ISO 23008-12): an item whose place the box iloc tells.
 *
 * libheif writes the item, but libvips fills it with what it thinks EXIF should have. Here the item is given the bytes that
 * the source had.
 *
 * @module
 */
import { ascii, isoBoxes, joined, latin1, viewOf, word } from './file-parts.ts';

/** Before the block: how far its TIFF header is from here on. */
const PREFIX = new Uint8Array(4);

/**
 * The file, which has an EXIF item already, with this block in it. Undefined when the file is laid out in another way than
 * libheif does it.
 */
export function withAvifExif(file: Uint8Array, exif: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const meta = isoBoxes(file, 0, file.length).find(({ type }) => type === 'meta');
  if (meta === undefined) return undefined;
  // A full box: version and flags come first.
  const boxes = isoBoxes(file, meta.body + 4, meta.end);
  const [items, places] = [boxes.find(({ type }) => type === 'iinf'), boxes.find(({ type }) => type === 'iloc')];
  const id = items && exifItem(file, items.body, items.end);
  const place = id === undefined || places === undefined ? undefined : placeOf(file, places.body, places.end, id);
  if (place === undefined) return undefined;
  const result = joined([file, word(8 + PREFIX.length + exif.length), latin1('mdat'), PREFIX, exif]);
  const view = viewOf(result);
  const base = place.base === undefined ? 0 : view.getUint32(place.base);
  const [start, length] = [base + view.getUint32(place.extent), view.getUint32(place.extent + 4)];
  result.fill(0, start, Math.min(start + length, file.length));
  if (place.base !== undefined) view.setUint32(place.base, 0);
  view.setUint32(place.extent, file.length + 8);
  view.setUint32(place.extent + 4, PREFIX.length + exif.length);
  return result;
}

/** The identity of the item of type Exif: infe boxes of version 2 have identity and protection, two bytes each, then type. */
function exifItem(file: Uint8Array, body: number, end: number): number | undefined {
  const view = viewOf(file);
  const wide = view.getUint8(body) > 0;
  const entries = isoBoxes(file, body + (wide ? 8 : 6), end);
  const item = entries.find((entry) => view.getUint8(entry.body) === 2 && ascii(file, entry.body + 8) === 'Exif');
  return item && view.getUint16(item.body + 4);
}

/** Where in the file an item's base offset is, if it has one, and the offset and length of its only extent. */
interface Place {
  readonly base: number | undefined;
  readonly extent: number;
}

/** Versions 0 and 1, 32-bit numbers from the start of the file: all that libheif writes for files of less than 4 GiB. */
function placeOf(file: Uint8Array, body: number, end: number, wanted: number): Place | undefined {
  const view = viewOf(file);
  const version = view.getUint8(body);
  const base = view.getUint8(body + 5) >> 4;
  if (version > 1 || view.getUint8(body + 4) !== 0x44 || (base !== 0 && base !== 4)) return undefined;
  let at = body + 8;
  while (at + 6 <= end) {
    const id = view.getUint16(at);
    // In version 1 the construction method stands before the data reference.
    at += version === 0 ? 4 : 6;
    const extents = view.getUint16(at + base);
    const extent = at + base + 2;
    if (id === wanted) return extents === 1 && extent + 8 <= end ? { base: base ? at : undefined, extent } : undefined;
    at = extent + 8 * extents;
  }
  return undefined;
}
