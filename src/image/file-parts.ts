/**
 * Where the parts of a picture file lie. Walks never leave the bytes, however damaged they are.
 *
 * @module
 */

/** From the first byte of a part to the one after its last. */
interface Part {
  readonly start: number;
  readonly end: number;
}

/**
 * Segments of a JPEG, each with its marker and length bytes, up to the end of the picture: what follows it (the video of a
 * motion photo, a gain map) is not part of it. Segments may stand between scans too; the scans themselves are left out.
 */
export function jpegParts(bytes: Uint8Array): (Part & { readonly marker: number })[] {
  const parts: (Part & { readonly marker: number })[] = [];
  let start = 2;
  while (start + 4 <= bytes.length && bytes[start] === 0xff) {
    const marker = bytes[start + 1] as number;
    const end = start + 2 + ((bytes[start + 2] as number) << 8) + (bytes[start + 3] as number);
    if (marker === JPEG_END || end > bytes.length || end < start + 4) break;
    if (marker !== JPEG_SCAN) parts.push({ marker, start, end });
    start = marker === JPEG_SCAN ? endOfScan(bytes, end) : end;
  }
  return parts;
}

export const JPEG_SCAN = 0xda;
const JPEG_END = 0xd9;

/** Where the next marker stands: in entropy-coded data 0xff is followed by 0 or by the number of a restart (0xd0..0xd7). */
function endOfScan(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0xff, from);
  while (at >= 0) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && (next & 0xf8) !== 0xd0) return at;
    at = bytes.indexOf(0xff, at + 1);
  }
  return bytes.length;
}

/** Chunks of a PNG, each with its length, type and checksum. */
export function pngParts(bytes: Uint8Array): (Part & { readonly type: string })[] {
  const view = viewOf(bytes);
  const parts: (Part & { readonly type: string })[] = [];
  let start = 8;
  while (start + 12 <= bytes.length) {
    const end = start + 12 + view.getUint32(start);
    if (end > bytes.length) break;
    parts.push({ type: ascii(bytes, start + 4), start, end });
    start = end;
  }
  return parts;
}

/** Chunks of a WebP file, each with its type and length; `end` is after the padding to an even length. */
export function webpParts(bytes: Uint8Array): (Part & { readonly type: string; readonly length: number })[] {
  const view = viewOf(bytes);
  const parts: (Part & { readonly type: string; readonly length: number })[] = [];
  let start = 12;
  while (start + 8 <= bytes.length) {
    const length = view.getUint32(start + 4, true);
    const end = Math.min(bytes.length, start + 8 + length + (length % 2));
    if (start + 8 + length > bytes.length) break;
    parts.push({ type: ascii(bytes, start), start, end, length });
    start = end;
  }
  return parts;
}

/** Boxes of an ISO media file (ISO 14496-12, section 4.2) in a stretch of it; `body` is where the contents start. */
export function isoBoxes(
  bytes: Uint8Array,
  from: number,
  to: number,
): (Part & { readonly type: string; readonly body: number })[] {
  const view = viewOf(bytes);
  const boxes: (Part & { readonly type: string; readonly body: number })[] = [];
  let start = from;
  while (start + 8 <= to) {
    const size = view.getUint32(start);
    // 1: 64 bits follow, of which a file in memory needs the lower ones; 0: to the end.
    const wide = size === 1 && start + 16 <= to;
    const length = wide ? view.getUint32(start + 12) : size === 0 ? to - start : size;
    const body = start + (wide ? 16 : 8);
    const end = start + length;
    if (end > to || end < body || (wide && view.getUint32(start + 8) !== 0)) break;
    boxes.push({ type: ascii(bytes, start + 4), start, end, body });
    start = end;
  }
  return boxes;
}

/** The parts one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** One byte a character, 0..255. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function startsWith(bytes: Uint8Array, name: string): boolean {
  return latin1(name).every((value, i) => bytes[i] === value);
}

/** Four bytes, the highest first. */
export function word(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

/** Four bytes as the text that names a part. */
export function ascii(bytes: Uint8Array, start: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + 4));
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
