import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { patternPicture, temporaryFolder } from '../../test/support/pictures.ts';
import { ClearwordError } from '../errors.ts';
import { joined, latin1 } from './file-parts.ts';
import { encodeImage } from './image-encode.ts';
import { readImage } from './image-file.ts';
import { isRaw } from './raw-signature.ts';
import { type Field, pointer, readDirectory, readHeader, writeDirectory } from './tiff-directory.ts';
import { withTiffFields } from './tiff-exif.ts';

const folder = await temporaryFolder();
const preview = await encodeImage(patternPicture(32, 24), { format: 'tiff' });
const short = (tag: number, value: number): Field => ({
  tag,
  type: 3,
  count: 1,
  bytes: Uint8Array.of(value & 0xff, value >> 8),
});

/** A preview as the first picture, and what the sensor saw below it, as in NEF, ARW, PEF and others. */
function withSensorData(photometric: number): Uint8Array {
  const padded = joined([preview, new Uint8Array(preview.length % 2)]);
  const below = joined([padded, writeDirectory([short(0x0106, photometric)], padded.length)]);
  return withTiffFields(below, [pointer(0x014a, padded.length)]);
}

async function refusal(input: string | Uint8Array): Promise<ClearwordError> {
  const error = await readImage(input).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(ClearwordError);
  return error as ClearwordError;
}

describe('raw files of cameras', () => {
  it('are refused with what to do, not restored from their preview', async () => {
    const dng = withTiffFields(preview, [{ tag: 0xc612, type: 1, count: 4, bytes: Uint8Array.of(1, 4, 0, 0) }]);
    const files = {
      dng,
      'colour filter array': withSensorData(32803),
      'linear light': withSensorData(34892),
      fuji: latin1('FUJIFILMCCD-RAW 0201'),
      olympus: latin1('IIRO\x08\0\0\0'),
      panasonic: latin1('IIU\0\x08\0\0\0'),
      canon3: joined([Uint8Array.of(0, 0, 0, 24), latin1('ftypcrx isom')]),
      canon2: joined([Uint8Array.of(0x49, 0x49, 42, 0, 16, 0, 0, 0), latin1('CR\x02\0')]),
    };
    for (const [name, bytes] of Object.entries(files)) {
      const error = await refusal(bytes);
      expect(error.message, name).toContain('received a raw file of a camera');
      expect(error.code).toBe('NOT_AN_IMAGE');
      expect(error.fix).toContain('export a 16-bit TIFF or a JPEG');
    }
  });

  it('are told by their name too, where the contents are those of a TIFF', async () => {
    const path = join(folder, 'DSC_0001.NEF');
    await writeFile(path, preview);
    expect((await refusal(path)).message).toContain('a raw file of a camera');
  });

  it('a TIFF with pictures below the first is none', async () => {
    expect(isRaw(withSensorData(2))).toBe(false);
    expect((await readImage(withSensorData(2))).picture.width).toBe(32);
    const header = readHeader(preview);
    expect(readDirectory(preview, header?.first ?? 0, true)).toBeDefined();
  });

  it('HEIC says how to get a JPEG', async () => {
    const error = await refusal(joined([Uint8Array.of(0, 0, 0, 24), latin1('ftypheic\0\0\0\0mif1heic')]));
    expect(error.message).toContain('a HEIC picture');
    expect(error.fix).toMatch(/iPhone.*Most Compatible/);
  });
});

describe('a JPEG that ends early', () => {
  it('is read with a warning, grey below', async () => {
    const whole = await encodeImage(patternPicture(64, 256), { format: 'jpeg' });
    const { picture: reference, warnings: none } = await readImage(whole);
    expect(none).toEqual([]);
    const { picture, warnings } = await readImage(whole.subarray(0, Math.floor(0.6 * whole.length)));
    expect(warnings).toEqual(['the file ends early; what is missing of the picture, if anything, is grey']);
    const top = 64 * 80 * 3;
    expect(picture.data.subarray(0, top)).toEqual(reference.data.subarray(0, top));
    expect(new Set(picture.data.subarray(-64 * 16 * 3))).toEqual(new Set([128]));
  });

  it('by its last two bytes only is whole', async () => {
    const whole = await encodeImage(patternPicture(64, 64), { format: 'jpeg' });
    const { picture, warnings } = await readImage(whole.subarray(0, -2));
    expect(picture.data).toEqual((await readImage(whole)).picture.data);
    expect(warnings).toHaveLength(1);
    await expect(readImage(whole.subarray(0, -2), { strict: true })).rejects.toThrow('expected a complete picture');
  });
});
