/**
 * Foreign ONNX networks of every form, through whole restorations, against a plain loop.
 */
import { describe, expect, it } from 'vitest';
import { BYTES, differenceOf, HALF, modelFile, ROUNDING, withModel } from '../support/onnx-door.ts';
import { type Expectation, type Form, plainLoop } from '../support/picture-network.ts';
import { largestDifference, patternPicture } from '../support/pictures.ts';

interface Case {
  readonly title: string;
  readonly form: Form;
  readonly descriptor?: object;
  readonly expectation?: Expectation;
  readonly tolerance?: number;
  /** Forms like others, which differ in what a tile does not see: tried on one picture as large as a tile. */
  readonly small?: boolean;
}

/** Of the pictures that most classifiers were trained on. */
const RGB = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

const cases: readonly Case[] = [
  { title: 'NCHW, float32, free', form: {} },
  { title: 'NHWC', form: { layout: 'nhwc' } },
  { title: 'NCHW of one fixed size', form: { fixed: { width: 96, height: 64 } }, expectation: { multiple: 1 } },
  {
    title: 'NHWC of one fixed size',
    form: { layout: 'nhwc', fixed: { width: 64, height: 80 } },
    expectation: { multiple: 1 },
  },
  { title: 'float16', form: { type: 'float16' }, tolerance: HALF },
  { title: 'float16, NHWC', form: { type: 'float16', layout: 'nhwc' }, tolerance: HALF },
  { title: 'uint8', form: { type: 'uint8' }, expectation: { high: 255 }, tolerance: BYTES },
  { title: 'uint8, NHWC', form: { type: 'uint8', layout: 'nhwc' }, expectation: { high: 255 }, tolerance: BYTES },
  { title: 'luma alone', form: { channels: 1 }, expectation: { channels: 1 } },
  { title: 'luma alone, NHWC', form: { channels: 1, layout: 'nhwc' }, expectation: { channels: 1 } },
  { title: 'a noise level as a number', form: { noise: 'value' }, expectation: { noise: 15 / 255 } },
  { title: 'a noise level as a map', form: { noise: 'map' }, expectation: { noise: 15 / 255 } },
  { title: 'a noise level as a channel', form: { noise: 'plane' }, expectation: { noise: 15 / 255 } },
  {
    title: 'a noise level as a channel beside luma',
    form: { noise: 'plane', channels: 1 },
    expectation: { noise: 15 / 255, channels: 1 },
  },
  {
    title: 'a noise level of its own scale',
    form: { noise: 'value' },
    descriptor: { noiseLevel: 10, noiseScale: 0.01 },
    expectation: { noise: 0.1 },
  },
  { title: 'a range of -1..1', form: {}, descriptor: { range: '-1..1' }, expectation: { low: -1 } },
  { title: 'a range of 0..255', form: {}, descriptor: { range: '0..255' }, expectation: { high: 255 } },
  { title: 'BGR', form: {}, descriptor: { channels: 'bgr' }, expectation: { bgr: true } },
  {
    title: 'mean and standard deviation',
    form: {},
    descriptor: { mean: 0.4, std: [0.5, 0.5, 0.5] },
    expectation: { mean: 0.4, std: 0.5 },
  },
  { title: 'what it takes away', form: { residual: 'removed' }, descriptor: { residual: 'removed' } },
  {
    title: 'what it takes away, of a range of 0..255 and BGR',
    form: { residual: 'removed' },
    descriptor: { residual: 'removed', range: '0..255', channels: 'bgr' },
    expectation: { high: 255, bgr: true },
  },
  {
    title: 'what is to be added to the picture, with channels last',
    form: { residual: 'added', layout: 'nhwc' },
    descriptor: { residual: 'added' },
    small: true,
  },
  {
    title: 'a noise level as a map, with channels last',
    form: { noise: 'map', layout: 'nhwc' },
    expectation: { noise: 15 / 255 },
    small: true,
  },
  {
    title: 'a noise level as a channel, with channels last',
    form: { noise: 'plane', layout: 'nhwc' },
    expectation: { noise: 15 / 255 },
    small: true,
  },
  {
    title: 'a picture of 0..1 and a result of bytes',
    form: { outputType: 'uint8', scale: 255 },
    tolerance: BYTES / 2,
    small: true,
  },
  {
    title: 'a picture of bytes and a result of 0..1',
    form: { type: 'uint8', outputType: 'float32', scale: 1 / 255 },
    expectation: { high: 255 },
    tolerance: BYTES / 2,
    small: true,
  },
  {
    title: 'another range in its result',
    form: { scale: 2, shift: -1 },
    descriptor: { range: '0..1', outputRange: '-1..1' },
    small: true,
  },
  {
    title: 'another range in what it takes away',
    form: { residual: 'removed', scale: 2 },
    descriptor: { residual: 'removed', range: '0..1', outputRange: '-1..1' },
    small: true,
  },
  {
    title: 'mean and standard deviation of each colour, last one first',
    form: {},
    descriptor: { mean: RGB.mean, std: RGB.std, channels: 'bgr' },
    expectation: { ...RGB, bgr: true },
    small: true,
  },
  {
    title: 'mean and standard deviation of each colour in its input alone',
    form: { scale: RGB.std, shift: RGB.mean },
    descriptor: { mean: RGB.mean, std: RGB.std, normalisedOutput: false },
    expectation: RGB,
    small: true,
  },
  {
    title: 'inputs and outputs that only their names tell apart',
    form: { channels: 1, noise: 'map', decoys: true },
    descriptor: { input: 'picture', noiseInput: 'sigma', output: 'result' },
    expectation: { channels: 1, noise: 15 / 255 },
    small: true,
  },
  { title: 'a multiple of its own', form: {}, descriptor: { multiple: 24 }, expectation: { multiple: 24 } },
];

