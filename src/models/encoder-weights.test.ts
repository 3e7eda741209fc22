import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../../test/parity/fixture.ts';
import { graphRunner, hostTensor } from '../../test/support/graph-run.ts';
import { TINY_ENCODERS, TINY_ENTRIES, TINY_VALUES, writeTinyEncoders } from '../../test/support/tiny-encoders.ts';
import { Graph } from '../graph/graph.ts';
import { emitModel } from '../graph/onnx/emit.ts';
import { layoutOf } from '../graph/parameters.ts';
import { NAMING_NAMES } from './checkpoint-names.ts';
import { clipTextTower, clipVisionTower } from './clip.ts';
import type { ClipConfig } from './clip-config.ts';
import { daclipContentGraph } from './daclip.ts';
import { allEncoderEntries, encoderEntries, takeEncoderWeights } from './encoder-weights.ts';
import { storeFloat32, writeSafetensors } from './safetensors.ts';
import { readWeights } from './weights-file.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clearword-encoders-'));
});
afterAll(() => rm(folder, { recursive: true }));

const fixture = (name: string) => fileURLToPath(new URL(`../../test/fixtures/clip/${name}`, import.meta.url));
const withController = NAMING_NAMES.filter((name) => name.startsWith('daclip'));

describe('weights under every name that publishers use', () => {
  it.each(NAMING_NAMES)('%s: written, told by its names, and read back to the same values', async (naming) => {
    const path = join(folder, `${naming}.safetensors`);
    await writeTinyEncoders(path, naming);
    const whole = withController.includes(naming);
    const entries = TINY_ENTRIES.filter(({ name }) => whole || !name.startsWith('visual_control'));
    const taken = takeEncoderWeights(await readWeights(path), entries, TINY_ENCODERS, 'weights');
    expect(taken.naming).toBe(naming);
    expect(taken.values).toEqual(new Map(entries.map(({ name }) => [name, TINY_VALUES.get(name)])));
  });

  it('takes a file whose names a wrapper prefixed, with masks and copies in it', async () => {
    const path = join(folder, 'daclip.safetensors');
    await writeTinyEncoders(path, 'daclip-openclip');
    const tensors = new Map([...(await readWeights(path))].map(([name, tensor]) => [`module.${name}`, tensor]));
    const control = tensors.get('module.clip.visual.proj');
    if (!control) throw new Error('no projection');
    tensors.set('module.visual.proj', control);
    tensors.set('module.clip.attn_mask', { shape: [1], data: new Float32Array(1) });
    const { values } = takeEncoderWeights(tensors, encoderEntries(TINY_ENCODERS), TINY_ENCODERS, 'weights');
    expect(values.get('visual_control.proj')).toEqual(TINY_VALUES.get('visual_control.proj'));
  });

  it('lists what is missing, unexpected and misshapen, by the names of the file', async () => {
    const path = join(folder, 'huggingface.safetensors');
    await writeTinyEncoders(path, 'huggingface');
    const tensors = new Map(await readWeights(path));
    tensors.delete('text_model.encoder.layers.0.self_attn.q_proj.weight');
    tensors.set('text_projection.weight', { shape: [2, 2], data: new Float32Array(4) });
    tensors.set('extra.weight', { shape: [1], data: new Float32Array(1) });
    const entries = TINY_ENTRIES.filter(({ name }) => !name.startsWith('visual_control'));
    const take = () => takeEncoderWeights(tensors, entries, TINY_ENCODERS, 'weights x');
    expect(take).toThrow(
      /weights x: read as huggingface weights; tensors missing text_model.*q_proj.weight; unexpected extra.weight; misshapen text_projection.weight \(expected \[8,16\], received \[2,2\]\)/,
    );
  });

  it('refuses values that are not finite', async () => {
    const tensors = new Map(
      TINY_ENTRIES.map(({ name, shape }) => [name, { shape, data: TINY_VALUES.get(name) ?? new Float32Array() }]),
    );
    const spoilt = (tensors.get('visual_control.proj')?.data ?? new Float32Array()).slice();
    spoilt[3] = Number.POSITIVE_INFINITY;
    const [{ shape = [] } = {}] = TINY_ENTRIES.filter(({ name }) => name === 'visual_control.proj');
    tensors.set('visual_control.proj', { shape, data: spoilt });
    const take = () => takeEncoderWeights(tensors, encoderEntries(TINY_ENCODERS), TINY_ENCODERS, 'weights x');
    expect(take).toThrow(
      'weights x: expected finite values for tensor visual_control.proj, received Infinity at element 3',
    );
  });

  it('takes safetensors whose header is as long as the mark of a pickle reads', async () => {
    const tensors = new Map([['a.weight', storeFloat32(Float32Array.of(1, 2), [2])]]);
    const write = (note: string) => Buffer.concat(writeSafetensors({ tensors, metadata: { note } }));
    const wanted = 0x0280;
    const bytes = write('x'.repeat(wanted - Number(write('').readBigUInt64LE(0))));
    expect([...bytes.subarray(0, 2)]).toEqual([0x80, 0x02]);
    const path = join(folder, 'marked.safetensors');
    await writeFile(path, bytes);
    expect((await readWeights(path)).get('a.weight')).toEqual({ shape: [2], data: Float32Array.of(1, 2) });
  });

  it('says that CLIP alone has no controller', async () => {
    const path = join(folder, 'openclip.safetensors');
    await writeTinyEncoders(path, 'openclip');
    const tensors = await readWeights(path);
    const take = () => takeEncoderWeights(tensors, encoderEntries(TINY_ENCODERS), TINY_ENCODERS, 'weights');
    expect(take).toThrow(/missing visual_control\./);
  });
});

