/**
 * ONNX networks in a real Chromium: a file that a visitor chose, run on the device, with Node's pixels.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Clearword } from '../../src/index.ts';
import { bytesOf, libraryUnderTest, type Pixels, picture, pixels, type Restored } from '../support/browser-library.ts';
import { MISSING } from '../support/chromium.ts';
import { NetworkFile } from '../support/network-file.ts';
import { type Form, pictureNetwork } from '../support/picture-network.ts';
import { largestDifference } from '../support/pictures.ts';

const under = await libraryUnderTest();

/** The same convolution in another order: a value may round to its neighbour. */
const TOLERANCE = 1;

const fileOf = (bytes: Uint8Array, name = 'network.onnx') => ({ base64: Buffer.from(bytes).toString('base64'), name });

/** The network as Node has it. */
async function inNode(form: Form, descriptor?: object) {
  const path = join(under.folder, 'node.onnx');
  await writeFile(path, pictureNetwork(form));
  return Clearword.load({ model: path, threads: 1, ...(descriptor && { descriptor }) });
}

interface Case {
  readonly title: string;
  readonly form: Form;
  readonly descriptor?: object;
  readonly parameters?: { readonly strength?: { readonly noise: number } };
}

const cases: readonly Case[] = [
  { title: 'float32, any size', form: {} },
  { title: 'channels last', form: { layout: 'nhwc' } },
  { title: 'one fixed size', form: { fixed: { width: 64, height: 80 } } },
  { title: '8-bit values', form: { type: 'uint8' } },
  { title: 'luma alone', form: { channels: 1 } },
  { title: 'another range and order', form: {}, descriptor: { range: '-1..1', channels: 'bgr' } },
  { title: 'a noise level that it is told', form: { noise: 'map' }, parameters: { strength: { noise: 25 } } },
];

describe.skipIf(MISSING !== '')(`an ONNX network in Chromium${MISSING}`, () => {
  it.each(cases)('of $title restores as in Node, whole and in tiles', async ({ form, descriptor, parameters }) => {
    const node = await inNode(form, { name: 'blur', ...descriptor });
    try {
      const summary = await under.call<Record<string, unknown>>('loadOnnx', fileOf(pictureNetwork(form)), {
        name: 'blur',
        ...descriptor,
      });
      const { name, hash, defaultTile, reading } = node.model;
      expect(summary).toMatchObject({ name, hash, defaultTile, reading, mostSteps: 1, careful: false });
      expect(summary.degradations).toEqual(form.noise === undefined ? [] : ['noise']);
      for (const tile of form.fixed === undefined ? [undefined, 96] : [undefined]) {
        const settings = { ...parameters, ...(tile !== undefined && { tile }) };
        const here = await under.call<Restored>('restore', pixels, settings);
        const there = await node.restore({ ...picture, channels: 3 }, settings);
        expect(largestDifference(bytesOf(here), there.pixels().data)).toBeLessThanOrEqual(TOLERANCE);
        expect(largestDifference(bytesOf(here), picture.data)).toBeGreaterThan(10 * TOLERANCE);
        expect(here.provenance).toEqual(there.provenance);
      }
    } finally {
      await node.dispose();
    }
  });

  it('comes from an address, too, and is named after its file', async () => {
    await writeFile(join(under.folder, 'my blur.onnx'), pictureNetwork({}));
    const summary = await under.call<Record<string, unknown>>('loadOnnx', '/my%20blur.onnx');
    expect(summary).toMatchObject({ name: 'my blur', device: 'wasm', takesStrengths: false });
  });

  it('shows a smaller picture first and says how long it takes', async () => {
    await under.call('loadOnnx', fileOf(pictureNetwork({ noise: 'value' })));
    const first = { x: 0, y: 0, width: 5, height: 5 };
    const watched = await under.call<Pixels & { shown: { stage: string; width: number }[]; seconds: number }>(
      'watched',
      pixels,
      { strength: { noise: 30 }, tile: 96 },
      first,
    );
    expect(watched.shown[0]).toMatchObject({ stage: 'preview', width: 75 });
    expect(watched.shown.slice(1).every(({ stage }) => stage === 'tile')).toBe(true);
    expect(watched.seconds).toBeGreaterThan(0);
    const plain = await under.call<Restored>('restore', pixels, { strength: { noise: 30 }, tile: 96 });
    expect(watched.base64).toBe(plain.base64);
  });

  it('refuses what it does not have', async () => {
    await under.call('loadOnnx', fileOf(pictureNetwork({})));
    for (const parameters of [
      { prompt: 'remove the rain' },
      { steps: 3 },
      { samples: 2 },
      { strength: { noise: 3 } },
    ]) {
      const failure = await under.call('optionFailure', pixels, parameters);
      expect(failure).toMatchObject({ code: 'INVALID_OPTION' });
    }
    expect(await under.call('inspectFailure', pixels)).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('is refused with a word for what is wrong', async () => {
    const failure = (source: unknown, descriptor?: object) => under.call('onnxFailure', source, descriptor);
    const network = pictureNetwork({});
    expect(await failure(fileOf(network.subarray(0, 100)))).toMatchObject({ code: 'MODEL_INVALID' });
    expect(await failure(fileOf(Buffer.from('no network at all')))).toMatchObject({ code: 'MODEL_INVALID' });
    expect(await failure('/none.onnx')).toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect(await failure(fileOf(network), { range: '0..2' })).toMatchObject({ code: 'INVALID_OPTION' });
    expect(await under.call('sourceFailure', {})).toMatchObject({ message: expect.stringContaining('neither') });
    const both = { weights: '/tiny.safetensors', model: '/network.onnx' };
    expect(await under.call('sourceFailure', both)).toMatchObject({ message: expect.stringContaining('both') });
    // A network that makes pictures larger is only noticed when it runs.
    const file = new NetworkFile();
    const sides = [1, 3, 'height', 'width'];
    const x = file.input('x', 'float32', sides);
    const scales = file.floats(Float32Array.of(1, 1, 2, 2), [4]);
    file.output('y', 'float32', [1, 3, 'tall', 'wide'], file.apply('Resize', [x, '', scales]));
    await under.call('loadOnnx', fileOf(file.bytes(), 'twice.onnx'));
    const failed = await under.call('optionFailure', pixels, {});
    expect(failed).toMatchObject({ code: 'MODEL_INVALID', message: expect.stringContaining('2 times as large') });
  });
});
