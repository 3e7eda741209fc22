import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { fakeModel } from '../test/support/fake-model.ts';
import { largestDifference, meanDifference, patternPicture, temporaryFolder } from '../test/support/pictures.ts';
import { encodeImage } from './image/image-encode.ts';
import { readImage } from './image/image-file.ts';
import { readXmpProperties } from './image/xmp.ts';
import { Clearword, type RawPixels, type RestoredImage, type RestoreOptions, VERSION } from './index.ts';

const folder = await temporaryFolder();
const picture = patternPicture(100, 70);
const identity = () => new Clearword(fakeModel({ predict: ({ mu }) => mu }));
const png = await encodeImage(picture, { format: 'png' });

describe('inputs', () => {
  it('a path, a Buffer and raw pixels give the same picture', async () => {
    const path = join(folder, 'input.png');
    await writeFile(path, png);
    const raw: RawPixels = { data: picture.data, width: 100, height: 70, channels: 3 };
    const clearword = new Clearword(fakeModel({ stateShare: 0.3 }));
    const [a, b, c] = await Promise.all([path, png, raw].map((input) => clearword.restore(input, { seed: 3 })));
    expect(a?.pixels()).toEqual(b?.pixels());
    expect(b?.pixels()).toEqual(c?.pixels());
    expect(a?.pixels()).toMatchObject({ width: 100, height: 70, channels: 3 });
  });

  it('raw pixels with alpha, in 16 bits', async () => {
    const data = Uint16Array.from({ length: 4 * 6 * 4 }, (_, i) => (i * 3571) % 65536);
    const result = await identity().restore({ data, width: 6, height: 4, channels: 4 });
    expect(result.pixels()).toEqual({ data, width: 6, height: 4, channels: 4 });
  });

  it('anything else is refused, by name', async () => {
    for (const [input, message] of [
      [{ data: picture.data, width: 99, height: 70, channels: 3 }, 'expected 20790 values'],
      [{ data: [1, 2, 3], width: 1, height: 1, channels: 3 }, 'for data'],
      [{ data: picture.data, width: 100, height: 70, channels: 5 }, 'for channels'],
      [undefined, 'for input'],
    ] as const) {
      const work = identity().restore(input as unknown as RawPixels);
      await expect(work).rejects.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining(message) });
    }
    await expect(identity().restore(png, { maxMegapixels: 0.006 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    await expect(identity().restore(png, { step: 3 } as RestoreOptions)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });
});

describe('option objects', () => {
  it('are checked wherever they are taken', async () => {
    const clearword = identity();
    const result = await clearword.restore(png);
    const wrong = <T>(value: unknown): T => value as T;
    for (const [work, message] of [
      [() => result.toBuffer({ quality: 300 }), 'expected at most 100 for quality, received 300'],
      [() => result.toBuffer(wrong({ qualty: 30 })), 'unknown option qualty'],
      [() => result.toBuffer(wrong(null)), 'expected an object for options, received null'],
      [() => result.toBuffer(wrong({ format: 'gif' })), 'expected one of jpeg, png, webp, tiff, avif for format'],
      [() => result.toBuffer({ format: 'jpeg', lossless: true }), 'for a lossless result, received jpeg'],
      [() => result.toFile(join(folder, 'a.jpg'), { quality: 0 }), 'expected at least 1 for quality, received 0'],
      [() => result.toFile(join(folder, 'a.jpg'), wrong({ format: 'png' })), 'unknown option format'],
      [() => result.toFile(wrong(7)), 'for the output, received 7'],
      [() => clearword.restore(png, wrong(null)), 'expected an object for options, received null'],
      [() => clearword.restore(png, wrong({ signal: 'now' })), 'expected an AbortSignal for signal, received "now"'],
      [() => clearword.restore(png, wrong({ onProgress: 1 })), 'expected a function for onProgress'],
      [() => clearword.inspect(png, wrong(null)), 'expected an object for options, received null'],
      [() => clearword.inspect(png, wrong({ maxMegapixel: 3 })), 'unknown option maxMegapixel'],
      [() => Clearword.load(wrong(null)), 'expected an object for options, received null'],
      [() => Clearword.load({ threads: -1 }), 'expected at least 0 for threads, received -1'],
      [() => Clearword.load(wrong({ devise: 'cpu' })), 'unknown option devise'],
      [() => clearword.restore(wrong(new URL('file:///a.png'))), 'received the address file:///a.png'],
      [() => clearword.restore('file:///a.png'), 'received the address file:///a.png'],
    ] as const) {
      await expect(work(), message).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(message),
      });
    }
    await expect(readdir(folder)).resolves.not.toContain('a.jpg');
  });

  it('lossless WebP and AVIF have every value', async () => {
    const result = await identity().restore(png);
    for (const format of ['webp', 'avif'] as const) {
      const { picture: back } = await readImage(await result.toBuffer({ format, lossless: true }));
      expect(largestDifference(back.data, picture.data), format).toBe(0);
    }
  });

  it('a JPEG that ends early is restored with a warning, or refused when asked to be strict', async () => {
    const jpeg = (await encodeImage(picture, { format: 'jpeg' })).subarray(0, -2);
    expect((await identity().restore(jpeg)).warnings).toEqual([expect.stringContaining('the file ends early')]);
    expect((await identity().restore(png)).warnings).toEqual([]);
    await expect(identity().restore(jpeg, { strict: true })).rejects.toMatchObject({ code: 'IMAGE_DAMAGED' });
    await expect(identity().inspect(jpeg, { strict: true })).rejects.toMatchObject({ code: 'IMAGE_DAMAGED' });
  });
});

