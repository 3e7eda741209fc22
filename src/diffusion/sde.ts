/**
 * The mean-reverting SDE: from a clean picture x0 to its degraded version mu plus noise, and back.
 *
 *   dx = theta_t (mu - x) dt + sigma_t dw,   sigma_t^2 = 2 lambda^2 theta_t
 *
 * Pictures are flat float32 arrays of one length, values 0..1 (states may leave that range); t = 0..T counts steps, 0 is
 * clean. Every formula is affine in its pictures, so each method returns the weights for `weightedSum`: the samplers, the
 * training graph and the tests all take them from here. Source: IR-SDE (Luo et al. 2023, arXiv 2301.11699).
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import { SCHEDULES, type Schedule, scheduleRates } from './schedule.ts';
import type { Weights } from './weighted-sum.ts';

/** What defines the process; a model card carries it, because a network only works with the SDE it was trained on. */
export interface SdeConfig {
  /** How theta_t grows with t. */
  readonly schedule: Schedule;
  /** Number of steps, 1..100000. The paper's is 100. */
  readonly T: number;
  /** Standard deviation of the noise at the end of the process on the 8-bit scale, above 0 to 255. The paper's is 50. */
  readonly maxSigma: number;
  /** Share of x0 that is left in the mean at t = T, between 0 and 1 (both excluded). The paper's is 0.005. */
  readonly eps: number;
}

/** A table per step beyond this is a mistake, not a schedule. */
const MAX_STEPS = 100_000;

export class MeanRevertingSde {
  readonly config: SdeConfig;
  readonly T: number;
  /** lambda = maxSigma / 255: the stationary standard deviation of the noise, on pictures in 0..1. */
  readonly lambda: number;
  /** Length of one step, -ln(eps) / Theta_T. */
  readonly dt: number;
  /** theta_t, t = 0..T. Index 0 is never a step. */
  readonly theta: Float64Array;
  /** sigma_t = lambda sqrt(2 theta_t), t = 0..T. */
  readonly sigma: Float64Array;
  /** Theta_t = theta_1 + ... + theta_t, t = 0..T. */
  readonly thetaCumsum: Float64Array;
  /** sigmaBar_t = lambda sqrt(1 - exp(-2 Theta_t dt)): standard deviation of x_t given x0, t = 0..T. */
  readonly sigmaBar: Float64Array;

  constructor(config: SdeConfig) {
    checkConfig(config);
    this.config = config;
    this.T = config.T;
    this.lambda = config.maxSigma / 255;
    this.theta = scheduleRates(config.schedule, config.T);
    this.sigma = this.theta.map((theta) => this.lambda * Math.sqrt(2 * theta));
    this.thetaCumsum = new Float64Array(config.T + 1);
    let total = 0;
    for (let t = 1; t <= config.T; t++) {
      total += this.theta[t] as number;
      this.thetaCumsum[t] = total;
    }
    this.dt = -Math.log(config.eps) / total;
    // expm1 keeps the digits that 1 - exp(-2 Theta dt) would lose in the first steps.
    this.sigmaBar = this.thetaCumsum.map((sum) => this.lambda * Math.sqrt(-Math.expm1(-2 * sum * this.dt)));
  }

