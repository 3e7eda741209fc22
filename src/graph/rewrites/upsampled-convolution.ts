/**
 * A convolution over a map that was doubled, as four over the map itself.
 *
 * @module
 */
import * as f from '../functions.ts';
import { asOp, type RewriteRule } from '../rewrite.ts';
import { dim, type Node, type Tensor } from '../tensor.ts';

/** Side of the kernels that this is about. */
const KERNEL = 3;

/** Whether the convolution keeps the size of its map. */
function keepsSize({ inputs, attributes: { strides, pads, group } }: Node<'conv'>): boolean {
  const sides = (inputs[1] as Tensor).shape.slice(2);
  const ones = [...strides, ...pads, group].every((value) => value === 1);
  return ones && sides.every((side) => side === KERNEL);
}

/**
 * What a kernel [O,C,3,..] is along an axis for the even (phase 0) or odd places of a doubled map: [O,C,2,..]. An even place
 * sees its left neighbour's value once and its own twice, an odd one its own twice and its right neighbour's once.
 */
function folded(weight: Tensor, axis: number, phase: number): Tensor {
  const tap = (k: number) => f.slice(weight, axis, k, k + 1);
  const taps = phase === 0 ? [tap(0), f.add(tap(1), tap(2))] : [f.add(tap(0), tap(1)), tap(2)];
  return f.concat(taps, axis);
}

/**
 *   y[2i + a, 2j + b] = (W_ab * x)[i, j]:  conv3x3(upsample(x)) in 4 / 9 of the operations
 *
 * Each value of the doubled map stands in four places, so that taps of the kernel meet equal values and can be added first.
 */
export const upsampledConvolution: RewriteRule = (node, { producer, uses, written }) => {
  const conv = asOp(node, 'conv');
  const [map, weights, bias] = conv?.inputs ?? [];
  if (!conv || !map || !weights || uses(map) !== 1 || !keepsSize(conv)) return undefined;
  const doubled = asOp(producer(map), 'upsampleNearest');
  const [source] = doubled?.inputs ?? [];
  if (!source || doubled?.attributes.scale !== 2) return undefined;
  const [n, , h, w] = source.shape as [number, number, number, number];
  const o = dim(weights.shape, 0);
  const phases = [0, 1].flatMap((a) =>
    [0, 1].map((b) => {
      const weight = folded(folded(written(weights), 2, a), 3, b);
      const padding = [1 - a, 1 - b, a, b] as const;
      const y = f.conv(written(source), weight, bias && written(bias), { padding });
      return f.reshape(y, [n, o, 1, h, w]);
    }),
  );
  return f.depthToSpace(f.reshape(f.concat(phases, 2), [n, 4 * o, h, w]), 2);
};
