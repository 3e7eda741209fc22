import { afterEach, describe, expect, it } from 'vitest';
import { expectClose, largest } from '../../../test/parity/fixture.ts';
import type { Batch } from '../../data/batch.ts';
import { Random } from '../../random/random.ts';
import { BuiltInEngine } from '../built-in-engine.ts';
import { parseTrainConfig, type TrainConfig } from '../config.ts';
import { initialValues } from '../initialise.ts';
import { initialVectors } from '../optimisers/index.ts';
import { scalarsOf } from '../schedule.ts';
import { graphOptions } from '../start.ts';
import type { BatchUse, StepResult } from '../step.ts';
import type { StepEngine } from '../step-engine.ts';
import { trainingLayout } from '../training-graph.ts';
import { PyTorchEngine } from './engine.ts';
import { findPython } from './python.ts';

/** Largest relative differences between the engines. */
const TOLERANCE = { loss: 1e-4, gradientNorm: 1e-3, errors: 1e-4 } as const;
/** Of what ten steps change, the share that may differ. */
const DRIFT = 2e-2;
const STEPS = 10;

const python = await findPython().catch(() => undefined);
const opened: StepEngine[] = [];
afterEach(() => Promise.all(opened.splice(0).map((engine) => engine.close())));

function configure(changes: object): TrainConfig {
  const data = { roots: { photos: ['photos'] }, patch: 32 };
  const common = { batch: 2, steps: STEPS, threads: 1, data, seed: 3, finalShare: 0.5 };
  const torch = { engine: 'pytorch', device: 'cpu', precision: 'float32', compile: false };
  return parseTrainConfig({ ...common, ...torch, ...changes }, 'test');
}

/** Smooth pictures and made-up labels. */
function madeUpBatch(config: TrainConfig, step: number): Batch {
  const { patch } = config.data;
  const random = new Random(5, step);
  const { preset } = graphOptions(config);
  const pixels = () => {
    const [a, b, c] = [random.uniform(0, 0.3), random.uniform(0, 0.3), random.uniform(0, 6)];
    return Uint8Array.from({ length: config.batch * 3 * patch * patch }, (_, i) =>
      Math.round(127 + 100 * Math.sin(a * (i % patch) + b * Math.floor(i / patch) + c)),
    );
  };
  const numbers = () =>
    Float32Array.from({ length: config.batch * preset.degradations.length }, () => random.uniform());
  const flags = () => numbers().map((value) => (value < 0.5 ? 1 : 0));
  const view = preset.encoders?.controller.view;
  const prompts = Array.from({ length: config.batch }, (_, i) => (i % 2 ? 'remove the rain from the street' : ''));
  return {
    step,
    degradations: preset.degradations,
    patches: 1,
    input: pixels(),
    target: pixels(),
    presence: flags(),
    strength: numbers(),
    asked: flags(),
    prompts,
    files: prompts.map(() => null),
    ...(view && { view: Uint8Array.from({ length: config.batch * 3 * view.side ** 2 }, () => random.int(256)) }),
  };
}

/** Random values everywhere: zeros in last layers would hide what comes before them. */
function startingValues(config: TrainConfig): Float32Array {
  const layout = trainingLayout(graphOptions(config));
  const values = initialValues(layout, 11);
  const random = new Random(12);
  return values.map((value) => value + 0.02 * random.normal());
}

function useOf(config: TrainConfig, step: number): BatchUse {
  const batch = madeUpBatch(config, step);
  const { preset } = graphOptions(config);
  if (preset.encoders) return { batch, step };
  const random = new Random(6, step);
  const embedding = () => Float32Array.from({ length: config.batch * preset.fusion.context }, () => random.normal());
  return { batch, step, embeddings: { text: embedding(), degradation: embedding() } };
}

async function both(config: TrainConfig): Promise<{ ours: StepEngine; theirs: StepEngine }> {
  const options = graphOptions(config);
  const vectors = () => initialVectors(config.optimiser.kind, startingValues(config));
  const ours = await BuiltInEngine.open(config, options, vectors());
  const theirs = await PyTorchEngine.open(config, options, vectors(), { givenNoise: true });
  opened.push(ours, theirs);
  return { ours, theirs };
}

const run = (engine: StepEngine, config: TrainConfig, step: number): Promise<StepResult> =>
  engine.prepare(useOf(config, step))(scalarsOf(config, step, step / (config.steps ?? STEPS)));

const cases: readonly (readonly [string, object])[] = [
  ['tiny, l1', { preset: 'tiny', loss: 'l1' }],
  ['tiny, l2', { preset: 'tiny', loss: 'l2' }],
  ['tiny, charbonnier', { preset: 'tiny', loss: 'charbonnier' }],
  ['tiny, psnr, clipped', { preset: 'tiny', loss: 'psnr', optimiser: { clipNorm: 0.5, weightDecay: 0.1 } }],
  ['tiny, matching', { preset: 'tiny', loss: 'matching' }],
  [
    'tiny, Muon',
    { preset: 'tiny', loss: 'psnr', optimiser: { kind: 'muon', weightDecay: 0.1, otherLearningRate: 1e-3 } },
  ],
  ['tiny-paper, matching', { preset: 'tiny-paper', loss: 'matching', encoders: { weights: 'none' } }],
  ['lite, Muon', { preset: 'lite', loss: 'psnr', steps: 3, optimiser: { kind: 'muon' } }],
  ['tiny with plain convolutions', { preset: 'tiny', network: { inner: 'plain' } }],
];

describe.skipIf(python === undefined)('the PyTorch engine', () => {
  it.each(cases)('%s: agrees with the built-in engine in loss, gradient and ten steps', async (_, changes) => {
    const config = configure(changes);
    const { ours, theirs } = await both(config);
    const start = startingValues(config);
    const { steps = STEPS } = config;
    const tolerance = (name: keyof typeof TOLERANCE) => TOLERANCE[name];
    for (let step = 0; step < steps; step++) {
      const [a, b] = [await run(ours, config, step), await run(theirs, config, step)];
      if (step > 0) continue;
      for (const name of ['loss', 'restoration', 'contrastive', 'strength', 'intent'] as const) {
        expectClose(name, [b[name]], [a[name]], tolerance('loss') * Math.max(1e-3, Math.abs(a[name])));
      }
      expectClose('gradientNorm', [b.gradientNorm], [a.gradientNorm], tolerance('gradientNorm') * a.gradientNorm);
      expectClose('errors', b.errors, a.errors, tolerance('errors') * largest(a.errors));
    }
    const [mine, other] = [await ours.vectors(), await theirs.vectors()];
    for (const name of ['parameters', 'average'] as const) {
      const moved = mine[name].map((value, i) => value - (start[i] as number));
      const apart = mine[name].map((value, i) => value - (other[name][i] as number));
      const length = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
      expect(length(apart) / length(moved), `${name} after ${steps} steps`).toBeLessThan(DRIFT);
    }
    const held = [useOf(config, 99)];
    const [x, y] = [await ours.score(held), await theirs.score(held)];
    expectClose('validation', y[0] ?? [], x[0] ?? [], 0.02 * largest(x[0] ?? []));
  });
});
