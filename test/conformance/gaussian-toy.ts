/**
 * A restoration problem whose answer is known: every pixel of the clean picture is N(m, s^2) and the degraded picture is
 * the constant mu. All densities are Gaussian, so the ideal network, the path of the ODE and the distribution that the
 * reverse SDE ends in have closed forms.
 *
 * @module
 */

import type { Estimates } from '../../src/diffusion/parameterisation.ts';
import type { SamplerRun } from '../../src/diffusion/samplers/index.ts';
import type { MeanRevertingSde } from '../../src/diffusion/sde.ts';
import { Random } from '../../src/random/random.ts';

export class GaussianToy {
  readonly sde: MeanRevertingSde;
  /** Mean and standard deviation of a clean pixel. */
  readonly m = 0.7;
  readonly s = 0.3;
  /** The degraded pixel. */
  readonly mu = 0.2;

  constructor(sde: MeanRevertingSde) {
    this.sde = sde;
  }

  picture(length: number): Float32Array {
    return new Float32Array(length).fill(this.mu);
  }

  /**
   * The ideal network: x0_hat = E[x0 | x_t] = m + gain (x_t - mean_t), and the noise that belongs to it. It is affine in
   * x_t, so the result of any sampler is affine in the noise.
   */
  predict = async (x: Float32Array, t: number): Promise<Estimates> => {
    const { alpha, std, mean, gain } = this.#at(t);
    const x0 = x.map((value) => this.m + gain * (value - mean));
    const noise = x.map((value) => (value - mean - alpha * gain * (value - mean)) / std);
    return { noise, x0 };
  };

  /** Where the probability-flow ODE takes x_T = mu + lambda z: the quantile of x_T stays the same on the way. */
  odeSolution(z: number): number {
    const { mean, variance } = this.#at(this.sde.T);
    return this.m + (this.s * (this.mu + this.sde.lambda * z - mean)) / Math.sqrt(variance);
  }

  /**
   * Mean and variance in which the reverse SDE ends from x_T ~ N(mu, lambda^2): x0 given x_T is N(m + gain (x_T - mean_T),
   * s^2 - gain^2 variance_T), and x_T itself is spread by lambda.
   */
  sdeSolution(): { mean: number; variance: number } {
    const { mean, variance, gain } = this.#at(this.sde.T);
    return {
      mean: this.m + gain * (this.mu - mean),
      variance: this.s ** 2 - gain ** 2 * variance + (gain * this.sde.lambda) ** 2,
    };
  }

  /** x_t ~ N(mean, variance), and gain = cov(x0, x_t) / variance. */
  #at(t: number) {
    const { sde, m, s, mu } = this;
    const alpha = sde.alpha(t);
    const std = sde.std(t);
    const variance = (alpha * s) ** 2 + std ** 2;
    return { alpha, std, mean: mu + (m - mu) * alpha, variance, gain: (s ** 2 * alpha) / variance };
  }
}

/** N(0, 1) addressed by draw, as a run asks for it. */
export function seededNoise(seed: number, length: number): SamplerRun['noise'] {
  return (draw) => {
    const random = new Random(seed, draw);
    return Float32Array.from({ length }, () => random.normal());
  };
}
