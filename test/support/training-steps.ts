/**
 * Made-up steps for engines that are compared.
 *
 * @module
 */
import type { Batch } from '../../src/data/batch.ts';
import { isPlainPreset } from '../../src/models/plain/presets.ts';
import type { Preset } from '../../src/models/preset-schema.ts';
import { Random } from '../../src/random/random.ts';
import { parseTrainConfig, type TrainConfig } from '../../src/train/config.ts';
import { initialValues } from '../../src/train/initialise.ts';
import { scalarsOf } from '../../src/train/schedule.ts';
import { graphOptions as anyOptions } from '../../src/train/start.ts';
import type { BatchUse, StepResult } from '../../src/train/step.ts';
import type { StepEngine } from '../../src/train/step-engine.ts';
import { type TrainingGraphOptions as AnyOptions, trainingLayout } from '../../src/train/training-graph.ts';
import { PYTHON } from './required.ts';

export const STEPS = 5;

/** A configuration of the PyTorch engine. */
export function configure(changes: object): TrainConfig {
  const data = { roots: { photos: ['photos'] }, patch: 32 };
  // The average moves with every step, so that it can be compared after few.
  const common = { batch: 2, steps: STEPS, threads: 1, data, seed: 3, finalShare: 0.5, average: { every: 1 } };
  const torch = { engine: 'pytorch', python: PYTHON, device: 'cpu', precision: 'float32', compile: false };
  return parseTrainConfig({ ...common, ...torch, ...changes }, 'test');
}

export type TrainingGraphOptions = AnyOptions<Preset>;

export function graphOptions(config: TrainConfig): TrainingGraphOptions {
  const options = anyOptions(config);
  const { preset } = options;
  if (isPlainPreset(preset)) throw new RangeError(preset.name);
  return { ...options, preset };
}

/** Smooth pictures and made-up labels. */
function madeUpBatch({ preset, patches, batch, patch }: TrainingGraphOptions, step: number): Batch {
  const random = new Random(5, step);
  const pictures = batch / patches;
  const side = preset.encoders?.controller.view?.side;
  const pixels = (count = batch, width = patch) => {
    const [a, b, c] = [random.uniform(0, 0.3), random.uniform(0, 0.3), random.uniform(0, 6)];
    return Uint8Array.from({ length: count * 3 * width * width }, (_, i) =>
      Math.round(127 + 100 * Math.sin(a * (i % width) + b * Math.floor(i / width) + c)),
    );
  };
  const numbers = () => Float32Array.from({ length: pictures * preset.degradations.length }, () => random.uniform());
  const flags = () => numbers().map((value) => (value < 0.5 ? 1 : 0));
  const prompts = Array.from({ length: pictures }, (_, i) => (i % 2 ? 'remove the rain from the street' : ''));
  return {
    step,
    degradations: preset.degradations,
    patches,
    ...(side === undefined ? {} : { view: pixels(pictures, side) }),
    input: pixels(),
    target: pixels(),
    presence: flags(),
    strength: numbers(),
    asked: flags(),
    prompts,
    files: prompts.map(() => null),
  };
}

/** Random values everywhere: zeros in last layers would hide what comes before them. */
export function startingValues(options: TrainingGraphOptions): Float32Array {
  const layout = trainingLayout(options);
  const values = initialValues(layout, 11);
  const random = new Random(12);
  return values.map((value) => value + 0.02 * random.normal());
}

export function useOf(options: TrainingGraphOptions, step: number): BatchUse {
  const batch = madeUpBatch(options, step);
  const { preset } = options;
  if (preset.encoders) return { batch, step };
  const random = new Random(6, step);
  const embedding = () => Float32Array.from({ length: options.batch * preset.fusion.context }, () => random.normal());
  return { batch, step, embeddings: { text: embedding(), degradation: embedding() } };
}

/** One step. */
export const run = (engine: StepEngine, config: TrainConfig, use: BatchUse): Promise<StepResult> =>
  engine.prepare(use)(scalarsOf(config, use.step, use.step / (config.steps ?? STEPS)));
