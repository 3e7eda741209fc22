import { weightedSum } from '../weighted-sum.ts';
import { type Sampler, walk } from './sampler.ts';

/**
 * MaRS, probability-flow ODE, order 2, multistep (arXiv 2502.07856): `marsOde1` with x0_hat extrapolated along l from the
 * step before, at no further call of the network. It adds
 *
 *   alpha_r ((e^-h - 1)/h + 1) D,   D = (x0_hat - previous x0_hat) h / h_previous
 *
 * The first step has no predecessor and is of order 1, which costs no order overall. At r = 0 h is infinite: the last step
 * returns x0_hat.
 */
export const marsOde2: Sampler = (run) => {
  let previous: { x0: Float32Array; h: number } | undefined;
  return walk(run, ({ sde, x, mu, x0, t, r }) => {
    const ratio = sde.std(r) / sde.std(t);
    const h = sde.logSnr(r) - sde.logSnr(t);
    const order1 = {
      x: ratio,
      x0: -sde.alpha(r) * Math.expm1(-h),
      mu: 1 - ratio + sde.alpha(t) * ratio - sde.alpha(r),
    };
    if (previous === undefined || r === 0) {
      previous = { x0, h };
      return weightedSum(order1, { x, x0, mu });
    }
    const slope = (sde.alpha(r) * (Math.expm1(-h) + h)) / previous.h;
    const pictures = { x, x0, mu, previous: previous.x0 };
    previous = { x0, h };
    return weightedSum({ ...order1, x0: order1.x0 + slope, previous: -slope }, pictures);
  });
};
