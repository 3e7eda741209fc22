/**
 * Layers without parameters, losses, and compositions of operators that several networks share.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';

/** [N,C,H,W] -> [N,H,W,C]. */
export const channelsLast = (x: Tensor): Tensor => f.transpose(x, [0, 2, 3, 1]);
/** [N,H,W,C] -> [N,C,H,W]. */
export const channelsFirst = (x: Tensor): Tensor => f.transpose(x, [0, 3, 1, 2]);

/**
 * Group normalisation over [C/groups,H,W] of x [N,C,H,W], with scale and bias [C].
 * Wu and He 2018; biased variance, as PyTorch.
 */
export function groupNorm(x: Tensor, scale: Tensor, bias: Tensor, groups: number, epsilon: number): Tensor {
  const [n, c] = [dim(x.shape, 0), dim(x.shape, 1)];
  const rows = f.reshape(x, [n, groups, -1]);
  const centred = f.sub(rows, f.reduceMean(rows, [-1], true));
  const variance = f.reduceMean(f.square(centred), [-1], true);
  const normal = f.reshape(f.div(centred, f.sqrt(f.add(variance, epsilon))), x.shape);
  return f.add(f.mul(normal, f.reshape(scale, [c, 1, 1])), f.reshape(bias, [c, 1, 1]));
}

/**
 * The factor of global response normalisation: 1 + gamma G / (mean_c G + 1e-6), where G is the L2 norm of each channel over
 * space. GRN(v) = v factor + beta (ConvNeXt V2, Woo et al. 2023).
 *
 * A tiny constant under the root keeps the gradient finite where a channel is zero everywhere.
 *
 * @param energy G^2, [...,C]
 */
export function grnFactor(energy: Tensor, gamma: Tensor): Tensor {
  const norm = f.sqrt(f.add(energy, 1e-12));
  const relative = f.div(norm, f.add(f.reduceMean(norm, [-1], true), 1e-6));
  return f.add(f.mul(gamma, relative), 1);
}

/** GRN(v) = gamma (v N) + beta + v for v [N,H,W,C], gamma and beta [1,1,1,C]. */
export const grn = (v: Tensor, gamma: Tensor, beta: Tensor): Tensor =>
  f.add(f.mul(v, grnFactor(f.reduceSum(f.square(v), [1, 2], true), gamma)), beta);

/** Rows of x [M,...], each K times in a row: [M K,...]. */
export function repeatRows(x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [rows, ...rest] = x.shape as [number, ...number[]];
  return f.reshape(f.expand(f.reshape(x, [rows, 1, ...rest]), [rows, times, ...rest]), [rows * times, ...rest]);
}

/** x / |x| along the last axis. */
export function l2Normalise(x: Tensor): Tensor {
  return f.div(x, f.sqrt(f.add(f.reduceSum(f.square(x), [-1], true), 1e-12)));
}

/**
 * Sinusoidal embedding of steps t [N] -> [N,dim]: sin and then cos of t exp(-ln(10000) i / (dim/2 - 1)), i < dim/2.
 */
export function sinusoidalEmbedding(t: Tensor, width: number): Tensor {
  const half = width / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) => Math.exp((-Math.log(10000) * i) / (half - 1)));
  const angles = f.mul(f.reshape(t, [-1, 1]), t.graph.constant(frequencies, [1, half], 'float32'));
  return f.concat([f.sin(angles), f.cos(angles)], 1);
}

/** softmax(q k^T / sqrt(d) + mask) v for q [..,L,d], k and v [..,S,d]; mask broadcasts to [..,L,S]. */
export function attention(q: Tensor, k: Tensor, v: Tensor, mask?: Tensor): Tensor {
  const rank = k.shape.length;
  const perm = k.shape.map((_, axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis));
  const scores = f.mul(f.matMul(q, f.transpose(k, perm)), dim(q.shape, -1) ** -0.5);
  return f.matMul(f.softmax(mask ? f.add(scores, mask) : scores), v);
}

