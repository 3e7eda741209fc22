/**
 * Matrix product.
 *
 * @module
 */
import * as f from '../functions.ts';
import { broadcastShapes, dim, formatShape, type Tensor } from '../tensor.ts';
import { at, expectCount, type OpRecord, onnxNode } from './record.ts';

/** Last two axes exchanged. */
function transposed(x: Tensor): Tensor {
  const rank = x.shape.length;
  const perm = x.shape.map((_, axis) => axis);
  perm[rank - 1] = rank - 2;
  perm[rank - 2] = rank - 1;
  return f.transpose(x, perm);
}

/** All leading axes as one: [...,M,K] -> [B M,K]. */
const flat = (x: Tensor): Tensor => f.reshape(x, [-1, dim(x.shape, -1)]);

export const linear: { readonly matMul: OpRecord<'matMul'> } = {
  matMul: {
    infer(inputs, _, fail) {
      expectCount(inputs, [2], fail);
      const [a, b] = [at(inputs, 0), at(inputs, 1)];
      if (a.dtype !== b.dtype) fail('b', a.dtype, b.dtype);
      if (a.shape.length < 2) fail('a', 'rank 2 or more', formatShape(a.shape));
      if (b.shape.length < 2) fail('b', 'rank 2 or more', formatShape(b.shape));
      if (dim(a.shape, -1) !== dim(b.shape, -2)) {
        fail('b', `[...,${dim(a.shape, -1)},N] to follow a ${formatShape(a.shape)}`, formatShape(b.shape));
      }
      const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
      if (!batch) return fail('b', `leading axes that broadcast with a ${formatShape(a.shape)}`, formatShape(b.shape));
      return [{ shape: [...batch, dim(a.shape, -2), dim(b.shape, -1)], dtype: a.dtype }];
    },
    emit: (node) => onnxNode('MatMul', node),
    // y = a b: da = g b^T, db = a^T g. Broadcast batch axes are summed by the walker, except where one operand is a plain
    // matrix: then rows of the batch are rows of one larger product, which needs no sum.
    gradient({ gradient: g, inputs, wanted }) {
      const [a, b] = [at(inputs, 0), at(inputs, 1)];
      const plainB = b.shape.length === 2 && a.shape.length > 2;
      return [
        wanted[0] ? f.matMul(g, transposed(b)) : undefined,
        wanted[1] ? (plainB ? f.matMul(transposed(flat(a)), flat(g)) : f.matMul(transposed(a), g)) : undefined,
      ];
    },
  },
};
