/**
 * The training objective as numbers per sample, for a graph that holds the pictures.
 *
 *   x_t = alpha_t x0 + (1 - alpha_t) mu + sigmaBar_t z,   loss = mean |E - O|
 *   E = x_t - [theta_t (mu - x_t) - sigma_t^2 score] dt   (Euler mean with the network's score)
 *   O = optimum(x_t, x0)                                  (most likely x_{t-1} given the true x0)
 *
 * @module
 */
import type { Parameterisation } from './parameterisation.ts';
import type { MeanRevertingSde } from './sde.ts';
import type { Weights } from './weighted-sum.ts';

/** Weights of one sample's pictures; `output` is the network's: eps_hat or x0_hat. */
export interface ObjectiveWeights {
  /** x_t = x0 * x0 + mu * mu + z * z. */
  readonly state: Weights<'x0' | 'mu' | 'z'>;
  /** E = x * x_t + mu * mu + output * network output. */
  readonly eulerMean: Weights<'x' | 'mu' | 'output'>;
  /** O = x * x_t + x0 * x0 + mu * mu. */
  readonly optimum: Weights<'x' | 'x0' | 'mu'>;
}

/** The same for a batch: each number becomes a float32 column of N, to be fed as [N,1,1,1]. */
export type BatchWeights = {
  readonly [Part in keyof ObjectiveWeights]: Readonly<Record<keyof ObjectiveWeights[Part], Float32Array<ArrayBuffer>>>;
};

/**
 * Weights of the objective at t = 1..T.
 *
 * With noise prediction, score = -eps_hat / sigmaBar_t enters E directly. With data prediction eps_hat is first written
 * in x0_hat: eps_hat = (x_t - alpha_t x0_hat - (1 - alpha_t) mu) / sigmaBar_t. E then weighs x0_hat by
 * g = alpha_t sigma_t^2 dt / sigmaBar_t^2, which falls with t: the loss |E - O| on a data-prediction network is the loss on
 * x0 with weight g, up to the Euler step's own error.
 */
export function objectiveWeights(
  sde: MeanRevertingSde,
  parameterisation: Parameterisation,
  t: number,
): ObjectiveWeights {
  const { noise: z, ...mean } = sde.marginal(t);
  const euler = sde.sdeReverseMean(t);
  const noise = euler.score * sde.scoreFromNoise(t).noise;
  const fromX0 = sde.noiseFromX0(t);
  const eulerMean = {
    noise: { x: euler.x, mu: euler.mu, output: noise },
    data: { x: euler.x + noise * fromX0.x, mu: euler.mu + noise * fromX0.mu, output: noise * fromX0.x0 },
  };
  return { state: { ...mean, z }, eulerMean: eulerMean[parameterisation], optimum: sde.optimum(t) };
}

/** `objectiveWeights` of every sample of a batch, sample n at time `times[n]`. */
export function batchWeights(
  sde: MeanRevertingSde,
  parameterisation: Parameterisation,
  times: readonly number[],
): BatchWeights {
  const samples = times.map((t) => objectiveWeights(sde, parameterisation, t));
  const column = (value: (sample: ObjectiveWeights) => number) => Float32Array.from(samples, value);
  return {
    state: {
      x0: column(({ state }) => state.x0),
      mu: column(({ state }) => state.mu),
      z: column(({ state }) => state.z),
    },
    eulerMean: {
      x: column(({ eulerMean }) => eulerMean.x),
      mu: column(({ eulerMean }) => eulerMean.mu),
      output: column(({ eulerMean }) => eulerMean.output),
    },
    optimum: {
      x: column(({ optimum }) => optimum.x),
      x0: column(({ optimum }) => optimum.x0),
      mu: column(({ optimum }) => optimum.mu),
    },
  };
}
