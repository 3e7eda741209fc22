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

/** Segments of a JPEG up to its image data, each with its marker and length bytes. */
export function jpegParts(bytes: Uint8Array): (Part & { readonly marker: number })[] {
  const parts: (Part & { readonly marker: number })[] = [];
  let start = 2;
  while (start + 4 <= bytes.length && bytes[start] === 0xff) {
    const marker = bytes[start + 1] as number;
    const end = start + 2 + ((bytes[start + 2] as number) << 8) + (bytes[start + 3] as number);
    // Start of scan: entropy-coded data follow.
    if (marker === 0xda || end > bytes.length || end < start + 4) break;
    parts.push({ marker, start, end });
    start = end;
  }
  return parts;
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

const ascii = (bytes: Uint8Array, start: number): string => String.fromCharCode(...bytes.subarray(start, start + 4));
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
