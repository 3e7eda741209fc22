/**
 * What stands at the door: which networks and options are let in, and what is said of them.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clearword } from '../../src/index.ts';
import { model, node, PICTURE, RESULT } from '../support/onnx-bytes.ts';
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

  it('says which network the runtime does not load, and what may help', async () => {
    const path = join(await newFolder(), 'later.onnx');
    await writeFile(path, model(PICTURE, RESULT, node('OfTomorrow', ['x'], 'y')));
    await expect(Clearword.load({ model: path, threads: 1 })).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringMatching(
        /^model later: expected a network that the runtime loads, received: .*OfTomorrow/s,
      ),
      fix: expect.stringContaining('opset_version'),
    });
  });

  it('refuses networks that enlarge: when they are loaded if they state both sizes, else at the first tile', async () => {
    const stated = await modelFile({ enlarged: 2, fixed: { width: 32, height: 24 } });
    await expect(Clearword.load({ model: stated, threads: 1 })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(/expected a network that keeps the size of pictures, .* 24 pixels into 48/),
    });
    await withModel({ model: await modelFile({ enlarged: 2, layout: 'nhwc' }) }, async (clearword) => {
      const work = clearword.restore({ data: new Uint8Array(36), width: 4, height: 3, channels: 3 });
      await expect(work).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringMatching(/expected a result \[1,16,16,3\].* \[1,32,32,3\], which is 2 times as large/),
        fix: expect.stringContaining('scale 1'),
      });
    });
  });

  it('refuses quarter turns of tiles that are not square', async () => {
    await withModel({ model: await modelFile({ fixed: { width: 32, height: 24 } }) }, async (clearword) => {
      const picture = { data: new Uint8Array(36), width: 4, height: 3, channels: 3 } as const;
      await expect(clearword.restore(picture, { ensemble: true })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/tiles of 32 x 24 only, for ensemble, received true/),
      });
      await expect(clearword.restore(picture, { tile: 64 })).rejects.toThrow('32 x 24 only, for tile, received 64');
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
