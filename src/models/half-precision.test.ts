/**
 * Float16 inference: close to float32, and back to it where halves overflow. On the CPU the runtime computes float16 nodes
 * with casts around them, so that their values are rounded as on a graphics card.
 */
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Graph } from '../graph/graph.ts';
import { emitModel } from '../graph/onnx/emit.ts';
import { ModelProto } from '../graph/onnx/schema.ts';
import { layoutOf, unflatten } from '../graph/parameters.ts';
import { sizeOf } from '../graph/tensor.ts';
import { Engine, float32, floats } from '../runtime/engine.ts';
import { initialValues } from '../train/initialise.ts';
import { LoadedModel, modelLayout } from './loaded-model.ts';
import type { Guidance } from './model.ts';
import { guidanceShapes, predictionGraph } from './networks.ts';
import type { Preset } from './preset-schema.ts';
import { presets } from './presets.ts';
import { storeFloat32 } from './safetensors.ts';

const SIDE = 32;
const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const tiny = presets.tiny as Preset;
const paper = presets['tiny-paper'] as Preset;
/** With every kind of attention. */
const attentive: Preset = {
  ...paper,
  network: { ...paper.network, width: 32, multipliers: [1, 1], attention: ['linear', 'transformer'] },
};

/** Initial values, with nothing left at zero: a zero last layer would hide what comes before it. */
function parametersOf(preset: Preset): Map<string, Float32Array> {
  const layout = layoutOf((graph) => predictionGraph(graph, preset, SIDE, SIDE));
  const values = initialValues(layout, 3);
  for (let i = 0; i < values.length; i++) if (values[i] === 0) values[i] = 0.02 * Math.sin(i);
  return unflatten(layout, values);
}

const picture = (seed: number) =>
  Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => Math.sin(i + seed) / 2 + 0.5);
const embedding = (size: number) => Float32Array.from({ length: size }, (_, i) => 0.05 * Math.cos(i));
/** Whatever guidance the preset takes. */
const guidanceFor = (preset: Preset) =>
  Object.entries(guidanceShapes(preset)).map(([name, shape]) => ({ name, shape, data: embedding(sizeOf(shape)) }));
const feedsFor = (preset: Preset) => ({
  x: float32(picture(1), [1, 3, SIDE, SIDE]),
  mu: float32(picture(2), [1, 3, SIDE, SIDE]),
  t: float32(Float32Array.of(37), [1]),
  ...Object.fromEntries(guidanceFor(preset).map(({ name, shape, data }) => [name, float32(data, shape)])),
});

function modelOf(preset: Preset, parameters: Map<string, Float32Array>, precision: 'float32' | 'float16'): Uint8Array {
  const graph = new Graph();
  predictionGraph(graph, preset, SIDE, SIDE);
  return emitModel(graph, parameters, { precision });
}

async function predict(preset: Preset, parameters: Map<string, Float32Array>, precision: 'float32' | 'float16') {
  const session = await engine.load(modelOf(preset, parameters, precision));
  const prediction = floats((await session.run(feedsFor(preset))).outputs, 'prediction');
  await session.release();
  return prediction;
}

const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const distance = (a: Float32Array, b: Float32Array) => largest(a.map((value, i) => value - (b[i] ?? Number.NaN)));
/** Of the largest value; a half has 11 significant bits, and the rounding of many layers adds up. */
const CLOSE = 0.02;

