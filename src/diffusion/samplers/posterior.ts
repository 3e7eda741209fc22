import { weightedSum } from '../weighted-sum.ts';
import { type Sampler, walk } from './sampler.ts';

/**
 * Draws x_r from its distribution given x_t and x0 = x0_hat, weak order 1:
 *
 *   x_r = optimum(x_t, x0_hat) + posteriorStd z
 *
 * The last step, r = 0, returns x0_hat.
 */
export const posterior: Sampler = (run) =>
  walk(run, ({ sde, x, mu, x0, t, r, z }) => {
    const optimum = sde.optimum(t, r);
    if (r === 0) return weightedSum(optimum, { x, mu, x0 });
    return weightedSum({ ...optimum, z: sde.posteriorStd(t, r) }, { x, mu, x0, z: z() });
  });
