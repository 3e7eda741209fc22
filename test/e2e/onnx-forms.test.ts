/**
 * Foreign ONNX networks of every form, through whole restorations, against a plain loop.
 */
import { describe, expect, it } from 'vitest';
import { BYTES, differenceOf, HALF, modelFile, ROUNDING, withModel } from '../support/onnx-door.ts';
import { type Expectation, type Form, plainLoop } from '../support/picture-network.ts';
import { patternPicture } from '../support/pictures.ts';

interface Case {
  readonly title: string;
  readonly form: Form;
  readonly descriptor?: object;
  readonly expectation?: Expectation;
  readonly tolerance?: number;
}

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
  { title: 'a multiple of its own', form: {}, descriptor: { multiple: 24 }, expectation: { multiple: 24 } },
];

describe('a network with', () => {
  it.each(cases)(
    '$title: restores as a plain loop does',
    async ({ form, descriptor, expectation = {}, tolerance = 0 }) => {
      await withModel({ model: await modelFile(form, descriptor) }, async (clearword) => {
        // Whole; then in tiles.
        expect(await differenceOf(clearword, expectation)).toBeLessThan(tolerance + ROUNDING);
        if (form.fixed !== undefined) return;
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
