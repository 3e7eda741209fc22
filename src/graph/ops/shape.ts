/**
 * Operators that move values without changing them.
 *
 * @module
 */
import * as f from '../functions.ts';
import { broadcastShapes, dim, formatShape, sameShape, sizeOf, type Tensor } from '../tensor.ts';
import { at, type Emitter, expectCount, type OpRecord, onnxNode } from './record.ts';

const name = (tensors: readonly Tensor[], index = 0) => at(tensors, index).name;

/** Zeros in the shape of `like` except along `axis`, where `size`. */
function zerosLike(like: Tensor, axis: number, size: number): Tensor {
  const shape = like.shape.map((dimension, i) => (i === axis ? size : dimension));
  return f.expand(like.graph.scalar(0, like.dtype), shape);
}

/** Gradient of reflecting or repeating edges: the values in the margin return to the row that they copied. */
function foldMargin(
  g: Tensor,
  axis: number,
  before: number,
  after: number,
  size: number,
  mode: 'reflect' | 'edge',
): Tensor {
  let inner = f.slice(g, axis, before, before + size);
  const place = (part: Tensor, start: number) => {
    const length = dim(part.shape, axis);
    const pads = (n: number) => part.shape.map((_, i) => (i === axis ? n : 0));
    inner = f.add(inner, f.pad(part, pads(start), pads(size - start - length)));
  };
  if (before > 0) {
    const margin = f.slice(g, axis, 0, before);
    if (mode === 'reflect') place(f.reverse(margin, axis), 1);
    else place(f.reduceSum(margin, [axis], true), 0);
  }
  if (after > 0) {
    const margin = f.slice(g, axis, before + size, before + size + after);
    if (mode === 'reflect') place(f.reverse(margin, axis), size - 1 - after);
    else place(f.reduceSum(margin, [axis], true), size - 1);
  }
  return inner;
}

