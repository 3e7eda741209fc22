/**
 * EXIF and XMP out of picture files and into those that a canvas wrote, which have none.
 *
 * Containers: JPEG (ITU-T T.81, segments; EXIF 2.3 and XMP part 3 for APP1), PNG (third edition, eXIf and iTXt), WebP (RFC
 * 9649).
 *
 * @module
 */
import { uprightExif } from '../image/exif-orientation.ts';
import type { ImageFormat } from '../image/image-signature.ts';
import { joined, jpegParts, pngParts, webpParts } from './file-parts.ts';

/** Formats that a canvas writes. */
export type CanvasFormat = 'jpeg' | 'png' | 'webp';

/** Metadata of the input that goes into the result again. */
export interface KeptMetadata {
  readonly format: CanvasFormat | undefined;
  /** A TIFF structure, upright and without thumbnail. */
  readonly exif?: Uint8Array;
  readonly xmp?: string;
}

export interface Metadata {
  readonly exif?: Uint8Array | undefined;
  readonly xmp?: string | undefined;
}

const EXIF_NAME = 'Exif\0\0';
const XMP_NAME = 'http://ns.adobe.com/xap/1.0/\0';
const XMP_KEYWORD = 'XML:com.adobe.xmp';
/** An APP1 segment counts its own two length bytes. */
const LARGEST_SEGMENT = 65_533;

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const startsWith = (bytes: Uint8Array, name: string): boolean => latin1(name).every((value, i) => bytes[i] === value);

/** Metadata of a file that are worth keeping. Never throws: a damaged block is left out. */
export function readMetadata(bytes: Uint8Array, format: ImageFormat | undefined): KeptMetadata {
  if (format !== 'jpeg' && format !== 'png' && format !== 'webp') return { format: undefined };
  const { exif: block, xmp } = { jpeg: readJpeg, png: readPng, webp: readWebp }[format](bytes);
  const exif = block === undefined ? undefined : uprightExif(block);
  return { format, ...(exif !== undefined && { exif }), ...(xmp !== undefined && { xmp }) };
}

/** The file with metadata. Blocks that a JPEG cannot hold are left out. */
export function withMetadata(bytes: Uint8Array<ArrayBuffer>, format: CanvasFormat, metadata: Metadata) {
  return { jpeg: writeJpeg, png: writePng, webp: writeWebp }[format](bytes, metadata);
}

function readJpeg(bytes: Uint8Array): Metadata {
  const blocks = jpegParts(bytes).flatMap(({ marker, start, end }) =>
    marker === 0xe1 ? [bytes.subarray(start + 4, end)] : [],
  );
  const exif = blocks.find((block) => startsWith(block, EXIF_NAME));
  const xmp = blocks.find((block) => startsWith(block, XMP_NAME));
  return { exif, xmp: xmp && text(xmp.subarray(XMP_NAME.length)) };
}

function writeJpeg(bytes: Uint8Array<ArrayBuffer>, { exif, xmp }: Metadata): Uint8Array<ArrayBuffer> {
  const segment = (name: string, body: Uint8Array): Uint8Array[] => {
    const length = name.length + body.length + 2;
    return length > LARGEST_SEGMENT ? [] : [Uint8Array.of(0xff, 0xe1, length >> 8, length & 0xff), latin1(name), body];
  };
  // After the JFIF header, which has to come first.
  const jfif = jpegParts(bytes).find(({ marker }) => marker === 0xe0);
  const at = jfif?.end ?? 2;
  const added = [...(exif ? segment(EXIF_NAME, exif) : []), ...(xmp ? segment(XMP_NAME, utf8(xmp)) : [])];
  return joined([bytes.subarray(0, at), ...added, bytes.subarray(at)]);
}

function readPng(bytes: Uint8Array): Metadata {
  const parts = pngParts(bytes);
  const exif = parts.find(({ type }) => type === 'eXIf');
  const xmp = parts.find(({ type, start }) => type === 'iTXt' && startsWith(bytes.subarray(start + 8), XMP_KEYWORD));
  return { exif: exif && bytes.subarray(exif.start + 8, exif.end - 4), xmp: xmp && pngXmp(bytes, xmp) };
}