/** [N,L,heads d] -> [N,heads,L,d]. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [n, length, features] = [dim(x.shape, 0), dim(x.shape, 1), dim(x.shape, 2)];
  return f.transpose(f.reshape(x, [n, length, heads, features / heads]), [0, 2, 1, 3]);
}

/** [N,heads,L,d] -> [N,L,heads d]. */
export function mergeHeads(x: Tensor): Tensor {
  const [n, , length] = [dim(x.shape, 0), dim(x.shape, 1), dim(x.shape, 2)];
  return f.reshape(f.transpose(x, [0, 2, 1, 3]), [n, length, -1]);
}

/** Mean of (a - b)^2 in each sample, [N]. */
export const sampleErrors = (a: Tensor, b: Tensor): Tensor =>
  f.reduceMean(f.reshape(f.square(f.sub(a, b)), [dim(a.shape, 0), -1]), [1]);

/** mean |a - b|. */
export const l1Loss = (a: Tensor, b: Tensor): Tensor => f.reduceMean(f.abs(f.sub(a, b)));
/** mean (a - b)^2. */
export const l2Loss = (a: Tensor, b: Tensor): Tensor => f.reduceMean(f.square(f.sub(a, b)));
/** mean sqrt((a - b)^2 + epsilon^2) (Charbonnier et al. 1994). */
export const charbonnierLoss = (a: Tensor, b: Tensor, epsilon = 1e-3): Tensor =>
  f.reduceMean(f.sqrt(f.add(f.square(f.sub(a, b)), epsilon * epsilon)));

/**
 * Mean over the samples of ln sqrt(mean (a - b)^2 + epsilon^2): a sample's PSNR for values in 0..1, up to sign and unit.
 *
 * Each sample pulls as hard as its error is relative to what it has left, so that fine errors (a clean photo, thin rain)
 * are not drowned by coarse ones (dense haze), and every decibel counts alike. Below epsilon a sample stops pulling.
 */
export function psnrLoss(a: Tensor, b: Tensor, epsilon = 5e-3): Tensor {
  return f.mul(f.reduceMean(f.log(f.add(sampleErrors(a, b), epsilon * epsilon))), 0.5);
}

/** Mean cross-entropy of logits [N,K] with target distributions [N,K] (rows sum to 1). */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  const n = dim(logits.shape, 0);
  return f.mul(f.reduceSum(f.mul(targets, f.logSoftmax(logits))), -1 / n);
}

/**
 * Mean binary cross-entropy of logits with targets in 0..1: max(x,0) - x y + log(1 + exp(-|x|)), which never overflows.
 *
 * max(x,0) is written (|x| + x) / 2: its kink at 0, like that of the last term, then has the derivative in the middle, and
 * an undecided logit gets its gradient 1/2 - y.
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  const magnitude = f.abs(logits);
  const tail = f.log(f.add(f.exp(f.neg(magnitude)), 1));
  const linear = f.mul(logits, f.sub(0.5, targets));
  return f.reduceMean(f.add(f.add(f.mul(magnitude, 0.5), linear), tail));
}

/**
 * Pads x [N,C,H,W] by reflection on the right and bottom to multiples of `multiple`. Where the margin is as wide as the
 * picture, reflection has nothing left to mirror and the edge is repeated instead.
 */
export function padToMultiple(x: Tensor, multiple: number): Tensor {
  const margin = (size: number) => (multiple - (size % multiple)) % multiple;
  let result = x;
  for (const axis of [2, 3]) {
    const size = dim(x.shape, axis);
    const after = x.shape.map((_, i) => (i === axis ? margin(size) : 0));
    result = f.pad(result, [0, 0, 0, 0], after, margin(size) < size ? 'reflect' : 'edge');
  }
  return result;
}

/** The top-left [N,C,height,width] of x. */
export const cropTo = (x: Tensor, height: number, width: number): Tensor => {
  const rows = dim(x.shape, 2) === height ? x : f.slice(x, 2, 0, height);
  return dim(rows.shape, 3) === width ? rows : f.slice(rows, 3, 0, width);
};