describe('a network with', () => {
  it.each(cases)(
    '$title: restores as a plain loop does',
    async ({ form, descriptor, expectation = {}, tolerance = 0, small = false }) => {
      await withModel({ model: await modelFile(form, descriptor) }, async (clearword) => {
        // Whole; then in tiles.
        const size = small ? { width: 45, height: 35 } : {};
        expect(await differenceOf(clearword, expectation, size)).toBeLessThan(tolerance + ROUNDING);
        if (small || form.fixed !== undefined) return;
        const tiled = await differenceOf(clearword, expectation, { tile: 72, overlap: 24 });
        expect(tiled).toBeLessThan(tolerance + ROUNDING);
      });
    },
  );

  it('free sides takes odd and tiny pictures, 8 bits, grey and alpha', async () => {
    await withModel({ model: await modelFile({}) }, async (clearword) => {
      for (const [width, height] of [
        [1, 1],
        [3, 200],
        [67, 5],
        [131, 97],
      ] as const) {
        expect(await differenceOf(clearword, {}, { width, height, bits: 8 })).toBeLessThan(ROUNDING);
      }
      const { data, alpha = new Uint8Array(0) } = patternPicture(40, 30, { alpha: true });
      const joined = new Uint8Array(40 * 30 * 4).map(
        (_, i) => (i % 4 < 3 ? data[3 * Math.floor(i / 4) + (i % 4)] : alpha[Math.floor(i / 4)]) ?? 0,
      );
      const result = (await clearword.restore({ data: joined, width: 40, height: 30, channels: 4 })).pixels();
      expect(result.channels).toBe(4);
      expect(result.data.filter((_, i) => i % 4 === 3)).toEqual(alpha);
    });
    await withModel({ model: await modelFile({ channels: 1 }) }, async (clearword) => {
      const { data } = patternPicture(33, 20, { channels: 1 });
      const { data: restored } = (await clearword.restore({ data, width: 33, height: 20, channels: 1 })).pixels();
      const expected = plainLoop(
        Array.from(data).flatMap((value) => [value / 255, value / 255, value / 255]),
        33,
        20,
        { channels: 1 },
      );
      const differences = Array.from(restored, (value, i) => Math.abs(value - 255 * (expected[3 * i] as number)));
      expect(Math.max(...differences)).toBeLessThan(ROUNDING);
    });
  });

  it.each([
    ['free sides', {}, 16],
    ['one size', { fixed: { width: 32, height: 24 } }, 1],
  ] as const)('%s keeps the alpha of 16 bits', async (_, form, multiple) => {
    const [width, height] = [50, 31];
    const { data } = patternPicture(width, height, { bits: 16 });
    // Every pixel can be seen a little: hidden ones would be covered.
    const alpha = Uint16Array.from({ length: width * height }, (_, i) => 1 + ((977 * i) % 65535));
    const joined = Uint16Array.from({ length: 4 * width * height }, (_, i) =>
      i % 4 === 3 ? (alpha[i >> 2] as number) : (data[3 * (i >> 2) + (i % 4)] as number),
    );
    const expected = plainLoop(
      Array.from(data, (value) => value / 65535),
      width,
      height,
      { multiple },
    );
    await withModel({ model: await modelFile(form) }, async (clearword) => {
      const result = (await clearword.restore({ data: joined, width, height, channels: 4 })).pixels();
      expect(result.channels).toBe(4);
      expect(result.data.filter((_, i) => i % 4 === 3)).toEqual(alpha);
      const colours = result.data.filter((_, i) => i % 4 !== 3);
      const white = expected.map((value) => 65535 * Math.min(1, Math.max(0, value)));
      expect(largestDifference(colours, white)).toBeLessThan(ROUNDING);
    });
  });

  it('a noise level takes it from --strength, and from flags', async () => {
    await withModel({ model: await modelFile({ noise: 'map' }), descriptor: 'noiseLevel=30' }, async (clearword) => {
      expect(await differenceOf(clearword, { noise: 30 / 255 })).toBeLessThan(ROUNDING);
      const told = await differenceOf(clearword, { noise: 25 / 255 }, { strength: 'noise=25' });
      expect(told).toBeLessThan(ROUNDING);
      const result = await clearword.restore(
        { data: new Uint8Array(300), width: 10, height: 10, channels: 3 },
        { strength: { noise: 25 } },
      );
      expect(result.provenance).toMatchObject({ strength: 'noise=25', sampler: 'none', steps: 1 });
      await expect(
        clearword.restore({ data: new Uint8Array(3), width: 1, height: 1, channels: 3 }, { strength: 'rain=3' }),
      ).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    });
  });
});
