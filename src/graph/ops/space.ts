/**
 * Operators that trade channels for space.
 *
 * @module
 */
import * as f from '../functions.ts';
import { dim, formatShape, type Tensor } from '../tensor.ts';
import { at, expectCount, type Fail, type OpRecord, onnxNode } from './record.ts';

function image(inputs: readonly Tensor[], fail: Fail): readonly [Tensor, number, number, number, number] {
  expectCount(inputs, [1], fail);
  const x = at(inputs, 0);
  if (x.shape.length !== 4) fail('x', 'rank 4', formatShape(x.shape));
  return [x, dim(x.shape, 0), dim(x.shape, 1), dim(x.shape, 2), dim(x.shape, 3)];
}

export const space: { readonly [K in 'depthToSpace' | 'spaceToDepth' | 'upsampleNearest']: OpRecord<K> } = {
  depthToSpace: {
    infer(inputs, { block }, fail) {
      const [x, n, c, h, w] = image(inputs, fail);
      if (c % (block * block) !== 0) fail('x', `channels a multiple of ${block * block}`, formatShape(x.shape));
      return [{ shape: [n, c / (block * block), h * block, w * block], dtype: x.dtype }];
    },
    // CRD is PyTorch's channel order.
    emit: (node) => onnxNode('DepthToSpace', node, { blocksize: node.attributes.block, mode: 'CRD' }),
    gradient: ({ gradient, attributes: { block } }) => [f.spaceToDepth(gradient, block)],
  },
  spaceToDepth: {
    infer(inputs, { block }, fail) {
      const [x, n, c, h, w] = image(inputs, fail);
      if (h % block !== 0 || w % block !== 0) fail('x', `height and width multiples of ${block}`, formatShape(x.shape));
      return [{ shape: [n, c * block * block, h / block, w / block], dtype: x.dtype }];
    },
    // ONNX's SpaceToDepth puts the place in the block before the channel; PyTorch's order needs the transpose itself.
    emit(node, emitter) {
      const { block } = node.attributes;
      const [n, c, h, w] = at(node.inputs, 0).shape as [number, number, number, number];
      const [blocks, ordered] = [emitter.temporary(), emitter.temporary()];
      return [
        {
          type: 'Reshape',
          inputs: [at(node.inputs, 0).name, emitter.ints([n, c, h / block, block, w / block, block])],
          outputs: [blocks],
        },
        { type: 'Transpose', inputs: [blocks], outputs: [ordered], attributes: { perm: [0, 1, 3, 5, 2, 4] } },
        {
          type: 'Reshape',
          inputs: [ordered, emitter.ints(at(node.outputs, 0).shape)],
          outputs: [at(node.outputs, 0).name],
        },
      ];
    },
    gradient: ({ gradient, attributes: { block } }) => [f.depthToSpace(gradient, block)],
  },
  upsampleNearest: {
    infer(inputs, { scale }, fail) {
      const [x, n, c, h, w] = image(inputs, fail);
      if (!Number.isInteger(scale) || scale < 1) fail('scale', 'a whole number of 1 or more', `${scale}`);
      return [{ shape: [n, c, h * scale, w * scale], dtype: x.dtype }];
    },
    emit(node, emitter) {
      const sizes = emitter.ints(at(node.outputs, 0).shape);
      return [
        {
          type: 'Resize',
          inputs: [at(node.inputs, 0).name, '', '', sizes],
          outputs: [at(node.outputs, 0).name],
          attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
        },
      ];
    },
    gradient({ gradient, inputs, attributes: { scale } }) {
      const [n, c, h, w] = at(inputs, 0).shape as [number, number, number, number];
      return [f.reduceSum(f.reshape(gradient, [n, c, h, scale, w, scale]), [3, 5])];
    },
  },
};
