/**
 * What a network predicts, and how the other quantity follows from it.
 *
 * @module
 */
import type { MeanRevertingSde } from './sde.ts';
import { weightedSum } from './weighted-sum.ts';

/** `noise`: the network outputs eps_hat (the paper). `data`: it outputs x0_hat (ours; usable at t = T, see below). */
export type Parameterisation = 'noise' | 'data';

/** One prediction in both forms; they agree: x_t = muBar_t(x0) + sigmaBar_t noise. */
export interface Estimates {
  /** eps_hat, of order 1. May be computed when it is first read: not every sampler needs it. */
  readonly noise: Float32Array;
  /** x0_hat, the clean picture, 0..1 up to the network's error. */
  readonly x0: Float32Array;
}

/** Where a prediction was made: the state x_t, the degraded picture mu and t = 1..T. */
export interface Situation {
  readonly sde: MeanRevertingSde;
  readonly x: Float32Array;
  readonly mu: Float32Array;
  readonly t: number;
}

/**
 * Both estimates from the raw output of a network.
 *
 * - noise: x0_hat = (x_t - mu - sigmaBar_t eps_hat) exp(Theta_t dt) + mu. At t = T the factor is 1/eps, so x0_hat is a
 *   useful picture only after many steps.
 * - data: eps_hat = (x_t - muBar_t(x0_hat)) / sigmaBar_t. x0_hat is a restoration from the first step on; eps_hat is
 *   least certain at t = 1, where a sampler no longer needs it.
 */
export function toEstimates(
  parameterisation: Parameterisation,
  output: Float32Array,
  { sde, x, mu, t }: Situation,
): Estimates {
  switch (parameterisation) {
    case 'noise':
      return { noise: output, x0: weightedSum(sde.x0FromNoise(t), { x, mu, noise: output }) };
    case 'data':
      return new DataEstimates(output, { sde, x, mu, t });
  }
}

/** What a prediction of x0_hat says; eps_hat follows from it when somebody asks. */
class DataEstimates implements Estimates {
  readonly x0: Float32Array;
  readonly #at: Situation;
  #noise: Float32Array | undefined;

  constructor(x0: Float32Array, at: Situation) {
    this.x0 = x0;
    this.#at = at;
  }

  get noise(): Float32Array {
    const { sde, x, mu, t } = this.#at;
    this.#noise ??= weightedSum(sde.noiseFromX0(t), { x, mu, x0: this.x0 });
    return this.#noise;
  }
}
