import { weightedSum } from '../weighted-sum.ts';
import { type Sampler, walk } from './sampler.ts';

/**
 * MaRS, probability-flow ODE, order 1 (arXiv 2502.07856): the linear part is solved exactly and x0_hat is held over the
 * step. With alpha = exp(-Theta dt), sigma = sigmaBar, l = ln(alpha/sigma), h = l_r - l_t:
 *
 *   x_r = (sigma_r/sigma_t) x_t + alpha_r (1 - e^-h) x0_hat + [1 - sigma_r/sigma_t + alpha_t sigma_r/sigma_t - alpha_r] mu
 *
 * At r = 0, sigma_r = 0 and h is infinite: the last step returns x0_hat.
 */
export const marsOde1: Sampler = (run) =>
  walk(run, ({ sde, x, mu, x0, t, r }) => {
    const ratio = sde.std(r) / sde.std(t);
    const h = sde.logSnr(r) - sde.logSnr(t);
    return weightedSum(
      {
        x: ratio,
        x0: -sde.alpha(r) * Math.expm1(-h),
        mu: 1 - ratio + sde.alpha(t) * ratio - sde.alpha(r),
      },
      { x, x0, mu },
    );
  });
