import { weightedSum } from '../weighted-sum.ts';
import { type Sampler, walk } from './sampler.ts';

/**
 * MaRS, reverse SDE, order 1 (arXiv 2502.07856): the linear part is solved exactly, x0_hat is held over the step. With
 * alpha = exp(-Theta dt), sigma = sigmaBar, l = ln(alpha/sigma), h = l_r - l_t:
 *
 *   x_r = (sigma_r/sigma_t) e^-h x_t + alpha_r (1 - e^-2h) x0_hat + sigma_r sqrt(1 - e^-2h) z
 *         + [1 - (alpha_r/alpha_t) e^-2h - alpha_r (1 - e^-2h)] mu
 *
 * It is the posterior sampler written in l, and equal to it for every t and r. At r = 0, sigma_r = 0 and h is infinite:
 * the last step returns x0_hat.
 */
export const marsSde1: Sampler = (run) =>
  walk(run, ({ sde, x, mu, x0, t, r, z }) => {
    const h = sde.logSnr(r) - sde.logSnr(t);
    const renewed = -Math.expm1(-2 * h);
    const mean = {
      x: (sde.std(r) / sde.std(t)) * Math.exp(-h),
      x0: sde.alpha(r) * renewed,
      mu: 1 - (sde.alpha(r) / sde.alpha(t)) * Math.exp(-2 * h) - sde.alpha(r) * renewed,
    };
    if (r === 0) return weightedSum(mean, { x, x0, mu });
    return weightedSum({ ...mean, z: sde.std(r) * Math.sqrt(renewed) }, { x, x0, mu, z: z() });
  });