export const shape: {
  readonly [K in 'reshape' | 'transpose' | 'expand' | 'slice' | 'split' | 'concat' | 'pad']: OpRecord<K>;
} = {
  reshape: {
    infer(inputs, attributes, fail) {
      expectCount(inputs, [1], fail);
      const x = at(inputs, 0);
      if (sizeOf(attributes.shape) !== sizeOf(x.shape)) {
        fail('shape', `${sizeOf(x.shape)} values as in ${formatShape(x.shape)}`, formatShape(attributes.shape));
      }
      return [{ shape: attributes.shape, dtype: x.dtype }];
    },
    emit: (node, emitter) => [
      {
        type: 'Reshape',
        inputs: [name(node.inputs), emitter.ints(node.attributes.shape)],
        outputs: [name(node.outputs)],
      },
    ],
    gradient: ({ gradient, inputs }) => [f.reshape(gradient, at(inputs, 0).shape)],
  },
  transpose: {
    infer(inputs, { perm }, fail) {
      expectCount(inputs, [1], fail);
      const x = at(inputs, 0);
      if (![...perm].sort((a, b) => a - b).every((axis, i) => axis === i) || perm.length !== x.shape.length) {
        fail('perm', `a permutation of the ${x.shape.length} axes of ${formatShape(x.shape)}`, `[${perm.join(',')}]`);
      }
      return [{ shape: perm.map((axis) => dim(x.shape, axis)), dtype: x.dtype }];
    },
    emit: (node) => onnxNode('Transpose', node, { perm: node.attributes.perm }),
    gradient: ({ gradient, attributes: { perm } }) => [
      f.transpose(
        gradient,
        perm.map((_, axis) => perm.indexOf(axis)),
      ),
    ],
  },
  // The walker's un-broadcasting is the gradient.
  expand: {
    infer(inputs, attributes, fail) {
      expectCount(inputs, [1], fail);
      const x = at(inputs, 0);
      const result = broadcastShapes(x.shape, attributes.shape);
      if (!result || !sameShape(result, attributes.shape)) {
        fail('shape', `a shape that ${formatShape(x.shape)} broadcasts to`, formatShape(attributes.shape));
      }
      return [{ shape: attributes.shape, dtype: x.dtype }];
    },
    emit: (node, emitter) => [
      {
        type: 'Expand',
        inputs: [name(node.inputs), emitter.ints(node.attributes.shape)],
        outputs: [name(node.outputs)],
      },
    ],
    gradient: ({ gradient }) => [gradient],
    elementwise: true,
  },
  slice: {
    infer(inputs, { axis, start, end, step }, fail) {
      expectCount(inputs, [1], fail);
      const x = at(inputs, 0);
      const size = x.shape[axis];
      if (size === undefined) return fail('axis', `0..${x.shape.length - 1}`, `${axis}`);
      const forwards = step > 0 && start >= 0 && end <= size && start < end;
      const backwards = step < 0 && start < size && end >= -1 && start > end;
      if (!forwards && !backwards) fail('range', `a non-empty part of 0..${size}`, `${start}:${end}:${step}`);
      const length = Math.ceil((end - start) / step);
      return [{ shape: x.shape.map((d, i) => (i === axis ? length : d)), dtype: x.dtype }];
    },
    emit(node, emitter: Emitter) {
      const { axis, start, end, step } = node.attributes;
      // In ONNX an end of -1 means "before the last"; the smallest number means "past the start".
      const ends = end < 0 ? -2147483648 : end;
      const parts = [[start], [ends], [axis], [step]].map((values) => emitter.ints(values));
      return [{ type: 'Slice', inputs: [name(node.inputs), ...parts], outputs: [name(node.outputs)] }];
    },
    gradient({ gradient: g, inputs, attributes: { axis, start, step } }) {
      const x = at(inputs, 0);
      const [size, length] = [dim(x.shape, axis), dim(g.shape, axis)];
      const stride = Math.abs(step);
      const forwards = step > 0 ? g : f.reverse(g, axis);
      const first = step > 0 ? start : start + (length - 1) * step;
      let spread = forwards;
      if (stride > 1) {
        // Zeros between the values: each becomes a group of `stride`, of which only the first is kept.
        const column = f.reshape(forwards, [...g.shape.slice(0, axis + 1), 1, ...g.shape.slice(axis + 1)]);
        const group = f.concat([column, zerosLike(column, axis + 1, stride - 1)], axis + 1);
        const merged = g.shape.map((d, i) => (i === axis ? d * stride : d));
        spread = f.slice(f.reshape(group, merged), axis, 0, (length - 1) * stride + 1);
      }
      const pads = (n: number) => x.shape.map((_, i) => (i === axis ? n : 0));
      return [f.pad(spread, pads(first), pads(size - first - dim(spread.shape, axis)))];
    },
  },
  split: {
    infer(inputs, { axis, sizes }, fail) {
      expectCount(inputs, [1], fail);
      const x = at(inputs, 0);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      if (total !== x.shape[axis])
        fail('sizes', `a sum of ${x.shape[axis]} for axis ${axis} of ${formatShape(x.shape)}`, `${total}`);
      return sizes.map((size) => ({ shape: x.shape.map((d, i) => (i === axis ? size : d)), dtype: x.dtype }));
    },
    emit(node, emitter) {
      const { axis, sizes } = node.attributes;
      const outputs = node.outputs.map((tensor) => tensor.name);
      return [{ type: 'Split', inputs: [name(node.inputs), emitter.ints(sizes)], outputs, attributes: { axis } }];
    },
    gradient({ gradients, outputs, attributes: { axis } }) {
      const parts = gradients.map((g, i) => g ?? zerosLike(at(outputs, i), axis, dim(at(outputs, i).shape, axis)));
      return [f.concat(parts, axis)];
    },
  },
  concat: {
    infer(inputs, { axis }, fail) {
      const [first] = inputs;
      if (!first) return fail('inputs', 'at least one tensor', 'none');
      if (first.shape[axis] === undefined) fail('axis', `0..${first.shape.length - 1}`, `${axis}`);
      inputs.forEach((x, i) => {
        const fits =
          x.shape.length === first.shape.length && x.shape.every((d, j) => j === axis || d === first.shape[j]);
        if (!fits) fail(`input ${i}`, `${formatShape(first.shape)} except along axis ${axis}`, formatShape(x.shape));
        if (x.dtype !== first.dtype) fail(`input ${i}`, first.dtype, x.dtype);
      });
      const total = inputs.reduce((sum, x) => sum + dim(x.shape, axis), 0);
      return [{ shape: first.shape.map((d, i) => (i === axis ? total : d)), dtype: first.dtype }];
    },
    emit: (node) => onnxNode('Concat', node, { axis: node.attributes.axis }),
    gradient: ({ gradient, inputs, attributes: { axis } }) =>
      f.split(
        gradient,
        axis,
        inputs.map((x) => dim(x.shape, axis)),
      ),
  },
  pad: {
    infer(inputs, { before, after, mode }, fail) {
      expectCount(inputs, [1], fail);
      const x = at(inputs, 0);
      if (before.length !== x.shape.length || after.length !== x.shape.length) {
        fail('before, after', `${x.shape.length} values each`, `${before.length} and ${after.length}`);
      }
      if (![...before, ...after].every((n) => Number.isInteger(n) && n >= 0)) {
        fail('before, after', 'whole numbers of 0 or more', `[${before}] and [${after}]`);
      }
      const most = Math.max(...x.shape.flatMap((d, i) => [(before[i] ?? 0) - d, (after[i] ?? 0) - d]));
      if (mode === 'reflect' && most > -1)
        fail('before, after', `less than each dimension of ${formatShape(x.shape)}`, `[${before}] and [${after}]`);
      return [{ shape: x.shape.map((d, i) => d + (before[i] ?? 0) + (after[i] ?? 0)), dtype: x.dtype }];
    },
    emit(node, emitter) {
      const { before, after, mode } = node.attributes;
      const pads = emitter.ints([...before, ...after]);
      return [{ type: 'Pad', inputs: [name(node.inputs), pads], outputs: [name(node.outputs)], attributes: { mode } }];
    },
    gradient({ gradient, inputs, attributes: { before, after, mode } }) {
      const x = at(inputs, 0);
      let g = gradient;
      x.shape.forEach((size, axis) => {
        const [b, a] = [before[axis] ?? 0, after[axis] ?? 0];
        if (b === 0 && a === 0) return;
        g = mode === 'constant' ? f.slice(g, axis, b, b + size) : foldMargin(g, axis, b, a, size, mode);
      });
      return [g];
    },
  },
};
