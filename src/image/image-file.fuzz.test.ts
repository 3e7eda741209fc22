import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { patternPicture } from '../../test/support/pictures.ts';
import { ClearwordError } from '../errors.ts';
import { encodeImage } from './image-encode.ts';
import { IMAGE_FORMATS, readImage } from './image-file.ts';
import { mergeXmp } from './xmp.ts';

/**
 * The promise of the boundary: whatever the bytes, a picture within the limits or a catalogue error; never another
 * exception, a crash or a hang. A decoded picture must also be writable with all the metadata that came with it.
 */
async function holds(bytes: Uint8Array): Promise<'decoded' | ClearwordError['code']> {
  try {
    const { picture, source } = await readImage(bytes, { limits: { pixels: 1e6 } });
    const colours = picture.width * picture.height * picture.channels;
    expect(picture.data.length).toBe(colours);
    expect(colours).toBeLessThanOrEqual(3e6);
    if (colours < 30_000)
      await encodeImage(picture, { format: 'png', source, xmp: mergeXmp(source.metadata.xmp, { seed: 1 }) });
    return 'decoded';
  } catch (error) {
    if (!(error instanceof ClearwordError)) throw error;
    return error.code;
  }
}

const picture = patternPicture(24, 18, { alpha: true });
const camera = await readImage(
  await sharp(picture.data, { raw: { width: 24, height: 18, channels: 3 } })
    .withMetadata({ density: 300, orientation: 6 })
    .withExifMerge({ IFD0: { Copyright: 'Ada' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } })
    .jpeg()
    .toBuffer(),
);
const samples = await Promise.all(
  IMAGE_FORMATS.map(async (format) => {
    const xmp = mergeXmp(undefined, { prompt: 'fuzz' });
    const metadata = {
      ...camera.source.metadata,
      iptc: [{ id: 0x0404, data: Uint8Array.of(0x1c, 2, 25, 0, 1, 65) }],
      resolution: { x: 300, y: 300, unit: 'inch' as const },
    };
    return { format, bytes: await encodeImage(picture, { format, xmp, source: { ...camera.source, metadata } }) };
  }),
);
const sample = fc.constantFrom(...samples);

describe('fuzzed input', () => {
  it('random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        expect(['NOT_AN_IMAGE', 'IMAGE_DAMAGED']).toContain(await holds(bytes));
      }),
      { numRuns: 200 },
    );
  });

  it('random bytes behind a genuine signature', async () => {
    await fc.assert(
      fc.asyncProperty(
        sample,
        fc.integer({ min: 4, max: 40 }),
        fc.uint8Array({ maxLength: 600 }),
        async (from, keep, tail) => {
          await holds(Buffer.concat([from.bytes.subarray(0, keep), tail]));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('every format cut at any place', async () => {
    await fc.assert(
      fc.asyncProperty(sample, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), async (from, part) => {
        const result = await holds(from.bytes.subarray(0, Math.floor(part * from.bytes.length)));
        // What a TIFF has last, its metadata and profile, is not needed for a complete picture.
        if (part < 0.4) expect(['NOT_AN_IMAGE', 'IMAGE_DAMAGED']).toContain(result);
      }),
      { numRuns: 300 },
    );
  });

  it('changed bytes, most of them in the header', async () => {
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      value: fc.integer({ min: 0, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(sample, fc.array(change, { minLength: 1, maxLength: 6 }), async (from, changes) => {
        const bytes = Buffer.from(from.bytes);
        for (const { at, value } of changes) bytes[Math.floor(at ** 3 * (bytes.length - 1))] = value;
        await holds(bytes);
      }),
      { numRuns: 600 },
    );
  });
});