describe('the same weights in every container', () => {
  // What scripts/make-clip-fixtures.py builds.
  const config: ClipConfig = {
    embedding: 4,
    activation: 'gelu',
    text: { width: 8, layers: 1, heads: 2, contextLength: 6, vocabularySize: 514 },
    vision: { width: 8, layers: 1, heads: 2, imageSize: 8, patchSize: 4 },
  };
  const encoders = { ...TINY_ENCODERS, clip: config };
  const run = graphRunner();
  const build = (graph: Graph) => {
    const tokens = graph.input('tokens', [1, 6], 'int64');
    graph.output('text', clipTextTower(tokens, graph.input('ends', [1], 'int64'), config));
    graph.output('image', clipVisionTower(graph.input('pixels', [1, 3, 8, 8]), config));
  };
  const { entries } = layoutOf(build);

  it.each(['huggingface.pt', 'huggingface.onnx', 'own.onnx', 'own.safetensors'])(
    '%s gives what PyTorch computed',
    async (name) => {
      if (name.startsWith('own')) await writeOwn(join(folder, name));
      const file = await readWeights(name.startsWith('own') ? join(folder, name) : fixture(name));
      const { values, naming } = takeEncoderWeights(file, entries, encoders, name);
      expect(naming).toBe(name.startsWith('own') ? 'daclip' : 'huggingface');
      const graph = new Graph();
      build(graph);
      const pixels = Array.from({ length: 192 }, (_, i) => -1 + (2 * i) / 191);
      const feeds = {
        tokens: hostTensor([512, 5, 9, 513, 0, 0], [1, 6], 'int64'),
        ends: hostTensor([3], [1], 'int64'),
        pixels: hostTensor(pixels, [1, 3, 8, 8]),
      };
      const outputs = await run(graph, feeds, values);
      const { default: expected } = await import('../../test/fixtures/clip/huggingface.json', {
        with: { type: 'json' },
      });
      expectClose('text', outputs.text?.data ?? [], expected.text, 1e-5);
      expectClose('image', outputs.image?.data ?? [], expected.image, 1e-5);
    },
  );

  async function writeOwn(path: string): Promise<void> {
    const { values } = takeEncoderWeights(await readWeights(fixture('huggingface.pt')), entries, encoders, 'file');
    if (path.endsWith('.onnx')) {
      const graph = new Graph();
      build(graph);
      return writeFile(path, emitModel(graph, values));
    }
    const tensors = new Map(
      entries.map(({ name, shape }) => [name, storeFloat32(values.get(name) ?? new Float32Array(), shape)]),
    );
    return writeFile(path, Buffer.concat(writeSafetensors({ tensors, metadata: {} })));
  }
});

it('reads neither text nor pictures as weights', async () => {
  const path = join(folder, 'photo.jpg');
  await writeFile(path, Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0]));
  await expect(readWeights(path)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  await expect(readWeights(join(folder, 'none'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
});

it('DA-CLIP whole has the vision tower twice, as controller and frozen', () => {
  const graph = new Graph();
  daclipContentGraph(graph, TINY_ENCODERS, 2);
  expect([...graph.outputs.keys()]).toEqual(['content', 'degradation']);
  const names = allEncoderEntries(TINY_ENCODERS).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name.startsWith('clip.visual.')).length).toBeGreaterThan(20);
});
