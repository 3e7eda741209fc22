/**
 * Which format a file is in, told from its first bytes. Decoders are only started on the five formats that Clearword
 * reads, so that no other parser (SVG, PDF, ImageMagick's) ever sees a stranger's file.
 *
 * @module
 */

import { isRaw, RAW_ADVICE } from './raw-signature.ts';
import { photometricIn, readDirectory, readHeader } from './tiff-directory.ts';

export const IMAGE_FORMATS = ['jpeg', 'png', 'webp', 'tiff', 'avif'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** File name extensions, lower case; the first one of each format is used for new names. */
export const EXTENSIONS: Readonly<Record<ImageFormat, readonly [string, ...string[]]>> = {
  jpeg: ['.jpg', '.jpeg', '.jpe', '.jfif'],
  png: ['.png'],
  webp: ['.webp'],
  tiff: ['.tif', '.tiff'],
  avif: ['.avif'],
};

/** The format that a file name asks for, by its extension in any case. */
export function formatOfName(name: string): ImageFormat | undefined {
  const lower = name.toLowerCase();
  return IMAGE_FORMATS.find((format) => EXTENSIONS[format].some((extension) => lower.endsWith(extension)));
}

export interface Signature {
  /** Undefined: not one of the five formats. */
  readonly format?: ImageFormat;
  /** What it seems to be instead, for the error message. */
  readonly description: string;
  /** How to get a picture out of it that can be restored, where there is a way that people may not know. */
  readonly fix?: string;
  /** A sequence of frames, as far as the first bytes tell (APNG, AVIF sequence, animated WebP, GIF). */
  readonly animated: boolean;
}

/** Looks at the bytes of a file from its start. Never throws, however short or strange the bytes are. */
export function readSignature(bytes: Uint8Array): Signature {
  const still = (format: ImageFormat, animated = false): Signature => ({ format, description: format, animated });
  if (isRaw(bytes)) return { description: 'a raw file of a camera', fix: RAW_ADVICE, animated: false };
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return still('jpeg');
  if (startsWith(bytes, PNG_SIGNATURE)) return still('png', isAnimatedPng(bytes));
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP') return still('webp', isAnimatedWebp(bytes));
  if (TIFF_SIGNATURES.some((signature) => startsWith(bytes, signature))) {
    return isLab(bytes) ? { description: 'a TIFF in Lab colours', fix: LAB_ADVICE, animated: false } : still('tiff');
  }
  if (ascii(bytes, 4, 4) === 'ftyp') return isoMedia(bytes);
  if (ascii(bytes, 0, 4) === 'GIF8') return { description: 'a GIF', animated: gifFrames(bytes) > 1 };
  return { description: describe(bytes), animated: false };
}

/** HEIC is what iPhones take; decoders of it may not be given away. */
export const HEIC_ADVICE =
  'Export it as a JPEG: on a Mac in Photos or Preview; on an iPhone, Settings > Camera > Formats > Most Compatible makes JPEGs from then on.';

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Classic and big TIFF, each in both byte orders. */
const TIFF_SIGNATURES = [
  [0x49, 0x49, 0x2a, 0x00],
  [0x4d, 0x4d, 0x00, 0x2a],
  [0x49, 0x49, 0x2b, 0x00],
  [0x4d, 0x4d, 0x00, 0x2b],
];

/** CIELab and its relatives, which libvips reads in part and calls damaged in part. */
const LAB: readonly number[] = [8, 9, 10];
const LAB_ADVICE = 'Convert it to RGB with the program that made it, and restore that.';

function isLab(bytes: Uint8Array): boolean {
  const header = readHeader(bytes);
  const fields = header && readDirectory(bytes, header.first, header.little);
  return fields !== undefined && LAB.includes(photometricIn(fields) ?? 0);
}

/** An APNG declares itself by an acTL chunk before the first IDAT; libvips would silently take the first frame. */
function isAnimatedPng(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = PNG_SIGNATURE.length;
  while (at + 8 <= bytes.length) {
    const type = ascii(bytes, at + 4, 4);
    if (type === 'acTL') return true;
    if (type === 'IDAT') return false;
    at += 12 + view.getUint32(at);
  }
  return false;
}

/** The extended header (VP8X) has a flag for animation. */
function isAnimatedWebp(bytes: Uint8Array): boolean {
  return ascii(bytes, 12, 4) === 'VP8X' && ((bytes[20] ?? 0) & 0x02) !== 0;
}

/** AVIF and its relatives: the brands of the ftyp box tell which. */
function isoMedia(bytes: Uint8Array): Signature {
  const size = Math.min(new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0), bytes.length, 256);
  const brands: string[] = [];
  for (let at = 8; at + 4 <= size; at += 4) if (at !== 12) brands.push(ascii(bytes, at, 4));
  if (brands[0] === 'avis') return { format: 'avif', description: 'avif', animated: true };
  if (brands.includes('avif')) return { format: 'avif', description: 'avif', animated: false };
  if (brands.some((brand) => ['heic', 'heix', 'hevc', 'mif1'].includes(brand))) {
    return { description: 'a HEIC picture', fix: HEIC_ADVICE, animated: false };
  }
  return { description: 'a video or another ISO media file', animated: false };
}

/** Counts image descriptors by walking the blocks of a GIF; stops at 2. */
function gifFrames(bytes: Uint8Array): number {
  const colourTable = (flags: number) => ((flags & 0x80) !== 0 ? 3 * 2 ** ((flags & 0x07) + 1) : 0);
  let at = 13 + colourTable(bytes[10] ?? 0);
  let frames = 0;
  while (at < bytes.length && frames < 2) {
    const block = bytes[at];
    if (block === 0x2c) {
      frames++;
      at += 10 + colourTable(bytes[at + 9] ?? 0) + 1;
    } else if (block === 0x21) {
      at += 2;
    } else {
      break;
    }
    while ((bytes[at] ?? 0) > 0) at += 1 + (bytes[at] as number);
    at++;
  }
  return frames;
}

const DESCRIPTIONS: readonly (readonly [readonly number[], string])[] = [
  [[0x25, 0x50, 0x44, 0x46], 'a PDF'],
  [[0x42, 0x4d], 'a BMP'],
  [[0x38, 0x42, 0x50, 0x53], 'a Photoshop document'],
  [[0xff, 0x0a], 'a JPEG XL picture'],
  [[0x00, 0x00, 0x00, 0x0c, 0x4a, 0x58, 0x4c, 0x20], 'a JPEG XL picture'],
  [[0x00, 0x00, 0x00, 0x0c, 0x6a, 0x50, 0x20, 0x20], 'a JPEG 2000 picture'],
  [[0x50, 0x4b, 0x03, 0x04], 'a ZIP archive'],
];

function describe(bytes: Uint8Array): string {
  const known = DESCRIPTIONS.find(([signature]) => startsWith(bytes, signature));
  if (known !== undefined) return known[1];
  const text = ascii(bytes, 0, Math.min(bytes.length, 256)).trimStart();
  if (text.startsWith('<svg') || (text.startsWith('<?xml') && text.includes('<svg'))) return 'an SVG drawing';
  const start = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `a file that starts with the bytes ${start}`;
}

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

function ascii(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