describe('results', () => {
  it('say which strengths were given, and that not all of the change was made', async () => {
    const clearword = new Clearword(fakeModel({ tile: 64 }));
    const { provenance } = await clearword.restore(png, { amount: 12.5, strength: 'noise=12.1, haze=40' });
    expect(provenance).toMatchObject({ amount: 12.5, strength: 'noise=12.1,haze=40' });
    const same = await clearword.restore(png, {
      amount: provenance.amount ?? 100,
      strength: provenance.strength ?? '',
    });
    expect(same.provenance).toEqual(provenance);
    const none = await clearword.restore(png, { prompt: 'do nothing' });
    expect(none.decision).toMatchObject({ status: 'unchanged', removing: [] });
    expect(none.pixels().data).toEqual((await readImage(png)).picture.data);
  });

  it('say what was done, as JSON and in the XMP', async () => {
    const clearword = new Clearword(fakeModel({ tile: 64 }));
    const result = await clearword.restore(png, { prompt: 'remove "rain" & haze', seed: 9, steps: 2 });
    expect(result.provenance).toEqual({
      software: 'Clearword',
      version: VERSION,
      model: 'fake',
      modelHash: 'f'.repeat(64),
      prompt: 'remove "rain" & haze',
      seed: 9,
      steps: 2,
      sampler: 'mars-sde-1',
      samples: 1,
      tile: '112x80',
      overlap: 28,
    });
    const { source } = await readImage(await result.toBuffer({ format: 'webp' }));
    expect(readXmpProperties(source.metadata.xmp ?? '')).toMatchObject({
      prompt: 'remove "rain" & haze',
      seed: '9',
      role: 'restored',
    });
    expect(result.findings.degradations.noise?.probability).toBe(0.97);
    expect(result.decision).toMatchObject({ status: 'restored', removing: ['rain', 'haze'], perhaps: [] });
  });

  it('keep the metadata of the input, and with strip none at all', async () => {
    const rotated = await sharp(png)
      .withMetadata({ orientation: 6, density: 240 })
      .withExifMerge({ IFD0: { Artist: 'Ada' } })
      .jpeg()
      .toBuffer();
    const kept = await sharp(await (await identity().restore(rotated)).toBuffer()).metadata();
    expect(kept).toMatchObject({ format: 'jpeg', width: 70, height: 100, density: 240, hasProfile: true });
    expect(kept.exif?.includes('Ada')).toBe(true);
    const stripped = await sharp(await (await identity().restore(rotated, { strip: true })).toBuffer()).metadata();
    expect([stripped.exif, stripped.icc, stripped.xmp]).toEqual([undefined, undefined, undefined]);
  });

  it('toFile writes by extension, once', async () => {
    const result = await identity().restore(png);
    const path = join(folder, 'out', 'result.TIFF');
    await result.toFile(path);
    expect((await sharp(path).metadata()).format).toBe('tiff');
    await expect(result.toFile(path)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    await result.toFile(path, { overwrite: true });
    await expect(result.toFile(join(folder, 'result.bmp'))).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(result.toFile(join(folder, 'x.png'), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(await readdir(join(folder, 'out'))).toEqual(['result.TIFF']);
  });

  it('several samples: each, their mean, and a stated scale of uncertainty', async () => {
    const clearword = new Clearword(fakeModel({ radius: 0, stateShare: 0.5 }));
    const result = await clearword.restore(png, { samples: 3, seed: 4 });
    expect(result.role).toBe('mean');
    expect(result.samples.map((sample) => sample.provenance.seed)).toEqual([4, 5, 6]);
    const { image, scale } = result.uncertainty as NonNullable<typeof result.uncertainty>;
    expect(Number.isInteger(Math.log2(scale))).toBe(true);
    expect(image.pixels()).toMatchObject({ width: 100, height: 70, channels: 1 });
    const { source } = await readImage(await image.toBuffer());
    expect(readXmpProperties(source.metadata.xmp ?? '')).toMatchObject({
      role: 'uncertainty',
      scale: String(scale),
      samples: '3',
    });
    // lambda = 50 / 255 and half of the state: a deviation of about 0.1.
    const values = image.pixels().data;
    const mean = meanDifference(values, new Uint8Array(values.length)) / 255 / scale;
    expect(mean).toBeGreaterThan(0.06);
    expect(mean).toBeLessThan(0.12);
  });

  it('before and after side by side', async () => {
    const result = await new Clearword(fakeModel({ predict: ({ mu }) => mu.fill(0) })).restore(png, { compare: true });
    const { data, width, height } = (result.comparison as RestoredImage).pixels();
    expect([width, height]).toEqual([202, 70]);
    expect([...data.subarray(0, 3)]).toEqual([...picture.data.subarray(0, 3)]);
    expect([...data.subarray(300, 306)]).toEqual([255, 255, 255, 255, 255, 255]);
    expect([...data.subarray(306, 309)]).toEqual([0, 0, 0]);
  });

  it('the states as a strip, from the noisy start to the result', async () => {
    const clearword = new Clearword(fakeModel({ predict: ({ mu }) => mu, tile: 64 }));
    const result = await clearword.restore(png, { saveStates: true, steps: 10 });
    const { image, times } = result.states as NonNullable<typeof result.states>;
    expect(times[0]).toBe(100);
    expect(times.at(-1)).toBe(0);
    expect(times).toHaveLength(8);
    // Reduced by 2 to fit into a tile of 64: nine views of 50 x 35 with lines of 2.
    const { data, width, height } = image.pixels();
    expect([width, height]).toEqual([9 * 50 + 8 * 2, 35]);
    const view = (k: number) =>
      Uint8Array.from(
        { length: 50 * 35 * 3 },
        (_, i) => data[(Math.floor(i / 150) * width + k * 52) * 3 + (i % 150)] as number,
      );
    expect(largestDifference(view(0), view(8))).toBe(0);
    expect(largestDifference(view(0), view(1))).toBeGreaterThan(50);
    expect(largestDifference(view(0), view(7))).toBeLessThan(largestDifference(view(0), view(1)));
  });
});

describe('inspect and dispose', () => {
  it('inspect gives the findings without a prediction', async () => {
    const model = fakeModel();
    const findings = await new Clearword(model).inspect(png);
    expect(findings.degradations).toMatchObject({ noise: { probability: 0.97 }, haze: { strength: 0 } });
    expect(model.calls).toHaveLength(0);
  });

  it('a disposed object refuses to work', async () => {
    const model = fakeModel();
    const clearword = new Clearword(model);
    await clearword.dispose();
    await clearword.dispose();
    expect(model.disposed).toBe(true);
    await expect(clearword.restore(png)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(clearword.inspect(png)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('loading stops at an aborted signal', async () => {
    await expect(Clearword.load({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

it('the version is that of package.json', async () => {
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(manifest.version);
});
