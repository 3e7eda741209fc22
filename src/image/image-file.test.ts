import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  ENCODINGS,
  iccProfile,
  largestDifference,
  meanDifference,
  patternPicture,
  temporaryFolder,
} from '../../test/support/pictures.ts';
import { ClearwordError } from '../errors.ts';
import { encodeImage } from './image-encode.ts';
import { IMAGE_FORMATS, readImage, readImageHeader } from './image-file.ts';
import type { Picture } from './picture.ts';
import { mergeXmp } from './xmp.ts';

const folder = await temporaryFolder();

async function failure(work: Promise<unknown>): Promise<ClearwordError> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(ClearwordError);
  return error as ClearwordError;
}

const rawOf = (picture: Picture) => ({
  raw: { width: picture.width, height: picture.height, channels: picture.channels },
});

describe('what comes back from a file', () => {
  for (const bits of [8, 16] as const) {
    for (const channels of [1, 3] as const) {
      for (const alpha of [false, true]) {
        for (const format of ['png', 'tiff'] as const) {
          it(`${format}, ${bits} bits, ${channels} channels, ${alpha ? 'alpha' : 'opaque'}: every value`, async () => {
            const picture = patternPicture(37, 23, { bits, channels, alpha });
            const { picture: back, source } = await readImage(await encodeImage(picture, { format }));
            expect(back.data.constructor).toBe(picture.data.constructor);
            expect(back.channels).toBe(channels);
            expect(largestDifference(back.data, picture.data)).toBe(0);
            expect(back.alpha).toEqual(picture.alpha);
            expect(source).toMatchObject({ format, width: 37, height: 23, bits, hasAlpha: alpha });
          });
        }
      }
    }
  }

  it('JPEG, WebP and AVIF, within the losses of their quality', async () => {
    const picture = patternPicture(64, 48);
    // WebP has colours at half resolution.
    for (const [format, bound] of [
      ['jpeg', 6],
      ['webp', 16],
      ['avif', 8],
    ] as const) {
      const { picture: back } = await readImage(await encodeImage(picture, { format }));
      expect(largestDifference(back.data, picture.data), format).toBeLessThanOrEqual(bound);
    }
  });

  it('AVIF with 12 bits for 16', async () => {
    const picture = patternPicture(64, 48, { bits: 16 });
    const { picture: back, source } = await readImage(await encodeImage(picture, { format: 'avif' }));
    expect(source.bits).toBe(12);
    expect(largestDifference(back.data, picture.data)).toBeLessThanOrEqual(0.03 * 65535);
  });

  it('16 bits rounded, not cut, where a format has 8', async () => {
    const picture: Picture = { width: 1, height: 1, channels: 3, data: new Uint16Array([0x80ff, 0x7f80, 0xff00]) };
    const webp = await readImage(await encodeImage(picture, { format: 'jpeg', quality: 100 }));
    expect(largestDifference(webp.picture.data, [0x80, 0x7f, 0xfe])).toBeLessThanOrEqual(1);
  });

  it('a palette as RGB, CMYK as sRGB', async () => {
    const picture = patternPicture(40, 30);
    const image = () => sharp(picture.data, rawOf(picture));
    const palette = await readImage(await image().png({ palette: true, colours: 16 }).toBuffer());
    expect(palette.picture.channels).toBe(3);
    const cmyk = await readImage(await image().toColourspace('cmyk').withIccProfile('cmyk').tiff().toBuffer());
    expect(cmyk.source).toMatchObject({ colour: 'cmyk', convertBack: false });
    expect(cmyk.source.icc).toBeUndefined();
    // Saturated colours lie outside of what four inks can print.
    expect(meanDifference(cmyk.picture.data, picture.data)).toBeLessThan(20);
  });

  it('upright, whatever the EXIF orientation', async () => {
    const picture = patternPicture(20, 12);
    const upright = await sharp(picture.data, rawOf(picture)).rotate(90).raw().toBuffer();
    const stored = await sharp(picture.data, rawOf(picture)).withMetadata({ orientation: 6 }).png().toBuffer();
    const { picture: back, source } = await readImage(stored);
    expect([back.width, back.height]).toEqual([12, 20]);
    expect(largestDifference(back.data, upright)).toBe(0);
    const written = await sharp(await encodeImage(back, { format: 'jpeg', source })).metadata();
    expect([written.width, written.height, written.orientation]).toEqual([12, 20, 1]);
  });

  it('flattened on white in a JPEG', async () => {
    const picture = patternPicture(16, 16, { alpha: true });
    const { picture: back } = await readImage(await encodeImage(picture, { format: 'jpeg' }));
    expect(back.alpha).toBeUndefined();
    expect(Math.min(...back.data.subarray(0, 3))).toBeGreaterThan(245);
  });
});

