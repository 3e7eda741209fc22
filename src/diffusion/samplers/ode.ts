import { weightedSum } from '../weighted-sum.ts';
import { type Sampler, walk } from './sampler.ts';

/**
 * The probability-flow ODE by Euler's method, order 1; the only chance is in the initial state:
 *
 *   x_r = x_t - [theta_t (mu - x_t) - sigma_t^2 score / 2] dt
 *
 * with theta_t dt integrated from r to t when a step spans several times. With few steps mars-ode-1 is more accurate,
 * because it solves the linear part exactly.
 */
export const ode: Sampler = (run) =>
  walk(run, ({ sde, x, mu, noise, t, r }) => {
    const score = weightedSum(sde.scoreFromNoise(t), { noise });
    return weightedSum(sde.odeReverse(t, r), { x, mu, score });
  });
