/**
 * AdamW (Loshchilov and Hutter 2019), as PyTorch computes it.
 *
 * @module
 */
import * as f from '../../graph/functions.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Moment, optimiserOf, type Step, type StepSettings } from './optimiser.ts';

export type AdamState = 'momentum' | 'variance';

export const ADAM_STATE = ['momentum', 'variance'] as const satisfies readonly AdamState[];

/** 1 - beta^step, step counted from 1: what a moment that began with zero lacks. */
const correction =
  (which: 0 | 1) =>
  ({ step }: Moment, { betas }: StepSettings) =>
    1 - betas[which] ** (step + 1);

export const adamCorrections = { correction1: correction(0), correction2: correction(1) } as const;

/** m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2. Vectors [P]. */
export function moments<Scalar extends string>({ config, gradient: g, state }: Step<AdamState, Scalar>) {
  const [beta1, beta2] = config.betas;
  return {
    momentum: f.add(f.mul(state.momentum, beta1), f.mul(g, 1 - beta1)),
    variance: f.add(f.mul(state.variance, beta2), f.mul(f.square(g), 1 - beta2)),
  };
}

/** lr / c1 m / (sqrt(v) / sqrt(c2) + eps), c_i = 1 - b_i^step. Vectors [P]. */
export function adamUpdate(
  { momentum, variance }: Readonly<Record<AdamState, Tensor>>,
  { correction1, correction2 }: Readonly<Record<keyof typeof adamCorrections, Tensor>>,
  learningRate: Tensor,
  eps: number,
): Tensor {
  const denominator = f.add(f.div(f.sqrt(variance), f.sqrt(correction2)), eps);
  return f.mul(f.div(momentum, denominator), f.div(learningRate, correction1));
}

/** p (1 - lr wd), decoupled weight decay; `learningRate` [] or [P]. */
export function decayed(parameters: Tensor, learningRate: Tensor, weightDecay: number): Tensor {
  return weightDecay === 0 ? parameters : f.mul(parameters, f.sub(1, f.mul(learningRate, weightDecay)));
}

/** p = p (1 - lr wd) - lr / c1 m / (sqrt(v) / sqrt(c2) + eps), with the {@link moments} m and v of this step. */
export const adamw = optimiserOf({
  state: ADAM_STATE,
  scalars: { learningRate: ({ learningRate }) => learningRate, ...adamCorrections },
  next: (step) => {
    const { parameters, config, scalars } = step;
    const next = moments(step);
    const update = adamUpdate(next, scalars, scalars.learningRate, config.eps);
    return { ...next, parameters: f.sub(decayed(parameters, scalars.learningRate, config.weightDecay), update) };
  },
});
