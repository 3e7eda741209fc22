/**
 * A convolution over maps that were joined, as a sum of convolutions.
 *
 * @module
 */
import * as f from '../functions.ts';
import { asOp, type RewriteRule, type Rewriting } from '../rewrite.ts';
import { dim, type Node, type Tensor } from '../tensor.ts';

/** The runtime packs channels in blocks of 8 or 16; a part of other size would cost it a copy. */
const BLOCK = 16;

/** The concatenation along the channels that a convolution reads, where both can be taken apart. */
function joined(node: Node<'conv'> | undefined, { producer }: Rewriting): Node<'concat'> | undefined {
  const [x] = node?.inputs ?? [];
  if (!node || !x || node.attributes.group !== 1) return undefined;
  const concat = asOp(producer(x), 'concat');
  const fits = concat?.attributes.axis === 1 && concat.inputs.every(({ shape }) => dim(shape, 1) % BLOCK === 0);
  return fits ? concat : undefined;
}

/** conv(x_i, W_i) for each part, the bias with the first. */
function parts(node: Node<'conv'>, concat: Node<'concat'>, { written }: Rewriting): Tensor[] {
  const [, weight, bias] = node.inputs.map(written) as [Tensor, Tensor, Tensor?];
  let channel = 0;
  return concat.inputs.map((input, i) => {
    const first = channel;
    channel += dim(input.shape, 1);
    const rows = f.slice(weight, 1, first, channel);
    const inputs = i === 0 && bias ? [written(input), rows, bias] : [written(input), rows];
    return weight.graph.apply('conv', inputs, node.attributes);
  });
}

/**
 *   W * [x_1 x_2 ...] = W_1 * x_1 + W_2 * x_2 + ...,  W_i: the part of W that belongs to the channels of x_i
 *
 * The joined map is never made, a convolution reads fewer channels at a time, which fit the processor's cache, and the
 * runtime adds within the next convolution. An addition of one more map a + W * [...] becomes a + W_1 * x_1 + ..., from left
 * to right, because a convolution can take up one addition only.
 */
export const joinedConvolution: RewriteRule = (node, rewriting) => {
  const { producer, uses, written } = rewriting;
  const conv = asOp(node, 'conv');
  const concat = joined(conv, rewriting);
  if (conv && concat) return parts(conv, concat, rewriting).reduce((sum, part) => f.add(sum, part));
  if (node.op !== 'add') return undefined;
  for (const [i, input] of node.inputs.entries()) {
    const added = asOp(producer(input), 'conv');
    const source = joined(added, rewriting);
    const other = node.inputs[1 - i];
    if (!added || !source || !other || uses(input) !== 1 || other.shape.length !== 4) continue;
    return parts(added, source, rewriting).reduce((sum, part) => f.add(sum, part), written(other));
  }
  return undefined;
};
