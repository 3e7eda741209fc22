import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { iccProfile, largestDifference, meanDifference, patternPicture } from '../../test/support/pictures.ts';
import { ClearwordError } from '../errors.ts';
import { isoBoxes, joined, latin1, viewOf, word } from './file-parts.ts';
import { matrixProfile } from './icc-profile.ts';
import { encodeImage } from './image-encode.ts';
import { IMAGE_FORMATS, readImage } from './image-file.ts';
import type { Picture } from './picture.ts';
import { pngChunk } from './png-metadata.ts';
import { withTiffFields } from './tiff-exif.ts';

/** Muted, so that no colour lies outside of sRGB in any of the encodings. */
const vivid = patternPicture(20, 12);
const picture: Picture = { ...vivid, data: vivid.data.map((value) => 70 + 0.4 * value) };
const png = await encodeImage(picture, { format: 'png' });

const stating = (type: string, ...numbers: readonly Uint8Array[]) =>
  joined([png.subarray(0, 33), ...pngChunk(type, joined(numbers)), png.subarray(33)]);
const gamma = (value: number, ...others: readonly Uint8Array[]) =>
  joined([png.subarray(0, 33), ...pngChunk('gAMA', word(value)), ...others, png.subarray(33)]);
const P3_PRIMARIES = [31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000];

const decoded = (v: number) => (v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92);
const encoded = (v: number) => (v > 0.0031308 ? 1.055 * v ** (1 / 2.4) - 0.055 : 12.92 * v);
/** Linear light of Display P3 in that of sRGB (both D65): the published matrix. */
const P3_TO_SRGB = [
  [1.2249, -0.2247, 0],
  [-0.042, 1.0419, 0],
  [-0.0196, -0.0786, 1.0979],
] as const;

function eachPixel(data: Picture['data'], change: (rgb: readonly number[]) => readonly number[]): number[] {
  return Array.from({ length: data.length / 3 }, (_, i) => {
    const rgb = [...data.subarray(3 * i, 3 * i + 3)].map((value) => value / 255);
    return change(rgb).map((value) => 255 * Math.min(1, Math.max(0, value)));
  }).flat();
}

const shownP3 = (data: Picture['data']) =>
  eachPixel(data, (rgb) => {
    const light = rgb.map(decoded);
    return P3_TO_SRGB.map((row) => encoded(row.reduce<number>((sum, factor, i) => sum + factor * (light[i] ?? 0), 0)));
  });

/** How a viewer that knows profiles shows a file. */
const shown = (bytes: Uint8Array) => sharp(bytes).withIccProfile('srgb').removeAlpha().raw().toBuffer();

describe('PNG', () => {
  it('linear light (gAMA) is shown to the network as sRGB and comes back looking the same', async () => {
    const { picture: read, source } = await readImage(gamma(100_000));
    const expected = eachPixel(picture.data, (rgb) => rgb.map(encoded));
    expect(largestDifference(read.data, expected)).toBeLessThanOrEqual(1.5);
    expect(source.convertBack).toBe(true);
    for (const format of IMAGE_FORMATS) {
      const difference = meanDifference(await shown(await encodeImage(read, { format, source })), expected);
      expect(difference, format).toBeLessThan(2);
    }
  });

  it('gAMA with the primaries of Display P3, and cICP for it, keep their values and get a profile', async () => {
    const cHRM = joined(pngChunk('cHRM', joined(P3_PRIMARIES.map(word))));
    for (const file of [stating('cICP', Uint8Array.of(12, 13, 0, 1)), gamma(45_455, cHRM)]) {
      const { picture: read, source } = await readImage(file);
      expect(read.data).toEqual(picture.data);
      const result = await encodeImage(read, { format: 'png', source });
      expect(largestDifference(await shown(result), shownP3(picture.data))).toBeLessThanOrEqual(3);
      const srgb = await readImage(file, { toSrgb: true });
      expect(largestDifference(srgb.picture.data, shownP3(picture.data))).toBeLessThanOrEqual(3);
    }
  });

  it('what says sRGB, or has a profile, is left as it is', async () => {
    const sRGB = joined(pngChunk('sRGB', Uint8Array.of(0)));
    const icc = iccProfile({ gamma: 2.2 });
    for (const file of [
      gamma(45_455),
      gamma(100_000, sRGB),
      stating('cICP', Uint8Array.of(1, 13, 0, 1)),
      gamma(0),
      stating('gAMA', Uint8Array.of(1)),
    ]) {
      const { picture: read, source } = await readImage(file);
      expect(read.data).toEqual(picture.data);
      expect(source.icc).toBeUndefined();
    }
    const grey = { width: 4, height: 1, channels: 1 as const, data: Uint8Array.of(0, 80, 160, 255) };
    const tagged = await encodeImage(grey, {
      format: 'png',
      source: {
        format: 'png',
        width: 4,
        height: 1,
        bits: 8,
        colour: 'grey',
        hasAlpha: false,
        metadata: {},
        convertBack: false,
        icc,
      },
    });
    expect((await readImage(tagged)).source.icc).toEqual(icc);
  });

  it('HDR is refused with what to do', async () => {
    for (const [transfer, name] of [
      [16, 'PQ'],
      [18, 'HLG'],
    ] as const) {
      const error = await readImage(stating('cICP', Uint8Array.of(9, transfer, 0, 1))).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(ClearwordError);
      expect(error).toMatchObject({
        code: 'NOT_AN_IMAGE',
        message: expect.stringContaining(`an HDR picture (${name})`),
      });
      expect((error as ClearwordError).fix).toContain('SDR');
    }
  });
});

