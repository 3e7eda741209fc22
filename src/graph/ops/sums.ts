/**
 * Sums for gradients.
 *
 * @module
 */
import * as f from '../functions.ts';
import { dim, type Tensor } from '../tensor.ts';

/** Sum over ascending axes, which stay as ones. */
export function sumOver(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : f.reduceSum(x, axes, true);
}

/** Sum of the rows of x [...,C], each times its weight [...,1] -> [1,C]. */
export function sumOfRows(x: Tensor, weights: Tensor): Tensor {
  return f.matMul(f.reshape(weights, [1, -1]), f.reshape(x, [-1, dim(x.shape, -1)]));
}
