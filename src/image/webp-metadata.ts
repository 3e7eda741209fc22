/**
 * Metadata in WebP files: chunks (RFC 9649).
 *
 * @module
 */
import { joined, latin1, viewOf, webpParts, word } from './file-parts.ts';
import { decodeXmp, type FileMetadata } from './metadata.ts';
import { joinXmp } from './xmp.ts';

export function readWebpMetadata(bytes: Uint8Array): FileMetadata {
  const bodies = (name: string): Uint8Array[] =>
    webpParts(bytes)
      .filter(({ type }) => type === name)
      .map(({ start, length }) => bytes.subarray(start + 8, start + 8 + length));
  return { exif: bodies('EXIF')[0], xmp: joinXmp(bodies('XMP ').map(decodeXmp)) };
}

const VP8X_FLAG = { xmp: 0x04, exif: 0x08, alpha: 0x10 } as const;

/** Metadata needs the extended header; simple files get one. */
export function withWebpMetadata(bytes: Uint8Array<ArrayBuffer>, { exif, xmp }: FileMetadata): Uint8Array<ArrayBuffer> {
  const parts = webpParts(bytes);
  const image = parts.find(({ type }) => type === 'VP8 ' || type === 'VP8L');
  if (image === undefined || (exif === undefined && xmp === undefined)) return bytes;
  const old = parts.find(({ type }) => type === 'VP8X');
  const [width, height, alpha] = webpSize(bytes.subarray(image.start + 8), image.type);
  const header = new Uint8Array(10);
  header[0] = (exif ? VP8X_FLAG.exif : 0) | (xmp ? VP8X_FLAG.xmp : 0) | (alpha ? VP8X_FLAG.alpha : 0);
  const view = viewOf(header);
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
  const added = [...(exif ? chunk('EXIF', exif) : []), ...(xmp ? chunk('XMP ', new TextEncoder().encode(xmp)) : [])];
  const body = joined([latin1('WEBP'), ...chunk('VP8X', header), ...kept, ...added]);
  return joined([latin1('RIFF'), word(body.length).reverse(), body]);
}

/** Width, height and whether there is transparency, from the first bytes of the image data. */
function webpSize(data: Uint8Array, type: string): [width: number, height: number, alpha: boolean] {
  const view = viewOf(data);
  if (type === 'VP8 ') return [view.getUint16(6, true) & 0x3fff, view.getUint16(8, true) & 0x3fff, false];
  const bits = view.getUint32(1, true);
  return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1, (bits >>> 28) % 2 === 1];
}