/** An AVIF of libheif with a colr box of type nclx for its picture. */
function avifStating(file: Uint8Array, primaries: number, transfer: number): Uint8Array {
  const colr = joined([word(19), latin1('colrnclx'), Uint8Array.of(0, primaries, 0, transfer, 0, 6, 0x80)]);
  const find = (from: number, to: number, name: string) => {
    const box = isoBoxes(file, from, to).find(({ type }) => type === name);
    if (box === undefined) throw new Error(`no box ${name}`);
    return box;
  };
  const meta = find(0, file.length, 'meta');
  const iprp = find(meta.body + 4, meta.end, 'iprp');
  const ipco = find(iprp.body, iprp.end, 'ipco');
  const ipma = find(iprp.body, iprp.end, 'ipma');
  const iloc = find(meta.body + 4, meta.end, 'iloc');
  const count = isoBoxes(file, ipco.body, ipco.end).length;
  const copy = new Uint8Array(file);
  const view = viewOf(copy);
  const added = colr.length + 1;
  for (const { start, more } of [
    { start: meta.start, more: added },
    { start: iprp.start, more: added },
    { start: ipco.start, more: colr.length },
    { start: ipma.start, more: 1 },
  ])
    view.setUint32(start, view.getUint32(start) + more);
  // One item: its base offset, and its number of properties.
  view.setUint32(iloc.body + 12, view.getUint32(iloc.body + 12) + added);
  view.setUint8(ipma.body + 10, view.getUint8(ipma.body + 10) + 1);
  return joined([
    copy.subarray(0, ipco.end),
    colr,
    copy.subarray(ipco.end, ipma.end),
    Uint8Array.of(count + 1),
    copy.subarray(ipma.end),
  ]);
}

describe('AVIF', async () => {
  const avif = await encodeImage(picture, { format: 'avif', quality: 100 });

  it('in Display P3 without a profile gets one', async () => {
    const { picture: read, source } = await readImage(avifStating(avif, 12, 13));
    expect(meanDifference(read.data, picture.data)).toBeLessThan(3);
    expect(source.icc).toBeDefined();
    const srgb = await readImage(avifStating(avif, 12, 13), { toSrgb: true });
    expect(meanDifference(srgb.picture.data, shownP3(picture.data))).toBeLessThan(3);
    expect((await readImage(avifStating(avif, 1, 13))).source.icc).toBeUndefined();
  });

  it('in HDR is refused', async () => {
    await expect(readImage(avifStating(avif, 9, 16))).rejects.toThrow('an HDR picture (PQ)');
  });
});

it('Lab is refused in plain words, not called damaged', async () => {
  for (const bits of [8, 16] as const) {
    const tiff = await encodeImage(patternPicture(4, 3, { bits }), { format: 'tiff' });
    const lab = withTiffFields(tiff, [{ tag: 0x0106, type: 3, count: 1, bytes: Uint8Array.of(8, 0) }]);
    await expect(readImage(lab)).rejects.toMatchObject({
      code: 'NOT_AN_IMAGE',
      message: expect.stringContaining('received a TIFF in Lab colours'),
      fix: expect.stringContaining('Convert it to RGB'),
    });
  }
});

it('a profile of sRGB by its numbers is sRGB', async () => {
  const icc = matrixProfile(
    { white: [0.3127, 0.329], red: [0.64, 0.33], green: [0.3, 0.6], blue: [0.15, 0.06] },
    { gamma: 2.4, abcd: [1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045] },
  );
  const source = {
    format: 'png',
    width: 20,
    height: 12,
    bits: 8,
    colour: 'rgb',
    hasAlpha: false,
    metadata: {},
  } as const;
  const tagged = await encodeImage(picture, { format: 'png', source: { ...source, convertBack: false, icc } });
  expect(largestDifference(await shown(tagged), picture.data)).toBeLessThanOrEqual(1);
});
