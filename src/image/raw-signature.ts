/**
 * Raw files of cameras. Most are TIFF files whose first picture is a small preview, which a reader of TIFF would take for
 * the photo.
 *
 * @module
 */
import { photometricIn, pointedAt, readDirectory, readHeader } from './tiff-directory.ts';

/** Lower case, with the point. */
const RAW_EXTENSIONS: readonly string[] =
  '.3fr .arw .bay .cap .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .k25 .kdc .mdc .mef .mos .mrw .nef .nrw .orf .pef .ptx .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f'.split(
    ' ',
  );

/** What their first bytes are, where they are not those of a TIFF. */
const SIGNATURES: readonly (readonly [offset: number, text: string])[] = [
  [0, 'IIRO'],
  [0, 'IIRS'],
  [0, 'MMOR'],
  [0, 'IIU\0'],
  [0, 'FUJIFILMCCD-RAW'],
  [0, 'FOVb'],
  [0, '\0MRM'],
  [6, 'HEAPCCDR'],
  [4, 'ftypcrx '],
  [8, 'CR\x02'],
];

const SUB_DIRECTORIES = 0x014a;
const DNG_VERSION = 0xc612;
/** A colour filter array, and light that was not yet made into colours (DNG 1.7, chapter 4). */
const SENSOR_DATA: readonly number[] = [32803, 34892];

/** How to get a picture out of such a file. */
export const RAW_ADVICE =
  "Develop it first: open it in your camera's program, Lightroom, darktable or RawTherapee, export a 16-bit TIFF or a JPEG, and restore that.";

/** Whether the bytes are those of a raw file, whatever its name. Never throws. */
export function isRaw(bytes: Uint8Array): boolean {
  if (SIGNATURES.some(([offset, text]) => [...text].every((letter, i) => bytes[offset + i] === letter.charCodeAt(0)))) {
    return true;
  }
  const header = readHeader(bytes);
  const main = header && readDirectory(bytes, header.first, header.little);
  if (header === undefined || main === undefined) return false;
  const find = (tag: number) => main.find((field) => field.tag === tag);
  if (find(DNG_VERSION) !== undefined) return true;
  const below = find(SUB_DIRECTORIES);
  const offsets = below === undefined ? [] : offsetsIn(below.bytes);
  const directories = [main, ...offsets.map((offset) => readDirectory(bytes, offset, header.little) ?? [])];
  return directories.some((fields) => SENSOR_DATA.includes(photometricIn(fields) ?? 0));
}

/** Whether a file's name says so. */
export function isRawName(name: string): boolean {
  const lower = name.toLowerCase();
  return RAW_EXTENSIONS.some((extension) => lower.endsWith(extension));
}

/** No camera has more than a few; a damaged file may claim millions. */
const MOST_DIRECTORIES = 8;

function offsetsIn(bytes: Uint8Array): number[] {
  const offsets: number[] = [];
  for (let at = 0; at + 4 <= bytes.length && offsets.length < MOST_DIRECTORIES; at += 4) {
    const offset = pointedAt({ tag: 0, type: 4, count: 1, bytes: bytes.slice(at, at + 4) });
    if (offset !== undefined) offsets.push(offset);
  }
  return offsets;
}
