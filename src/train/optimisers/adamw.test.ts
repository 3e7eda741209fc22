import { afterAll, describe, expect, it } from 'vitest';
import { expectClose, largest } from '../../../test/parity/fixture.ts';
import { Graph } from '../../graph/graph.ts';
import { emitModel } from '../../graph/onnx/emit.ts';
import { Engine, float32, floats } from '../../runtime/engine.ts';
import { parseTrainConfig, type TrainConfig } from '../config.ts';
import { scalarsOf } from '../schedule.ts';
import { graphOptions } from '../start.ts';
import { appendOptimiser, residentOf } from './index.ts';

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const SIZE = 7;
const STEPS = 10;
const start = Float32Array.from({ length: SIZE }, (_, k) => Math.cos(1.7 * k));
/** Of very different lengths, so that clipping takes hold in some steps and not in others; one parameter has none. */
const gradientAt = (step: number) =>
  Float32Array.from({ length: SIZE }, (_, k) => (k === 3 ? 0 : (1 + 3 * (step % 3)) * Math.sin(0.9 * k + step)));

type State = Record<'parameters' | 'momentum' | 'variance' | 'average', number[]>;
type Scalars = Record<'learningRate' | 'correction1' | 'correction2' | 'averageDecay', number>;

/** AdamW sees no layout. */
const LAYOUT = { entries: [], size: SIZE };

/** One AdamW step in plain numbers: decay, clip, moments, update and average, value by value. */
function adamw(state: State, gradient: ArrayLike<number>, config: TrainConfig['optimiser'], scalars: Scalars): number {
  const norm = Math.sqrt(Array.from(gradient).reduce((sum, g) => sum + g * g, 0));
  const scale = config.clipNorm !== null && norm > config.clipNorm ? config.clipNorm / norm : 1;
  const [b1, b2] = config.betas;
  for (let k = 0; k < SIZE; k++) {
    const g = (gradient[k] as number) * scale;
    const m = b1 * (state.momentum[k] as number) + (1 - b1) * g;
    const v = b2 * (state.variance[k] as number) + (1 - b2) * g * g;
    const direction = m / scalars.correction1 / (Math.sqrt(v / scalars.correction2) + config.eps);
    const shrunk = (state.parameters[k] as number) * (1 - scalars.learningRate * config.weightDecay);
    const p = shrunk - scalars.learningRate * direction;
    state.parameters[k] = p;
    state.momentum[k] = m;
    state.variance[k] = v;
    state.average[k] = scalars.averageDecay * (state.average[k] as number) + (1 - scalars.averageDecay) * p;
  }
  return norm;
}

function configure(optimiser: object, average: object = {}): TrainConfig {
  const data = { roots: { photos: ['photos'] }, tasks: { haze: 0 } };
  const value = { preset: 'tiny', steps: STEPS, data, optimiser: { learningRate: 0.05, ...optimiser }, average };
  return parseTrainConfig(value, 'test');
}

function append(graph: Graph, config: TrainConfig): void {
  const [parameters, gradient] = [graph.input('parameters', [SIZE]), graph.input('g', [SIZE])];
  appendOptimiser(graph, LAYOUT, parameters, gradient, graphOptions(config).optimiser);
}

describe('AdamW', () => {
  const settings: readonly (readonly [string, object, object])[] = [
    ['plain', {}, { decay: 0.9, every: 1 }],
    ['with weight decay', { weightDecay: 0.3 }, { decay: 0.9, every: 1 }],
    ['with clipping', { clipNorm: 2.5 }, { decay: 0.9, every: 1 }],
    [
      'with weight decay, clipping, warm-up and another eps',
      { weightDecay: 0.1, clipNorm: 2.5, warmup: 4, eps: 0.01 },
      {},
    ],
    ['with an average every third step', { betas: [0.8, 0.95] }, { decay: 0.75, every: 3 }],
  ];

  it.each(settings)('%s: every vector after 1 and after 10 steps', async (_, optimiser, average) => {
    const config = configure(optimiser, average);
    const graph = new Graph();
    append(graph, config);
    const session = await engine.load(emitModel(graph), { resident: residentOf('adamw') });
    const tensor = (data: Float32Array) => float32(data, [SIZE]);
    const zeros = () => new Float32Array(SIZE);
    await session.write({
      parameters: tensor(start),
      momentum: tensor(zeros()),
      variance: tensor(zeros()),
      average: tensor(start),
    });
    const expected: State = {
      parameters: [...start],
      momentum: [...zeros()],
      variance: [...zeros()],
      average: [...start],
    };
    const lengths = new Set<boolean>();
    for (let step = 0; step < STEPS; step++) {
      const scalars = scalarsOf(config, step, step / STEPS) as Scalars;
      const feeds = Object.entries(scalars).map(([name, value]) => [name, float32(Float32Array.of(value), [])]);
      const { outputs } = await session.run({ ...Object.fromEntries(feeds), g: tensor(gradientAt(step)) });
      const norm = adamw(expected, gradientAt(step), config.optimiser, scalars);
      lengths.add(norm > 2.5);
      // The length is reported as it was before clipping.
      expectClose('gradientNorm', floats(outputs, 'gradientNorm'), [norm], 1e-5 * norm);
      if (step !== 0 && step !== STEPS - 1) continue;
      const state = await session.read();
      for (const [name, values] of Object.entries(expected)) {
        expectClose(
          `${name} after ${step + 1} steps`,
          floats(state, name),
          values,
          2e-6 * Math.max(1, largest(values)),
        );
      }
    }
    expect([...lengths].sort(), 'steps beyond and within the limit').toEqual([false, true]);
    await session.release();
  });

  it('a gradient of zero moves nothing and divides by nothing', async () => {
    const graph = new Graph();
    const config = configure({ clipNorm: 1 });
    append(graph, config);
    const session = await engine.load(emitModel(graph), { resident: residentOf('adamw') });
    const zeros = () => float32(new Float32Array(SIZE), [SIZE]);
    const parameters = float32(start, [SIZE]);
    await session.write({ parameters, momentum: zeros(), variance: zeros(), average: parameters });
    const feeds = Object.entries(scalarsOf(config, 0, 0)).map(([name, value]) => [
      name,
      float32(Float32Array.of(value), []),
    ]);
    await session.run({ ...Object.fromEntries(feeds), g: zeros() });
    expect([...floats(await session.read(), 'parameters')]).toEqual([...start]);
  });
});