  /** (Theta_t - Theta_r) dt, the integral of theta over the steps from r to t, r <= t; theta_t dt when r = t - 1. */
  elapsed(t: number, r = 0): number {
    return (this.#at(this.thetaCumsum, t) - this.#at(this.thetaCumsum, r)) * this.dt;
  }

  /** alpha_t = exp(-Theta_t dt): the share of x0 - mu in the mean of x_t. */
  alpha(t: number): number {
    return Math.exp(-this.elapsed(t));
  }

  /** sigmaBar_t as a checked look-up. */
  std(t: number): number {
    return this.#at(this.sigmaBar, t);
  }

  /** l_t = ln(alpha_t / sigmaBar_t), half the log signal-to-noise ratio; infinite at t = 0. */
  logSnr(t: number): number {
    return -this.elapsed(t) - Math.log(this.std(t));
  }

  /** x_T = mu + lambda z, z ~ N(0, I): where sampling starts. */
  initialState(): Weights<'mu' | 'z'> {
    return { mu: 1, z: this.lambda };
  }

  /** Mean of x_t given x0: mu + (x0 - mu) alpha_t. */
  muBar(t: number): Weights<'x0' | 'mu'> {
    const alpha = this.alpha(t);
    return { x0: alpha, mu: 1 - alpha };
  }

  /** x_t = muBar_t + sigmaBar_t noise: the state at t in closed form. */
  marginal(t: number): Weights<'x0' | 'mu' | 'noise'> {
    return { ...this.muBar(t), noise: this.std(t) };
  }

  /** noise = (x_t - muBar_t(x0)) / sigmaBar_t, t >= 1. */
  noiseFromX0(t: number): Weights<'x' | 'mu' | 'x0'> {
    const { x0, mu } = this.muBar(t);
    const std = this.std(this.#step(t));
    return { x: 1 / std, mu: -mu / std, x0: -x0 / std };
  }

  /**
   * x0 = (x_t - mu - sigmaBar_t noise) exp(Theta_t dt) + mu. The factor is 1/eps at t = T (200 for the paper's eps): an
   * error of the noise estimate is amplified by it.
   */
  x0FromNoise(t: number): Weights<'x' | 'mu' | 'noise'> {
    const gain = 1 / this.alpha(t);
    return { x: gain, mu: 1 - gain, noise: -gain * this.std(t) };
  }

  /** score = d/dx ln p(x_t | x0) = -noise / sigmaBar_t, t >= 1. */
  scoreFromNoise(t: number): Weights<'noise'> {
    return { noise: -1 / this.std(this.#step(t)) };
  }

  /**
   * Mean of the reverse SDE after one Euler step from t to r < t: x_t - [theta_t (mu - x_t) - sigma_t^2 score] dt, where
   * theta_t dt is the integral `elapsed(t, r)` (so sigma_t^2 dt = 2 lambda^2 elapsed(t, r)) when r < t - 1.
   */
  sdeReverseMean(t: number, r = t - 1): Weights<'x' | 'mu' | 'score'> {
    const h = this.elapsed(this.#step(t), r);
    return { x: 1 + h, mu: -h, score: 2 * this.lambda ** 2 * h };
  }

  /** Standard deviation of the noise that the reverse SDE adds in an Euler step: sigma_t sqrt(dt), integrated as above. */
  dispersionStd(t: number, r = t - 1): number {
    return this.lambda * Math.sqrt(2 * this.elapsed(this.#step(t), r));
  }

  /** One Euler step of the probability-flow ODE: x_t - [theta_t (mu - x_t) - sigma_t^2 score / 2] dt, integrated as above. */
  odeReverse(t: number, r = t - 1): Weights<'x' | 'mu' | 'score'> {
    const h = this.elapsed(this.#step(t), r);
    return { x: 1 + h, mu: -h, score: this.lambda ** 2 * h };
  }

  /**
   * Mean of x_r given x_t and x0, r < t; the most likely reverse path:
   * A (1 - C^2)/(1 - B^2) (x_t - mu) + C (1 - A^2)/(1 - B^2) (x0 - mu) + mu,
   * A = exp(-elapsed(t, r)), B = alpha_t, C = alpha_r. At r = 0 it is x0.
   */
  optimum(t: number, r = t - 1): Weights<'x' | 'x0' | 'mu'> {
    const { A2, B2, C2 } = this.#posteriorVariances(t, r);
    const x = (Math.exp(-this.elapsed(t, r)) * C2) / B2;
    const x0 = (this.alpha(r) * A2) / B2;
    return { x, x0, mu: 1 - x - x0 };
  }

  /** Standard deviation of x_r given x_t and x0: lambda sqrt((1 - A^2)(1 - C^2)/(1 - B^2)); 0 at r = 0. */
  posteriorStd(t: number, r = t - 1): number {
    const { A2, B2, C2 } = this.#posteriorVariances(t, r);
    return this.lambda * Math.sqrt((A2 * C2) / B2);
  }

  /** 1 - A^2, 1 - B^2 and 1 - C^2 of the two formulas above. */
  #posteriorVariances(t: number, r: number): { A2: number; B2: number; C2: number } {
    const variance = (elapsed: number) => -Math.expm1(-2 * elapsed);
    return {
      A2: variance(this.elapsed(this.#step(t), r)),
      B2: variance(this.elapsed(t)),
      C2: variance(this.elapsed(r)),
    };
  }

  #step(t: number): number {
    if (t === 0) throw new ClearwordError('INVALID_OPTION', `expected an integer in 1..${this.T} for t, received 0`);
    return t;
  }

  #at(table: Float64Array, t: number): number {
    const value = table[t];
    if (value === undefined) {
      throw new ClearwordError('INVALID_OPTION', `expected an integer in 0..${this.T} for t, received ${t}`);
    }
    return value;
  }
}

function checkConfig({ schedule, T, maxSigma, eps }: SdeConfig): void {
  check(SCHEDULES.includes(schedule), `one of ${SCHEDULES.join(', ')}`, 'schedule', schedule);
  check(Number.isInteger(T) && T >= 1 && T <= MAX_STEPS, `an integer in 1..${MAX_STEPS}`, 'T', T);
  check(
    Number.isFinite(maxSigma) && maxSigma > 0 && maxSigma <= 255,
    'a number above 0 and at most 255',
    'maxSigma',
    maxSigma,
  );
  check(Number.isFinite(eps) && eps > 0 && eps < 1, 'a number between 0 and 1', 'eps', eps);
}

function check(holds: boolean, expected: string, name: string, received: unknown): void {
  if (holds) return;
  throw new ClearwordError('INVALID_OPTION', `expected ${expected} for sde.${name}, received ${String(received)}`);
}
