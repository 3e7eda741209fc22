import { weightedSum } from '../weighted-sum.ts';
import { type Sampler, walk } from './sampler.ts';

/**
 * The reverse SDE by Euler-Maruyama, the paper's sampler; weak order 1:
 *
 *   x_r = x_t - [theta_t (mu - x_t) - sigma_t^2 score] dt - sigma_t sqrt(dt) z
 *
 * with theta_t dt integrated from r to t when a step spans several times. It adds noise in its last step too, as the
 * paper's does. Meant for T steps: over a span with (Theta_t - Theta_r) dt near 1 and above it overshoots, and one of the
 * MaRS samplers serves better.
 */
export const eulerMaruyama: Sampler = (run) =>
  walk(run, ({ sde, x, mu, noise, t, r, z }) => {
    const score = weightedSum(sde.scoreFromNoise(t), { noise });
    return weightedSum({ ...sde.sdeReverseMean(t, r), z: -sde.dispersionStd(t, r) }, { x, mu, score, z: z() });
  });
