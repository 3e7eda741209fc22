import { afterAll, describe, expect, it } from 'vitest';
import { expectClose, largest } from '../../test/parity/fixture.ts';
import { Graph } from '../graph/graph.ts';
import { emitModel } from '../graph/onnx/emit.ts';
import { Engine, float32, floats } from '../runtime/engine.ts';
import { parseTrainConfig, type TrainConfig } from './config.ts';
import { appendAdamW, cosineSchedule, RESIDENT, type StepScalars } from './optimiser.ts';
import { graphOptions } from './start.ts';
import { scalarsOf } from './trainer.ts';

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const SIZE = 7;
const STEPS = 10;
const start = Float32Array.from({ length: SIZE }, (_, k) => Math.cos(1.7 * k));
/** Of very different lengths, so that clipping takes hold in some steps and not in others; one parameter has none. */
const gradientAt = (step: number) =>
  Float32Array.from({ length: SIZE }, (_, k) => (k === 3 ? 0 : (1 + 3 * (step % 3)) * Math.sin(0.9 * k + step)));

type State = { -readonly [Name in keyof typeof RESIDENT]: number[] };

/** One AdamW step in plain numbers: decay, clip, moments, update and average, value by value. */
function adamw(
  state: State,
  gradient: ArrayLike<number>,
  config: TrainConfig['optimiser'],
  scalars: StepScalars,
): number {
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
    appendAdamW(graph, graph.input('parameters', [SIZE]), graph.input('g', [SIZE]), graphOptions(config).optimiser);
    const session = await engine.load(emitModel(graph), { resident: RESIDENT });
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
      const scalars = scalarsOf(config, step, step / STEPS);
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
    appendAdamW(graph, graph.input('parameters', [SIZE]), graph.input('g', [SIZE]), graphOptions(config).optimiser);
    const session = await engine.load(emitModel(graph), { resident: RESIDENT });
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

describe('what changes from step to step', () => {
  it('the average is updated every k-th step and left alone between', () => {
    const config = configure({}, { decay: 0.995, every: 4 });
    const decays = Array.from({ length: 9 }, (_, i) => scalarsOf(config, 10_000 + i, 0).averageDecay);
    expect(decays).toEqual([1, 1, 1, 0.995, 1, 1, 1, 0.995, 1]);
  });

  it('the average forgets what the run began with', () => {
    const config = configure({}, { decay: 0.999, every: 1 });
    const decays = Array.from({ length: 500 }, (_, step) => scalarsOf(config, step, 0).averageDecay);
    expect(decays[0]).toBeCloseTo(2 / 11, 12);
    expect(decays.reduce((kept, decay) => kept * decay, 1)).toBeLessThan(1e-6);
    expect(decays).toEqual([...decays].sort((a, b) => a - b));
    expect(scalarsOf(config, 1_000_000, 0).averageDecay).toBe(0.999);
  });

  it('the corrections count steps from one', () => {
    const config = configure({ betas: [0.9, 0.99] });
    expect(scalarsOf(config, 0, 0)).toMatchObject({ correction1: 1 - 0.9, correction2: 1 - 0.99 });
    expect(scalarsOf(config, 9, 0)).toMatchObject({ correction1: 1 - 0.9 ** 10, correction2: 1 - 0.99 ** 10 });
  });

  it('the learning rate warms up by steps and then follows the progress of the run', () => {
    const config = configure({ learningRate: 0.1, floor: 0.01, warmup: 4 });
    const rate = (step: number, fraction: number) => scalarsOf(config, step, fraction).learningRate;
    expect([0, 1, 2, 3].map((step) => rate(step, 0.3))).toEqual([0.025, 0.05, 0.1 * 0.75, 0.1]);
    expect(rate(4, 0)).toBeCloseTo(0.1, 12);
    expect(rate(4, 0.5)).toBeCloseTo(0.055, 12);
    expect(rate(4, 1)).toBeCloseTo(0.01, 12);
  });
});

describe('cosineSchedule', () => {
  const options = { peak: 1, floor: 0.1, warmup: 5, total: 25 };
  const rates = Array.from({ length: 40 }, (_, step) => cosineSchedule(step, options));

  it('rises in a line to the peak, which it reaches at the end of the warm-up', () => {
    rates.slice(0, 5).forEach((rate, step) => {
      expect(rate).toBeCloseTo((step + 1) / 5, 12);
    });
    expect(rates[5]).toBe(1);
  });

  it('falls along half a cosine to the floor, and stays there', () => {
    for (let step = 6; step <= 25; step++) expect(rates[step]).toBeLessThan(rates[step - 1] as number);
    expect(rates[10]).toBeCloseTo(0.1 + 0.9 * (0.5 + 0.5 * Math.SQRT1_2), 12);
    expect(rates[15]).toBeCloseTo(0.55, 12);
    expect(rates.slice(25).every((rate) => Math.abs(rate - 0.1) < 1e-12)).toBe(true);
  });

  it('without warm-up starts at the peak; a run shorter than its warm-up never divides by zero', () => {
    expect(cosineSchedule(0, { ...options, warmup: 0 })).toBe(1);
    expect(cosineSchedule(9, { peak: 1, floor: 0, warmup: 5, total: 5 })).toBeCloseTo(0, 12);
  });
});