/** Keyword, 0, compression flag and method, language, 0, translated keyword, 0, text. Compressed text is left out. */
function pngXmp(bytes: Uint8Array, { start, end }: { readonly start: number; readonly end: number }) {
  const body = bytes.subarray(start + 8 + XMP_KEYWORD.length + 1, end - 4);
  const language = body.indexOf(0, 2);
  const keyword = body.indexOf(0, language + 1);
  return body[0] !== 0 || language < 0 || keyword < 0 ? undefined : text(body.subarray(keyword + 1));
}

function writePng(bytes: Uint8Array<ArrayBuffer>, { exif, xmp }: Metadata): Uint8Array<ArrayBuffer> {
  const chunk = (type: string, body: Uint8Array): Uint8Array[] => {
    const framed = joined([latin1(type), body]);
    return [word(body.length), framed, word(crc32(framed))];
  };
  const header = pngParts(bytes)[0]?.end ?? 8;
  const itxt = xmp && joined([latin1(`${XMP_KEYWORD}\0\0\0\0\0`), utf8(xmp)]);
  const added = [...(exif ? chunk('eXIf', exif) : []), ...(itxt ? chunk('iTXt', itxt) : [])];
  return joined([bytes.subarray(0, header), ...added, bytes.subarray(header)]);
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** CRC of PNG chunks: ISO 3309, reflected polynomial 0xedb88320. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function readWebp(bytes: Uint8Array): Metadata {
  const body = (name: string) => {
    const part = webpParts(bytes).find(({ type }) => type === name);
    return part && bytes.subarray(part.start + 8, part.start + 8 + part.length);
  };
  const xmp = body('XMP ');
  return { exif: body('EXIF'), xmp: xmp && text(xmp) };
}

const VP8X_FLAG = { xmp: 0x04, exif: 0x08, alpha: 0x10 } as const;

/** Metadata needs the extended header; the simple files of a canvas get one. */
function writeWebp(bytes: Uint8Array<ArrayBuffer>, { exif, xmp }: Metadata): Uint8Array<ArrayBuffer> {
  const parts = webpParts(bytes);
  const image = parts.find(({ type }) => type === 'VP8 ' || type === 'VP8L');
  if (image === undefined) return bytes;
  const old = parts.find(({ type }) => type === 'VP8X');
  const [width, height, alpha] = webpSize(bytes.subarray(image.start + 8), image.type);
  const header = new Uint8Array(10);
  header[0] = (exif ? VP8X_FLAG.exif : 0) | (xmp ? VP8X_FLAG.xmp : 0) | (alpha ? VP8X_FLAG.alpha : 0);
  const view = new DataView(header.buffer);
  view.setUint16(4, (width - 1) & 0xffff, true);
  view.setUint16(7, (height - 1) & 0xffff, true);
  if (old) {
    header.set(bytes.subarray(old.start + 8, old.start + 18));
    header[0] = (header[0] as number) | (exif ? VP8X_FLAG.exif : 0) | (xmp ? VP8X_FLAG.xmp : 0);
  }
  const chunk = (type: string, body: Uint8Array): Uint8Array[] => [
    latin1(type),
    word(body.length).reverse(),
    body,
    new Uint8Array(body.length % 2),
  ];
  const kept = parts.filter(({ type }) => type !== 'VP8X').map(({ start, end }) => bytes.subarray(start, end));
  const added = [...(exif ? chunk('EXIF', exif) : []), ...(xmp ? chunk('XMP ', utf8(xmp)) : [])];
  const body = joined([latin1('WEBP'), ...chunk('VP8X', header), ...kept, ...added]);
  return joined([latin1('RIFF'), word(body.length).reverse(), body]);
}

/** Width, height and whether there is transparency, from the first bytes of the image data. */
function webpSize(data: Uint8Array, type: string): [width: number, height: number, alpha: boolean] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (type === 'VP8 ') return [view.getUint16(6, true) & 0x3fff, view.getUint16(8, true) & 0x3fff, false];
  const bits = view.getUint32(1, true);
  return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1, (bits >>> 28) % 2 === 1];
}