describe('colour profiles', () => {
  const tagged = async (icc: Buffer, bits: 8 | 16, channels: 1 | 3 = 3) => {
    const vivid = patternPicture(24, 16, { bits, channels });
    // Muted, because the vivid colours of ProPhoto lie outside of sRGB and Display P3 and are clipped.
    const picture = { ...vivid, data: vivid.data.map((value) => 0.35 * 2 ** bits + value * 0.3) };
    const source = {
      format: 'png',
      width: 24,
      height: 16,
      bits,
      colour: 'rgb',
      hasAlpha: false,
      metadata: {},
    } as const;
    return {
      picture,
      file: await encodeImage(picture, { format: 'png', source: { ...source, convertBack: false, icc } }),
    };
  };

  it('near sRGB: values as they are, profile carried over', async () => {
    const { picture, file } = await tagged(iccProfile(ENCODINGS['Adobe RGB']), 8);
    const { picture: back, source } = await readImage(file);
    expect(largestDifference(back.data, picture.data)).toBe(0);
    for (const format of IMAGE_FORMATS) {
      const written = await sharp(await encodeImage(back, { format, source })).metadata();
      expect(written.icc, format).toEqual(iccProfile(ENCODINGS['Adobe RGB']));
    }
  });

  for (const bits of [8, 16] as const) {
    it(`far from sRGB, ${bits} bits: converted, and converted back when written`, async () => {
      const { picture, file } = await tagged(iccProfile(ENCODINGS['ProPhoto RGB']), bits);
      const { picture: back, source } = await readImage(file);
      expect(source.convertBack).toBe(true);
      expect(largestDifference(back.data, picture.data)).toBeGreaterThan(0.04 * 2 ** bits);
      const again = await encodeImage(back, { format: 'png', source });
      expect((await sharp(again).metadata()).icc).toEqual(iccProfile(ENCODINGS['ProPhoto RGB']));
      const encoded = await sharp(again, { ignoreIcc: true })
        .toColourspace(bits === 8 ? 'srgb' : 'rgb16')
        .raw({ depth: bits === 8 ? 'uchar' : 'ushort' })
        .toBuffer();
      const values = bits === 8 ? encoded : new Uint16Array(encoded.buffer, encoded.byteOffset, encoded.length / 2);
      expect(meanDifference(values, picture.data)).toBeLessThan(0.005 * 2 ** bits);
    });
  }

  it('converted to sRGB and forgotten when asked', async () => {
    const { picture, file } = await tagged(iccProfile(ENCODINGS['Adobe RGB']), 8);
    const { picture: back, source } = await readImage(file, { toSrgb: true });
    expect(largestDifference(back.data, picture.data)).toBeGreaterThan(3);
    expect(source.icc).toBeUndefined();
  });

  it('grey keeps its own, and drops an RGB one', async () => {
    const grey = iccProfile({ gamma: 2.2 });
    const { picture, file } = await tagged(grey, 8, 1);
    const { picture: back, source } = await readImage(file);
    expect(back.channels).toBe(1);
    expect(largestDifference(back.data, picture.data)).toBe(0);
    expect((await sharp(await encodeImage(back, { format: 'tiff', source })).metadata()).icc).toEqual(grey);
  });
});

describe('metadata', () => {
  it('EXIF, resolution and profile reach every format that holds them', async () => {
    const picture = patternPicture(32, 24);
    const file = await sharp(picture.data, rawOf(picture))
      .withMetadata({ density: 300, orientation: 8 })
      .withExifMerge({ IFD0: { Copyright: 'Ada' }, IFD2: { DateTimeOriginal: '2021:06:01 10:00:00' } })
      .jpeg()
      .toBuffer();
    const { picture: back, source } = await readImage(file);
    for (const format of IMAGE_FORMATS) {
      const written = await sharp(await encodeImage(back, { format, source })).metadata();
      expect(written.orientation ?? 1, format).toBe(1);
      expect(written.hasProfile, format).toBe(true);
      const again = await readImage(await encodeImage(back, { format, source }));
      expect(Buffer.from(again.source.metadata.exif ?? []).includes('2021:06:01 10:00:00'), format).toBe(true);
      expect(Buffer.from(again.source.metadata.exif ?? []).includes('Ada'), format).toBe(true);
      expect(largestDifference(again.picture.data, back.data), format).toBeLessThan(20);
      // A density only where the format has a field of its own.
      if (format !== 'webp' && format !== 'avif') expect(written.density, format).toBe(300);
    }
  });

  it('damaged EXIF is dropped, so that the result can be written', async () => {
    const picture = patternPicture(8, 8);
    const good = await sharp(picture.data, rawOf(picture))
      .withExif({ IFD0: { Make: 'Camera' } })
      .png()
      .toBuffer();
    const at = good.indexOf('eXIf') + 4;
    const bad = Buffer.from(good);
    // An IFD0 far outside of the block. PNG readers do not check the sum of an ancillary chunk strictly.
    bad.writeUInt32LE(0x7fffffff, at + 4);
    const { picture: back, source } = await readImage(bad);
    expect(source.metadata.exif).toBeUndefined();
    for (const format of IMAGE_FORMATS) await encodeImage(back, { format, source });
  });

  it('none is invented: a file without EXIF or profile is written without them', async () => {
    const picture = patternPicture(8, 8);
    for (const format of IMAGE_FORMATS) {
      const { source } = await readImage(await encodeImage(picture, { format }));
      const written = await sharp(
        await encodeImage(picture, { format, source, xmp: mergeXmp(undefined, {}) }),
      ).metadata();
      expect(written.exif, format).toBeUndefined();
      expect(written.icc, format).toBeUndefined();
      expect(written.xmpAsString, format).toContain('rdf:RDF');
    }
  });
});

