/**
 * The asymmetric generalised Gaussian distribution, fitted by moments.
 *
 * @module
 */

/** Gamma function for x > 0: recurrence up to 10, then Stirling's series (relative error below 1e-12). */
export function gamma(x: number): number {
  let shift = 1;
  let z = x;
  while (z < 10) shift *= z++;
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1260 * z ** 5) - 1 / (1680 * z ** 7);
  return Math.exp((z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series) / shift;
}

/** Shapes that are looked through, as the authors do. */
const LEAST_SHAPE = 0.2;
const MOST_SHAPE = 10;
const SHAPE_STEP = 0.001;
/** Gamma(2/a)^2 / (Gamma(1/a) Gamma(3/a)) of each shape a: E|x|^2 / E x^2 of the symmetric distribution; it rises with a. */
const RATIOS = Float64Array.from({ length: Math.round((MOST_SHAPE - LEAST_SHAPE) / SHAPE_STEP) + 1 }, (_, i) => {
  const shape = LEAST_SHAPE + SHAPE_STEP * i;
  return gamma(2 / shape) ** 2 / (gamma(1 / shape) * gamma(3 / shape));
});

function shapeOf(ratio: number): number {
  let [low, high] = [0, RATIOS.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((RATIOS[middle] as number) < ratio) low = middle;
    else high = middle;
  }
  const nearest = Math.abs((RATIOS[low] as number) - ratio) <= Math.abs((RATIOS[high] as number) - ratio) ? low : high;
  return LEAST_SHAPE + SHAPE_STEP * nearest;
}

export interface GeneralisedGaussian {
  /** 2 for a Gaussian, 1 for a Laplacian; 0.2..10. */
  readonly shape: number;
  /** Scales of the two sides, in the unit of the values. */
  readonly left: number;
  readonly right: number;
  /** E x = (right - left) Gamma(2/a) / Gamma(1/a). */
  readonly mean: number;
}

/**
 * Moment estimate. With the root mean squares s_l, s_r of the two sides, g = s_l / s_r and r = E|x|^2 / E x^2, the shape a
 * solves Gamma(2/a)^2 / (Gamma(1/a) Gamma(3/a)) = r (g^3 + 1)(g + 1) / (g^2 + 1)^2; the scales are
 * s (Gamma(1/a) / Gamma(3/a))^1/2.
 *
 * Lasmar, Stitou, Berthoumieu: Multiscale skewed heavy tailed model for texture analysis. ICIP 2009.
 */
export function fitGeneralisedGaussian(values: Float64Array): GeneralisedGaussian {
  let [negative, negatives, positive, positives, absolute] = [0, 0, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    absolute += Math.abs(value);
    if (value < 0) {
      negative += value * value;
      negatives++;
    } else if (value > 0) {
      positive += value * value;
      positives++;
    }
  }
  const left = Math.sqrt(negatives === 0 ? 0 : negative / negatives);
  const right = Math.sqrt(positives === 0 ? 0 : positive / positives);
  // A flat patch, or one-sided values, has no shape; the nearest end of the range stands for it.
  if (left === 0 || right === 0) return { shape: LEAST_SHAPE, left, right, mean: 0 };
  const g = left / right;
  const ratio = (absolute / values.length) ** 2 / ((negative + positive) / values.length);
  const shape = shapeOf((ratio * (g ** 3 + 1) * (g + 1)) / (g ** 2 + 1) ** 2);
  const scale = Math.sqrt(gamma(1 / shape) / gamma(3 / shape));
  return {
    shape,
    left: left * scale,
    right: right * scale,
    mean: ((right - left) * scale * gamma(2 / shape)) / gamma(1 / shape),
  };
}
