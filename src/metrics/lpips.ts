/**
 * Learned perceptual image patch similarity, version 0.1.
 *
 * Zhang, Isola, Efros, Shechtman, Wang: The unreasonable effectiveness of deep features as a perceptual metric. CVPR 2018.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import { alexnet, type Backbone, squeezenet, vgg16 } from './backbones/classifiers.ts';

export const LPIPS_NETWORKS = ['alex', 'squeeze', 'vgg'] as const;
export type LpipsNetwork = (typeof LPIPS_NETWORKS)[number];

const backbones: Readonly<Record<LpipsNetwork, Backbone>> = { alex: alexnet, squeeze: squeezenet, vgg: vgg16 };

/** Smallest side of a picture, in pixels, that leaves every feature map at least one place. */
export const LPIPS_LEAST_SIDE: Readonly<Record<LpipsNetwork, number>> = { alex: 31, squeeze: 17, vgg: 16 };

/** ImageNet's mean and standard deviation as they are for pictures in -1..1, rounded as the authors' code has them. */
const SHIFT = [-0.03, -0.088, -0.188];
const SCALE = [0.458, 0.448, 0.45];
const EPSILON = 1e-10;

/** v / (|v| + 1e-10) over the channels of [N,C,H,W]. */
function unitLength(features: Tensor): Tensor {
  return f.div(features, f.add(f.sqrt(f.reduceSum(f.square(features), [1], true)), EPSILON));
}

/**
 * Distance of pictures a and b [N,3,H,W] in -1..1, [N]; 0 for equal pictures, typically below 1:
 *
 *   d = sum over layers l of mean over places of sum over channels c of w_lc (a_lc - b_lc)^2
 *
 * with features a_l, b_l of unit length at every place, and the learned linear weights w_l, `lin<l>.model.1.weight`.
 */
export function lpips(a: Tensor, b: Tensor, network: LpipsNetwork): Tensor {
  const { graph } = a;
  const n = dim(a.shape, 0);
  const constant = (values: readonly number[]) => graph.constant(Float32Array.from(values), [1, 3, 1, 1], 'float32');
  // Both pictures in one pass.
  const pair = f.div(f.sub(f.concat([a, b], 0), constant(SHIFT)), constant(SCALE));
  const distances = backbones[network](pair).map((features, layer) => {
    const [first, second] = f.split(unitLength(features), 0, [n, n]) as [Tensor, Tensor];
    const c = dim(features.shape, 1);
    const weight = graph.parameter(`lin${layer}.model.1.weight`, [1, c, 1, 1], { kind: 'ones' });
    return f.reduceMean(f.reduceSum(f.mul(f.square(f.sub(first, second)), weight), [1]), [1, 2]);
  });
  return distances.reduce((sum, distance) => f.add(sum, distance));
}