describe('refusals', () => {
  const file = async (name: string, data: string | Uint8Array) => {
    await writeFile(join(folder, name), data);
    return join(folder, name);
  };
  const picture = patternPicture(50, 40);

  it('a missing file, a folder, a pipe', async () => {
    const missing = await failure(readImage(join(folder, 'nowhere.png')));
    expect(missing.code).toBe('INPUT_NOT_FOUND');
    expect(missing.message).toContain('nowhere.png');
    await mkdir(join(folder, 'a-folder'));
    expect((await failure(readImage(join(folder, 'a-folder')))).code).toBe('INPUT_UNREADABLE');
    if (process.platform !== 'win32') {
      execFileSync('mkfifo', [join(folder, 'pipe')]);
      expect((await failure(readImage(join(folder, 'pipe')))).code).toBe('INPUT_UNREADABLE');
    }
  });

  it('an empty file, text, and formats of other programs, by name', async () => {
    expect((await failure(readImage(await file('empty.jpg', '')))).message).toContain('received an empty file');
    for (const [name, contents, received] of [
      ['text.png', 'hello', 'starts with the bytes 68 65'],
      ['drawing.png', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'an SVG drawing'],
      ['document.tif', '%PDF-1.7', 'a PDF'],
    ] as const) {
      const error = await failure(readImage(await file(name, contents)));
      expect(error.code).toBe('NOT_AN_IMAGE');
      expect(error.message).toContain(name);
      expect(error.message).toContain(received);
    }
  });

  it('a file that ends early, in every format; a JPEG only when asked to be strict', async () => {
    for (const format of IMAGE_FORMATS) {
      const whole = await encodeImage(picture, { format });
      for (const part of [0.2, 0.6, 0.95]) {
        const start = whole.subarray(0, Math.floor(whole.length * part));
        const error = await failure(readImage(start, { strict: format === 'jpeg' }));
        expect(error.code, `${format} ${part}`).toBe('IMAGE_DAMAGED');
      }
    }
  });

  it('animations and several pages', async () => {
    const frames = { create: { width: 10, height: 30, channels: 3, pageHeight: 10, background: 'black' } } as const;
    const noisy = { create: { ...frames.create, noise: { type: 'gaussian', mean: 128, sigma: 60 } } } as const;
    for (const format of ['webp', 'tiff', 'gif'] as const) {
      const error = await failure(readImage(await sharp(noisy).toFormat(format).toBuffer()));
      expect(error.code, format).toBe('IMAGE_ANIMATED');
    }
    const png = await encodeImage(picture, { format: 'png' });
    const control = Buffer.from([0, 0, 0, 8, ...Buffer.from('acTL'), 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    const apng = Buffer.concat([png.subarray(0, 33), control, png.subarray(33)]);
    expect((await failure(readImage(apng))).code).toBe('IMAGE_ANIMATED');
  });

  it('more pixels than the limit, before anything is decoded', async () => {
    // A PNG of a few bytes that claims 30000 x 30000: decoded it would take 2.7 GB.
    const bomb = Buffer.from(await encodeImage(picture, { format: 'png' }));
    bomb.writeUInt32BE(30000, 16);
    bomb.writeUInt32BE(30000, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    const before = process.memoryUsage().rss;
    const error = await failure(readImage(bomb));
    expect(error.code).toBe('IMAGE_TOO_LARGE');
    expect(error.message).toContain('30000 x 30000');
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
    const small = await encodeImage(picture, { format: 'png' });
    expect((await failure(readImage(small, { limits: { pixels: 1999 } }))).code).toBe('IMAGE_TOO_LARGE');
    expect((await failure(readImage(small, { limits: { bytes: 100 } }))).code).toBe('IMAGE_TOO_LARGE');
    expect(await readImageHeader(small, { limits: { pixels: 2000 } })).toMatchObject({ width: 50, height: 40 });
  });

  it('values that are neither 8 nor 16 bits', async () => {
    const float = await sharp(picture.data, rawOf(picture))
      .tiff({ predictor: 'float', compression: 'deflate' })
      .toBuffer();
    const error = await failure(readImage(float));
    expect(error.code).toBe('NOT_AN_IMAGE');
    expect(error.message).toContain('received a floating-point picture');
    expect(error.fix).toContain('16 bits');
  });

  it('an aborted signal', async () => {
    const png = await encodeImage(picture, { format: 'png' });
    expect((await failure(readImage(png, { signal: AbortSignal.abort() }))).code).toBe('CANCELLED');
  });
});
