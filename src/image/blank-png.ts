/**
 * A black PNG of one pixel that carries metadata.
 *
 * sharp copies metadata only from the picture that a pipeline starts with, and restored pixels come from memory without
 * any. A pipeline that starts with this pixel, enlarged and OR-ed with the restored ones, has both, in every format that
 * sharp writes.
 *
 * @module
 */
import { crc32, deflateSync } from 'node:zlib';

export interface BlankPng {
  /** 1: grey, 2: grey and alpha, 3: RGB, 4: RGB and alpha. */
  readonly channels: 1 | 2 | 3 | 4;
  readonly bits: 8 | 16;
  /** EXIF as a TIFF structure. */
  readonly exif?: Uint8Array | undefined;
  /** ICC profile. */
  readonly icc?: Uint8Array | undefined;
}

/** PNG colour type by number of channels. */
const COLOUR_TYPE = { 1: 0, 2: 4, 3: 2, 4: 6 } as const;

/** The file's bytes: black and, with alpha, transparent, so that every sample is 0. Chunks as in the PNG specification. */
export function blankPng({ channels, bits, exif, icc }: BlankPng): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(1, 0);
  header.writeUInt32BE(1, 4);
  header[8] = bits;
  header[9] = COLOUR_TYPE[channels];
  const chunks = [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk('IHDR', header)];
  if (icc !== undefined) chunks.push(chunk('iCCP', Buffer.concat([Buffer.from('icc\0\0'), deflateSync(icc)])));
  if (exif !== undefined) chunks.push(chunk('eXIf', exif));
  // One row: the filter byte and the samples, all 0.
  chunks.push(chunk('IDAT', deflateSync(Buffer.alloc(1 + (channels * bits) / 8))), chunk('IEND', Buffer.alloc(0)));
  return Buffer.concat(chunks);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
