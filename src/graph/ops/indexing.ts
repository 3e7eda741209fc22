/**
 * Lookups by integer index.
 *
 * @module
 */
import * as f from '../functions.ts';
import { dim, formatShape, sizeOf } from '../tensor.ts';
import { at, expectCount, type OpRecord, onnxNode } from './record.ts';

export const indexing: { readonly [K in 'gather' | 'scatterAdd']: OpRecord<K> } = {
  gather: {
    infer(inputs, { axis }, fail) {
      expectCount(inputs, [2], fail);
      const [table, indices] = [at(inputs, 0), at(inputs, 1)];
      if (indices.dtype !== 'int64' && indices.dtype !== 'int32') fail('indices', 'int64 or int32', indices.dtype);
      if (axis < 0 || axis >= table.shape.length) fail('axis', `0..${table.shape.length - 1}`, `${axis}`);
      const shape = [...table.shape.slice(0, axis), ...indices.shape, ...table.shape.slice(axis + 1)];
      return [{ shape, dtype: table.dtype }];
    },
    emit: (node) => onnxNode('Gather', node, { axis: node.attributes.axis }),
    // Rows that were read several times sum their gradients.
    gradient({ gradient: g, inputs, attributes: { axis } }) {
      const [table, indices] = [at(inputs, 0), at(inputs, 1)];
      const rank = table.shape.length;
      const count = sizeOf(indices.shape);
      const before = table.shape.slice(0, axis);
      const after = table.shape.slice(axis + 1);
      const rowsFirst = f.transpose(f.reshape(g, [sizeOf(before), count, sizeOf(after)]), [1, 0, 2]);
      const rows = f.cast(f.reshape(indices, [count]), 'int64');
      const sums = f.scatterAdd(f.reshape(rowsFirst, [count, -1]), rows, dim(table.shape, axis));
      const perm = Array.from({ length: rank }, (_, i) => (i < axis ? i + 1 : i === axis ? 0 : i));
      return [f.transpose(f.reshape(sums, [dim(table.shape, axis), ...before, ...after]), perm), undefined];
    },
  },
  scatterAdd: {
    infer(inputs, { rows }, fail) {
      expectCount(inputs, [2], fail);
      const [updates, indices] = [at(inputs, 0), at(inputs, 1)];
      if (updates.shape.length !== 2) fail('updates', 'rank 2', formatShape(updates.shape));
      // ONNX scatters by 64-bit indices only.
      if (indices.dtype !== 'int64') fail('indices', 'int64', indices.dtype);
      const expected = formatShape([dim(updates.shape, 0)]);
      if (formatShape(indices.shape) !== expected) fail('indices', expected, formatShape(indices.shape));
      return [{ shape: [rows, dim(updates.shape, 1)], dtype: updates.dtype }];
    },
    emit(node, emitter) {
      const [updates, indices] = [at(node.inputs, 0), at(node.inputs, 1)];
      const { shape } = at(node.outputs, 0);
      const [zeros, column] = [emitter.temporary(), emitter.temporary()];
      return [
        { type: 'Expand', inputs: [emitter.scalar(0, updates.dtype), emitter.ints(shape)], outputs: [zeros] },
        { type: 'Unsqueeze', inputs: [indices.name, emitter.ints([1])], outputs: [column] },
        {
          type: 'ScatterND',
          inputs: [zeros, column, updates.name],
          outputs: [at(node.outputs, 0).name],
          attributes: { reduction: 'add' },
        },
      ];
    },
    gradient: ({ gradient, inputs }) => [f.gather(gradient, at(inputs, 1)), undefined],
  },
};
