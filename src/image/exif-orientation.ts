/**
 * The orientation and the thumbnail in an EXIF block, which no longer hold once a picture was turned and restored.
 *
 * @module
 */
import { viewOf } from './file-parts.ts';
import { ENTRY, type Entry, readEntries } from './tiff-directory.ts';

const ORIENTATION = 0x0112;
const UPRIGHT = 1;
/** Orientations from this one on change width and height with each other. */
const FIRST_TURNED = 5;
const EXIF_DIRECTORY = 0x8769;
/** PixelXDimension and PixelYDimension. */
const WIDTH = 0xa002;
const HEIGHT = 0xa003;
/** Where the JPEG of the thumbnail is, and its bytes. */
const THUMBNAIL = 0x0201;
const THUMBNAIL_LENGTH = 0x0202;
/** What JPEG puts before the block. */
const PREFIX = 'Exif\0\0';

/**
 * A copy, as a TIFF structure, with orientation 1, width and height as they are then, and without the thumbnail, which
 * shows the picture before it was restored. Nothing is added. Everything else, maker notes included, stays byte for byte.
 * Undefined when the block is damaged.
 */
export function uprightExif(exif: Uint8Array): Uint8Array | undefined {
  const prefixed = String.fromCharCode(...exif.subarray(0, PREFIX.length)) === PREFIX;
  const tiff = new Uint8Array(prefixed ? exif.subarray(PREFIX.length) : exif);
  if (tiff.length < 14) return undefined;
  const order = String.fromCharCode(...tiff.subarray(0, 2));
  if (order !== 'II' && order !== 'MM') return undefined;
  const block: Block = {
    tiff,
    view: viewOf(tiff),
    little: order === 'II',
  };
  const main = directoryAt(block, block.view.getUint32(4, block.little));
  if (main === undefined) return undefined;
  const orientation = main.entries.get(ORIENTATION);
  if (orientation !== undefined) {
    const value = orientation.at + 8;
    if (block.view.getUint16(value, block.little) >= FIRST_TURNED) swapSides(block, main);
    block.view.setUint16(value, UPRIGHT, block.little);
  }
  const length = withoutThumbnail(block, main);
  return length === tiff.length ? tiff : tiff.slice(0, length);
}

interface Block {
  readonly tiff: Uint8Array;
  readonly view: DataView;
  readonly little: boolean;
}

interface Directory {
  readonly entries: ReadonlyMap<number, Entry>;
  /** Where the offset of the next directory is. */
  readonly end: number;
}

function directoryAt({ tiff, little }: Block, offset: number): Directory | undefined {
  const found = readEntries(tiff, offset, little);
  if (found === undefined || found.end + 4 > tiff.length) return undefined;
  return { entries: new Map(found.entries.map((entry) => [entry.tag, entry])), end: found.end };
}

/** A single SHORT or LONG. */
function shortOrLong({ view, little }: Block, { type, at }: Entry): number {
  return type === 3 ? view.getUint16(at + 8, little) : view.getUint32(at + 8, little);
}

/** Exchanges the types and values of width and height. */
function swapSides(block: Block, main: Directory): void {
  const pointer = main.entries.get(EXIF_DIRECTORY);
  const directory = pointer === undefined ? undefined : directoryAt(block, shortOrLong(block, pointer));
  const [width, height] = [directory?.entries.get(WIDTH), directory?.entries.get(HEIGHT)];
  if (width === undefined || height === undefined) return;
  const first = block.tiff.slice(width.at + 2, width.at + ENTRY);
  block.tiff.copyWithin(width.at + 2, height.at + 2, height.at + ENTRY);
  block.tiff.set(first, height.at + 2);
}

/** Takes the link to the thumbnail's directory away and blackens its bytes; the length that the block has without them. */
function withoutThumbnail(block: Block, { end }: Directory): number {
  const { tiff, view, little } = block;
  const thumbnail = directoryAt(block, view.getUint32(end, little));
  view.setUint32(end, 0, little);
  const [at, size] = [thumbnail?.entries.get(THUMBNAIL), thumbnail?.entries.get(THUMBNAIL_LENGTH)];
  if (at === undefined || size === undefined) return tiff.length;
  const [start, length] = [shortOrLong(block, at), shortOrLong(block, size)];
  if (start < end + 4 || start + length > tiff.length) return tiff.length;
  tiff.fill(0, start, start + length);
  return start + length === tiff.length ? start : tiff.length;
}
