/**
 * AdamW with global-norm clipping and an exponential moving average, as nodes of the training graph.
 *
 * Everything works on the flat parameter vector [P], so one step is a handful of operators whatever the network.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';

export interface OptimiserConfig {
  readonly betas: readonly [number, number];
  readonly eps: number;
  /** Decoupled: parameters shrink by lr * weightDecay a step. */
  readonly weightDecay: number;
  /** Gradients longer than this are scaled down to it; Infinity leaves them. */
  readonly clipNorm: number;
}

/** Values that stay in the engine from step to step, each input beside the output that replaces it. */
export const RESIDENT = {
  parameters: 'next.parameters',
  momentum: 'next.momentum',
  variance: 'next.variance',
  average: 'next.average',
} as const;

export type ResidentName = keyof typeof RESIDENT;

/** Scalars that change from step to step. */
export interface StepScalars {
  readonly learningRate: number;
  /** 1 - beta1^step and 1 - beta2^step, step counted from 1. */
  readonly correction1: number;
  readonly correction2: number;
  /** Share of the average that is kept; 1 leaves it as it is. */
  readonly averageDecay: number;
}

export const STEP_SCALARS = ['learningRate', 'correction1', 'correction2', 'averageDecay'] as const;

/**
 * Appends one AdamW step (Loshchilov and Hutter 2019), as PyTorch computes it:
 *
 *   p = p (1 - lr wd);  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *   p = p - lr / c1 m / (sqrt(v) / sqrt(c2) + eps),  c_i = 1 - b_i^step
 *   average = average d + p (1 - d)
 *
 * Declares the inputs `momentum`, `variance`, `average` [P] and the step scalars, and the outputs of {@link RESIDENT} and
 * `gradientNorm`.
 *
 * @param parameters flat vector [P], an input of the graph
 * @param gradient its gradient [P]
 */
export function appendAdamW(graph: Graph, parameters: Tensor, gradient: Tensor, config: OptimiserConfig): void {
  const { shape } = parameters;
  const [momentum, variance, average] = ['momentum', 'variance', 'average'].map((name) => graph.input(name, shape)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const [learningRate, correction1, correction2, decay] = STEP_SCALARS.map((name) => graph.input(name, [])) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const [beta1, beta2] = config.betas;

  const length = f.sqrt(f.reduceSum(f.square(gradient)));
  graph.output('gradientNorm', length);
  const { clipNorm } = config;
  // clip / max(clip, |g|) is 1 up to the limit; PyTorch adds 1e-6 to |g|, which matters to nobody.
  const g = Number.isFinite(clipNorm) ? f.mul(gradient, f.div(clipNorm, f.maximum(length, clipNorm))) : gradient;

  const m = f.add(f.mul(momentum, beta1), f.mul(g, 1 - beta1));
  const v = f.add(f.mul(variance, beta2), f.mul(f.square(g), 1 - beta2));
  const denominator = f.add(f.div(f.sqrt(v), f.sqrt(correction2)), config.eps);
  const update = f.mul(f.div(m, denominator), f.div(learningRate, correction1));
  const kept =
    config.weightDecay === 0 ? parameters : f.mul(parameters, f.sub(1, f.mul(learningRate, config.weightDecay)));
  const p = f.sub(kept, update);

  graph.output(RESIDENT.parameters, p);
  graph.output(RESIDENT.momentum, m);
  graph.output(RESIDENT.variance, v);
  graph.output(RESIDENT.average, f.add(f.mul(average, decay), f.mul(p, f.sub(1, decay))));
}

/** Learning rate at a step (from 0): linear warm-up, then a half cosine from `peak` down to `floor` at `total`. */
export function cosineSchedule(
  step: number,
  { peak, floor, warmup, total }: { peak: number; floor: number; warmup: number; total: number },
): number {
  if (step < warmup) return (peak * (step + 1)) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, total - warmup));
  return floor + 0.5 * (peak - floor) * (1 + Math.cos(Math.PI * progress));
}
