/**
 * Pooling as compositions of slices, for the networks that measure pictures. They only run forward and rarely, so that an
 * operator of its own with a gradient would be more than is needed.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';

export interface PoolOptions {
  readonly kernel: number;
  readonly stride: number;
  readonly padding?: number;
  /** Also windows that reach beyond the end, as PyTorch's ceil_mode: they begin inside the input. */
  readonly ceil?: boolean;
}

/** Number of windows along an axis of `size`, PyTorch's rule. */
function windows(size: number, { kernel, stride, padding = 0, ceil = false }: PoolOptions): number {
  const free = size + 2 * padding - kernel;
  const count = (ceil ? Math.ceil(free / stride) : Math.floor(free / stride)) + 1;
  return ceil && (count - 1) * stride >= size + padding ? count - 1 : count;
}

/** The `kernel` shifted views of one axis, each with one value for every window. */
function views(x: Tensor, axis: number, count: number, { kernel, stride }: PoolOptions): Tensor[] {
  return Array.from({ length: kernel }, (_, i) => f.slice(x, axis, i, i + (count - 1) * stride + 1, stride));
}

/**
 * Largest value of each window, x [N,C,H,W] -> [N,C,H',W'].
 *
 * What lies beyond the edge repeats it: the edge is in every window that reaches beyond, so that no maximum changes
 * (which holds while the padding is smaller than the kernel, as everywhere here).
 */
export function maxPool(x: Tensor, options: PoolOptions): Tensor {
  const { kernel, stride, padding = 0 } = options;
  return [2, 3].reduce((input, axis) => {
    const size = dim(input.shape, axis);
    const count = windows(size, options);
    const after = Math.max(0, (count - 1) * stride + kernel - size - padding);
    const at = (pixels: number) => [0, 1, 2, 3].map((other) => (other === axis ? pixels : 0));
    const padded = f.pad(input, at(padding), at(after), 'edge');
    return views(padded, axis, count, options).reduce((a, b) => f.maximum(a, b));
  }, x);
}

/** Number of places of each window along an axis that lie inside the input. */
function insideCounts(size: number, count: number, { kernel, stride, padding = 0 }: PoolOptions): number[] {
  return Array.from({ length: count }, (_, i) => {
    const start = i * stride - padding;
    return Math.min(start + kernel, size) - Math.max(start, 0);
  });
}

/** Mean of the places of each window that lie inside x [N,C,H,W] (PyTorch's count_include_pad=False). */
export function averagePool(x: Tensor, options: PoolOptions): Tensor {
  const { padding = 0 } = options;
  return [2, 3].reduce((input, axis) => {
    const size = dim(input.shape, axis);
    const count = windows(size, options);
    const margin = [0, 1, 2, 3].map((other) => (other === axis ? padding : 0));
    const padded = f.pad(input, margin, margin);
    const sum = views(padded, axis, count, options).reduce((a, b) => f.add(a, b));
    const weights = Float32Array.from(insideCounts(size, count, options), (inside) => 1 / inside);
    return f.mul(sum, x.graph.constant(weights, axis === 2 ? [1, 1, count, 1] : [1, 1, 1, count], 'float32'));
  }, x);
}
