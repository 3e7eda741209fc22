/**
 * What stands at the door: which networks and options are let in, and what is said of them.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clearword } from '../../src/index.ts';
import { modelFile, withModel } from '../support/onnx-door.ts';
import { pictureNetwork } from '../support/picture-network.ts';
import { patternPicture, temporaryFolders } from '../support/pictures.ts';

const newFolder = await temporaryFolders();

describe('the door', () => {
  it('names the network, its hash and its reading', async () => {
    const path = await modelFile({}, { name: 'blur', halo: 1 });
    await withModel({ model: path, descriptor: { range: '-1..1' } }, async (clearword) => {
      const hash = createHash('sha256').update(pictureNetwork({})).digest('hex');
      expect(clearword.model).toEqual({
        name: 'blur',
        hash,
        defaultTile: 512,
        reading: 'nchw, rgb, -1..1, multiple 16, halo 1',
      });
      const result = await clearword.restore({ data: new Uint8Array(48), width: 4, height: 4, channels: 3 });
      expect(result.provenance).toMatchObject({
        model: 'blur',
        modelHash: hash,
        reading: 'nchw, rgb, -1..1, multiple 16, halo 1',
      });
      expect(result.findings.degradations).toEqual({});
      expect(result.decision).toMatchObject({ status: 'restored', removing: [] });
    });
  });

  it('knows an ONNX file by its content', async () => {
    const folder = await newFolder();
    const path = join(folder, 'network.bin');
    await writeFile(path, pictureNetwork({}));
    await withModel({ model: path }, async (clearword) => {
      expect(clearword.model.name).toBe('network.bin');
    });
  });

  describe('refuses', () => {
    let clearword: Clearword;
    beforeAll(async () => {
      clearword = await Clearword.load({ model: await modelFile({}), threads: 1 });
    });
    afterAll(() => clearword.dispose());
    const pixel = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 } as const;

    it.each([
      ['prompt', { prompt: 'remove the rain' }],
      ['steps', { steps: 5 }],
      ['sampler', { sampler: 'ode' }],
      ['seed', { seed: 7 }],
      ['samples', { samples: 2 }],
      ['strength', { strength: 'noise=10' }],
      ['saveStates', { saveStates: true }],
    ] as const)('%s, which a plain network does not have', async (name, options) => {
      await expect(clearword.restore(pixel, options)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(name),
      });
    });

    it('to find anything', async () => {
      await expect(clearword.inspect(pixel)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    });
  });

  it('refuses what only other models take', async () => {
    const model = await modelFile({});
    await expect(Clearword.load({ model, precision: 'float16' })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(Clearword.load({ model, encoders: 'x' })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(Clearword.load({ descriptor: { halo: 3 } })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('takes what works for every model: amount, ensemble, comparison', async () => {
    await withModel({ model: await modelFile({}) }, async (clearword) => {
      const { data, width, height } = patternPicture(50, 40);
      const input = { data, width, height, channels: 3 } as const;
      const half = (await clearword.restore(input, { amount: 50 })).pixels().data;
      const whole = (await clearword.restore(input)).pixels().data;
      half.forEach((value, i) => {
        expect(Math.abs(value - ((data[i] as number) + (whole[i] as number)) / 2)).toBeLessThanOrEqual(1);
      });
      const result = await clearword.restore(input, { ensemble: true, compare: true });
      expect(result.comparison?.width).toBeGreaterThan(2 * width);
    });
  });
});