describe('float16', () => {
  it.each([
    ['tiny', tiny],
    ['tiny-paper', paper],
    ['with attention', attentive],
  ])('%s: close to float32, and not the same', async (_, preset) => {
    const parameters = parametersOf(preset);
    const [half, single] = [await predict(preset, parameters, 'float16'), await predict(preset, parameters, 'float32')];
    const off = distance(half, single) / largest(single);
    expect(off).toBeGreaterThan(1e-5);
    expect(off).toBeLessThan(CLOSE);
  });

  it('is in products and convolutions, not in sums, inputs and outputs', () => {
    const model = ModelProto.decode(modelOf(paper, parametersOf(paper), 'float16')) as unknown as {
      readonly graph: {
        readonly node: readonly { readonly opType: string; readonly input: readonly string[] }[];
        readonly input: readonly { readonly type: { readonly tensorType: { readonly elemType: number } } }[];
      };
    };
    const { node, input } = model.graph;
    const convolutions = node.filter(({ opType }) => opType === 'Conv');
    expect(convolutions.length).toBeGreaterThan(5);
    // Weights are stored as float32 and cast, so their names tell.
    expect(convolutions.every(({ input: [, weight] }) => weight?.endsWith('_as_half'))).toBe(true);
    expect(input.every(({ type }) => type.tensorType.elemType === 1)).toBe(true);
    const means = node.filter(({ opType }) => opType.startsWith('Reduce'));
    expect(means.some(({ input: [x] }) => x?.endsWith('_as_half'))).toBe(false);
  });

  it('keeps sums of squares that no half can hold', async () => {
    const parameters = parametersOf(paper);
    // Values of some hundred in a thousand places: their squares add up to ten million and more.
    const name = [...parameters.keys()].find((key) => key.endsWith('pwconv1.weight')) ?? '';
    parameters.set(name, parameters.get(name)?.map((value) => 300 * value) as Float32Array);
    const [half, single] = [await predict(paper, parameters, 'float16'), await predict(paper, parameters, 'float32')];
    expect(largest(single)).toBeGreaterThan(0);
    expect(distance(half, single) / largest(single)).toBeLessThan(CLOSE);
  });
});

describe('a model that overflows in float16', () => {
  const layout = modelLayout(tiny);

  async function open(precision: 'float32' | 'float16', scale: number) {
    const values = unflatten(layout, initialValues(layout, 3));
    const tensors = new Map(
      layout.entries.map(({ name, shape }) => {
        const data = values.get(name) ?? new Float32Array();
        const scaled = data.map((value) => (name === 'init_conv.weight' ? scale : 1) * (value === 0 ? 0.02 : value));
        return [name, storeFloat32(scaled, shape)];
      }),
    );
    const card = {
      format: 'clearword-model-1',
      name: 'test',
      preset: tiny,
      parameters: layout.size,
      sha256: '0'.repeat(64),
      licence: 'MIT',
      training: {},
      quality: {},
    } as const;
    const loads = vi.spyOn(engine, 'load');
    const file = { card, weights: { tensors, metadata: {} } };
    const again = vi.fn(async () => file);
    const model = new LoadedModel(file, engine, 'test', { precision, again, keptBytes: 1 });
    const { x, mu } = feedsFor(tiny);
    const request = {
      width: SIDE,
      height: SIDE,
      x: x.data,
      mu: mu.data,
      t: 37,
      guidance: Object.fromEntries(guidanceFor(tiny).map(({ name, data }) => [name, data])) as unknown as Guidance,
    };
    return { predict: () => model.predict(request), loads, again };
  }

  it('gives what float32 gives, each time', async () => {
    const half = await open('float16', 1e6);
    const first = await half.predict();
    expect(half.loads).toHaveBeenCalledTimes(2);
    const single = await (await open('float32', 1e6)).predict();
    expect(first).toEqual(single);
    // A large model's weights are read again for the second session.
    expect(half.again).toHaveBeenCalledTimes(1);
    expect(first.every(Number.isFinite)).toBe(true);
    expect(await half.predict()).toEqual(single);
    half.loads.mockRestore();
  });

  it('is not computed twice where nothing overflows', async () => {
    const half = await open('float16', 1);
    const result = await half.predict();
    expect(half.loads).toHaveBeenCalledTimes(1);
    expect(half.again).not.toHaveBeenCalled();
    expect(result).not.toEqual(await (await open('float32', 1)).predict());
    half.loads.mockRestore();
  });
});
