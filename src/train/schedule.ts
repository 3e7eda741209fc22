/**
 * What changes from step to step: learning rates, and how much of the average is kept.
 *
 * @module
 */
import type { TrainConfig } from './config.ts';
import { type StepScalars, scalarsAt } from './optimisers/index.ts';

/** Learning rate at a step (from 0): linear warm-up, then a half cosine from `peak` down to `floor` at `total`. */
export function cosineSchedule(
  step: number,
  { peak, floor, warmup, total }: { peak: number; floor: number; warmup: number; total: number },
): number {
  if (step < warmup) return (peak * (step + 1)) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, total - warmup));
  return floor + 0.5 * (peak - floor) * (1 + Math.cos(Math.PI * progress));
}

/**
 * Learning rate of a run at a step (from 0): the warm-up counts steps, the half cosine follows the progress of the run, 0..1.
 */
export function learningRateAt({ optimiser }: TrainConfig, step: number, fraction: number): number {
  const { learningRate: peak, floor, warmup } = optimiser;
  return step < warmup ? (peak * (step + 1)) / warmup : cosineSchedule(fraction, { peak, floor, warmup: 0, total: 1 });
}

/**
 * Share of the average that an update keeps, at most `decay`: early on less, so that the random values that a run began
 * with are forgotten within a few steps instead of some 1 / (1 - decay).
 */
function averageDecay({ decay, every }: TrainConfig['average'], step: number): number {
  const updates = (step + 1) / every;
  return Number.isInteger(updates) ? Math.min(decay, (1 + updates) / (10 + updates)) : 1;
}

/** The scalars of a step (from 0). The second learning rate is in proportion to the first all the way. */
export function scalarsOf(config: TrainConfig, step: number, fraction: number): StepScalars {
  const { optimiser, average } = config;
  const learningRate = learningRateAt(config, step, fraction);
  const share = (optimiser.otherLearningRate ?? optimiser.learningRate) / optimiser.learningRate;
  const moment = { step, learningRate, otherLearningRate: share * learningRate };
  return scalarsAt(optimiser, moment, averageDecay(average, step));
}
