/**
 * Sums, means and maxima over axes.
 *
 * @module
 */
import * as f from '../functions.ts';
import { formatShape, type Node, type Shape, sizeOf, type Tensor } from '../tensor.ts';
import type { ReduceAttributes } from './attributes.ts';
import { at, type Emitter, expectCount, type GradientRule, type OnnxNode, type OpRecord } from './record.ts';

type Reduction = 'reduceSum' | 'reduceMean' | 'reduceMax';

function keptShape(x: Tensor, { axes }: ReduceAttributes): Shape {
  return x.shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension));
}

/** The gradient, or the result, with the reduced axes back as ones. */
function restored(reduced: Tensor, x: Tensor, attributes: ReduceAttributes): Tensor {
  return attributes.keepDims ? reduced : f.reshape(reduced, keptShape(x, attributes));
}

function reduceRecord<K extends Reduction>(type: string, gradient: GradientRule<K>): OpRecord<K> {
  return {
    infer(inputs, attributes, fail) {
      expectCount(inputs, [1], fail);
      const x = at(inputs, 0);
      const { axes, keepDims } = attributes;
      if (axes.some((axis) => axis < 0 || axis >= x.shape.length)) {
        fail('axes', `0..${x.shape.length - 1} for ${formatShape(x.shape)}`, `[${axes.join(',')}]`);
      }
      if (axes.some((axis, i) => axis <= (axes[i - 1] ?? -1))) {
        fail('axes', 'each once, ascending', `[${axes.join(',')}]`);
      }
      const shape = keepDims ? keptShape(x, attributes) : x.shape.filter((_, axis) => !axes.includes(axis));
      return [{ shape, dtype: x.dtype }];
    },
    emit(node, emitter: Emitter) {
      const { axes, keepDims } = node.attributes;
      const [x, y] = [at(node.inputs, 0).name, at(node.outputs, 0).name];
      // ONNX reads an empty list as "all axes"; here it is none.
      if (axes.length === 0) return [{ type: 'Identity', inputs: [x], outputs: [y] }];
      return [{ type, inputs: [x, emitter.ints(axes)], outputs: [y], attributes: { keepdims: keepDims ? 1 : 0 } }];
    },
    gradient,
  };
}

/**
 * A sum down the columns of matrices [..,R,C] as a product with a row of ones; undefined where it is no such sum.
 *
 * The CPU provider's reduction walks down each column alone, and in one thread where there is a single matrix: for
 * 65536 x 256 values the product is ten times as fast (docs/performance.md).
 */
function emitColumnSum({ inputs, outputs, attributes }: Node<'reduceSum'>, emitter: Emitter): OnnxNode[] | undefined {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  const { axes } = attributes;
  const [first = 0, last = 0] = [axes[0], axes.at(-1)];
  const [batch, columns] = [sizeOf(x.shape.slice(0, first)), sizeOf(x.shape.slice(last + 1))];
  const rows = sizeOf(x.shape.slice(first, last + 1));
  const adjacent = axes.length > 0 && last - first === axes.length - 1;
  if (!adjacent || columns === 1 || rows === 1 || x.dtype !== 'float32') return undefined;
  const [ones, matrices, sums] = [emitter.temporary(), emitter.temporary(), emitter.temporary()];
  return [
    { type: 'Expand', inputs: [emitter.scalar(1, 'float32'), emitter.ints([1, rows])], outputs: [ones] },
    { type: 'Reshape', inputs: [x.name, emitter.ints([batch, rows, columns])], outputs: [matrices] },
    { type: 'MatMul', inputs: [ones, matrices], outputs: [sums] },
    { type: 'Reshape', inputs: [sums, emitter.ints(y.shape)], outputs: [y.name] },
  ];
}

const sumRecord = reduceRecord<'reduceSum'>('ReduceSum', ({ gradient, inputs, attributes }) => {
  const x = at(inputs, 0);
  return [restored(gradient, x, attributes)];
});

export const reduction: { readonly [K in Reduction]: OpRecord<K> } = {
  reduceSum: { ...sumRecord, emit: (node, emitter) => emitColumnSum(node, emitter) ?? sumRecord.emit(node, emitter) },
  reduceMean: reduceRecord('ReduceMean', ({ gradient, inputs, attributes }) => {
    const x = at(inputs, 0);
    const count = attributes.axes.reduce((product, axis) => product * (x.shape[axis] ?? 1), 1);
    return [f.mul(restored(gradient, x, attributes), 1 / count)];
  }),
  // The places that hold the maximum share its gradient equally.
  reduceMax: reduceRecord('ReduceMax', ({ gradient, inputs, outputs, attributes }) => {
    const x = at(inputs, 0);
    const top = restored(at(outputs, 0), x, attributes);
    const below = f.cast(f.greater(top, x), x.dtype);
    const holds = f.sub(1, below);
    const share = f.div(holds, f.reduceSum(holds, attributes.axes, true));
    return [f.mul(share, restored(gradient, x, attributes))];
  }),
};
