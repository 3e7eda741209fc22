/**
 * Convolution and its transpose; their gradients are in convolution-gradients.ts.
 *
 * @module
 */
import * as f from '../functions.ts';
import { dim, formatShape, type Tensor } from '../tensor.ts';
import type { ConvAttributes } from './attributes.ts';
import { inputGradient, weightGradient } from './convolution-gradients.ts';
import { emitFolded } from './folded-depthwise.ts';
import { at, expectCount, type Fail, type OpRecord, onnxNode } from './record.ts';

function expectRank4(name: string, tensor: Tensor, fail: Fail): void {
  if (tensor.shape.length !== 4) fail(name, 'rank 4', formatShape(tensor.shape));
}

function expectBias(bias: Tensor | undefined, channels: number, fail: Fail): void {
  if (bias && formatShape(bias.shape) !== formatShape([channels]))
    fail('bias', `[${channels}]`, formatShape(bias.shape));
}

function onnxAttributes(weight: Tensor, { strides, pads, group }: ConvAttributes) {
  return { kernel_shape: [dim(weight.shape, 2), dim(weight.shape, 3)], strides, pads, group };
}

export const convolution: { readonly [K in 'conv' | 'convTranspose']: OpRecord<K> } = {
  conv: {
    infer(inputs, { strides, pads, group }, fail) {
      expectCount(inputs, [2, 3], fail);
      const [x, weight] = [at(inputs, 0), at(inputs, 1)];
      expectRank4('x', x, fail);
      expectRank4('weight', weight, fail);
      if (x.dtype !== weight.dtype) fail('weight', x.dtype, weight.dtype);
      const [n, channels] = [dim(x.shape, 0), dim(x.shape, 1)];
      const [outputs, perGroup, kh, kw] = [0, 1, 2, 3].map((axis) => dim(weight.shape, axis)) as [
        number,
        number,
        number,
        number,
      ];
      if (perGroup * group !== channels || outputs % group !== 0) {
        fail(
          'weight',
          `[O,${channels / group},kh,kw] with O a multiple of ${group} for x ${formatShape(x.shape)}`,
          formatShape(weight.shape),
        );
      }
      expectBias(inputs[2], outputs, fail);
      const size = (axis: number, k: number, before: number, after: number, stride: number) => {
        const padded = dim(x.shape, axis) + before + after;
        if (padded < k) fail('x', `at least ${k} along axis ${axis} with padding`, formatShape(x.shape));
        return Math.floor((padded - k) / stride) + 1;
      };
      const shape = [n, outputs, size(2, kh, pads[0], pads[2], strides[0]), size(3, kw, pads[1], pads[3], strides[1])];
      return [{ shape, dtype: x.dtype }];
    },
    emit: (node, emitter) =>
      emitFolded(node, emitter) ?? onnxNode('Conv', node, onnxAttributes(at(node.inputs, 1), node.attributes)),
    gradient({ gradient: g, inputs, attributes, wanted }) {
      const [x, weight] = [at(inputs, 0), at(inputs, 1)];
      return [
        wanted[0] ? inputGradient(x, weight, g, attributes) : undefined,
        wanted[1] ? weightGradient(x, weight, g, attributes) : undefined,
        ...(inputs.length === 3 ? [wanted[2] ? f.reduceSum(g, [0, 2, 3]) : undefined] : []),
      ];
    },
  },
  convTranspose: {
    infer(inputs, { strides, pads, group, outputPads }, fail) {
      expectCount(inputs, [2], fail);
      const [x, weight] = [at(inputs, 0), at(inputs, 1)];
      expectRank4('x', x, fail);
      expectRank4('weight', weight, fail);
      if (x.dtype !== weight.dtype) fail('weight', x.dtype, weight.dtype);
      if (dim(x.shape, 1) !== dim(weight.shape, 0) || dim(weight.shape, 0) % group !== 0) {
        fail(
          'weight',
          `[${dim(x.shape, 1)},O/${group},kh,kw] for x ${formatShape(x.shape)}`,
          formatShape(weight.shape),
        );
      }
      const size = (i: 0 | 1) =>
        (dim(x.shape, 2 + i) - 1) * strides[i] +
        dim(weight.shape, 2 + i) -
        pads[i] -
        pads[i + 2 === 2 ? 2 : 3] +
        outputPads[i];
      return [{ shape: [dim(x.shape, 0), dim(weight.shape, 1) * group, size(0), size(1)], dtype: x.dtype }];
    },
    emit(node) {
      const attributes = onnxAttributes(at(node.inputs, 1), node.attributes);
      return onnxNode('ConvTranspose', node, { ...attributes, output_padding: node.attributes.outputPads });
    },
    // The transpose's gradient is the convolution itself; in the weights, x and g change places.
    gradient({ gradient: g, inputs, attributes, wanted }) {
      const [x, weight] = [at(inputs, 0), at(inputs, 1)];
      const { strides, pads, group } = attributes;
      const forward = { strides, pads, group };
      return [
        wanted[0] ? x.graph.apply('conv', [g, weight], forward) : undefined,
        wanted[1] ? weightGradient(g, weight, x, forward) : undefined,
      ];
    },
  },
};
