import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { patternPicture } from '../../test/support/pictures.ts';
import { encodeImage } from './image-encode.ts';
import { readDirectory, readHeader } from './tiff-directory.ts';
import { exifOfTiff, withTiffFields } from './tiff-exif.ts';

const picture = patternPicture(30, 20);
const tiff = await encodeImage(picture, { format: 'tiff' });

/** A big-endian block: Make in IFD0, ExposureTime 1/250 in the EXIF directory, latitude 51.5 in that of GPS. */
const block = Buffer.from([
  ...[0x4d, 0x4d, 0, 42, 0, 0, 0, 8],
  ...[0, 3, 0x01, 0x0f, 0, 2, 0, 0, 0, 7, 0, 0, 0, 50],
  ...[0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 58],
  ...[0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 84],
  ...[0, 0, 0, 0],
  ...Buffer.from('Camera\0\0'),
  ...[0, 1, 0x82, 0x9a, 0, 5, 0, 0, 0, 1, 0, 0, 0, 76, 0, 0, 0, 0],
  ...[0, 0, 0, 1, 0, 0, 0, 250],
  ...[0, 1, 0, 1, 0, 2, 0, 0, 0, 2, 78, 0, 0, 0, 0, 0, 0, 0],
]);

describe('EXIF of TIFF files', () => {
  it('goes in and comes out, whatever its byte order', () => {
    const file = withTiffFields(tiff, [], block);
    const back = exifOfTiff(file) as Uint8Array;
    expect(Buffer.from(back).includes('Camera')).toBe(true);
    // Little-endian now: 1/250.
    expect(Buffer.from(back).includes(Buffer.from([1, 0, 0, 0, 250, 0, 0, 0]))).toBe(true);
    const header = readHeader(back);
    const tags = readDirectory(back, header?.first ?? 0, true)?.map(({ tag }) => tag);
    expect(tags).toEqual([0x010f, 0x8769, 0x8825]);
  });

  it('leaves the picture as it was, for libvips and as a TIFF', async () => {
    const file = withTiffFields(tiff, [], block);
    const [before, after] = await Promise.all([tiff, file].map((bytes) => sharp(bytes).raw().toBuffer()));
    expect(after?.equals(before as Buffer)).toBe(true);
    const header = readHeader(file);
    const tags = readDirectory(file, header?.first ?? 0, true)?.map(({ tag }) => tag) ?? [];
    expect([...tags].sort((a, b) => a - b)).toEqual(tags);
  });

  it('is nothing where there is nothing', () => {
    expect(exifOfTiff(tiff)).toBeUndefined();
    expect(exifOfTiff(new Uint8Array([1, 2, 3]))).toBeUndefined();
  });

  it('is not read where a small file claims terabytes of values', () => {
    const bomb = new Uint8Array(2 ** 20);
    const view = new DataView(bomb.buffer);
    bomb.set([0x49, 0x49, 42, 0, 8, 0, 0, 0]);
    view.setUint16(8, 60_000, true);
    for (let i = 0; i < 60_000; i++) {
      view.setUint16(10 + i * 12, 0x010e, true);
      view.setUint16(12 + i * 12, 1, true);
      view.setUint32(14 + i * 12, 2 ** 20 - 8, true);
    }
    const before = process.memoryUsage().arrayBuffers;
    expect(exifOfTiff(bomb)).toBeUndefined();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 27);
  });

  it('never fails, whatever the bytes', () => {
    const file = withTiffFields(tiff, [], block);
    const change = fc.tuple(fc.nat({ max: file.length - 1 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), fc.uint8Array({ maxLength: 120 }), (changes, random) => {
        const broken = Uint8Array.from(file);
        for (const [at, value] of changes) broken[at] = value;
        exifOfTiff(broken);
        withTiffFields(broken, [], random);
        withTiffFields(tiff, [], Uint8Array.from([...block.subarray(0, 8), ...random]));
        exifOfTiff(random);
      }),
      { numRuns: 500 },
    );
  });
});
