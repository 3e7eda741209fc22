import { type NdArray, read, sum, tabulate } from '../../../../test/support/ndarray.ts';
import type { DType, Shape } from '../../tensor.ts';
import { exactly, type OpCase, type OpCases, type Reference, values } from './case.cases.ts';

const lookUp =
  (axis: number): Reference =>
  (table: NdArray, indices: NdArray) => {
    const rank = indices.shape.length;
    const shape = [...table.shape.slice(0, axis), ...indices.shape, ...table.shape.slice(axis + 1)];
    return tabulate(shape, (index) => {
      const row = read(indices, index.slice(axis, axis + rank));
      return read(table, [...index.slice(0, axis), row, ...index.slice(axis + rank)]);
    });
  };

const addRows =
  (rows: number): Reference =>
  (updates: NdArray, indices: NdArray) => {
    const [count, width] = updates.shape as readonly [number, number];
    return tabulate([rows, width], (index) => {
      const [row, column] = index as readonly [number, number];
      return sum(count, (m) => (read(indices, [m]) === row ? read(updates, [m, column]) : 0));
    });
  };

function gather(
  name: string,
  table: Shape,
  axis: number,
  shape: Shape,
  rows: readonly number[],
  dtype: DType = 'int64',
): OpCase<'gather'> {
  return {
    name,
    inputs: [values(table), exactly(shape, dtype, ...rows)],
    attributes: { axis },
    reference: lookUp(axis),
  };
}

const scatterAdd = (
  name: string,
  width: number,
  rows: number,
  ...indices: readonly number[]
): OpCase<'scatterAdd'> => ({
  name,
  inputs: [values([indices.length, width]), exactly([indices.length], 'int64', ...indices)],
  attributes: { rows },
  reference: addRows(rows),
});

export const indexingCases: { readonly [K in 'gather' | 'scatterAdd']: OpCases<K> } = {
  gather: [
    gather('rows of a table, one of them three times', [5, 3], 0, [5], [1, 4, 1, 0, 1]),
    gather('a table of indices', [5, 3], 0, [2, 3], [4, 0, 0, 2, 4, 1]),
    gather('along axis 1, repeated', [2, 4, 3], 1, [3], [3, 0, 3]),
    gather('a table of indices along axis 1', [2, 4, 3], 1, [2, 2], [1, 1, 2, 0]),
    gather('along the last axis', [2, 3, 4], 2, [3], [0, 3, 3]),
    gather('from a vector', [4], 0, [3], [2, 2, 0]),
    gather('by one index', [4, 3], 0, [], [2]),
    gather('by 32-bit indices', [4, 3], 0, [3], [3, 1, 3], 'int32'),
  ],
  scatterAdd: [
    scatterAdd('every row once', 3, 3, 2, 0, 1),
    scatterAdd('rows that share an index, rows without any', 2, 6, 4, 1, 4, 4),
    scatterAdd('one row', 2, 3, 1),
  ],
};
