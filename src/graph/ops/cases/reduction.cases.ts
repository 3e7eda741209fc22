import { type NdArray, read, tabulate } from '../../../../test/support/ndarray.ts';
import type { Shape } from '../../tensor.ts';
import type { ReduceAttributes } from '../attributes.ts';
import { type CasesWith, type OpCases, type Reference, values } from './case.cases.ts';

type Reduction = 'reduceSum' | 'reduceMean' | 'reduceMax';

const reduce =
  ({ axes, keepDims }: ReduceAttributes, f: (values: readonly number[]) => number): Reference =>
  (x: NdArray) => {
    const sizes = axes.map((axis) => x.shape[axis] as number);
    const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const { data } = tabulate(kept, (index) => {
      const place = [...index];
      const part = tabulate(sizes, (inner) => {
        axes.forEach((axis, i) => {
          place[axis] = inner[i] as number;
        });
        return read(x, place);
      });
      return f([...part.data]);
    });
    return { shape: keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis)), data };
  };

function overAxes(f: (values: readonly number[]) => number): CasesWith<ReduceAttributes> {
  const of = (name: string, shape: Shape, axes: readonly number[], keepDims: boolean) => ({
    name,
    inputs: [values(shape)],
    attributes: { axes, keepDims },
    reference: reduce({ axes, keepDims }, f),
  });
  return [
    of('the last axis', [2, 3, 4], [2], false),
    of('the last axis, kept', [2, 3, 4], [2], true),
    of('the first axis', [2, 3, 4], [0], false),
    of('an inner axis, kept', [2, 3, 4], [1], true),
    of('the outer axes', [2, 3, 4], [0, 2], false),
    of('the spatial axes, kept', [2, 3, 2, 4], [2, 3], true),
    of('the spatial axes', [2, 3, 2, 4], [2, 3], false),
    of('two inner axes, kept', [2, 3, 2, 4], [1, 2], true),
    of('two inner axes', [2, 3, 2, 4], [1, 2], false),
    of('the leading axes', [2, 3, 4], [0, 1], false),
    of('all axes', [2, 3, 4], [0, 1, 2], false),
    of('all axes, kept', [2, 3, 4], [0, 1, 2], true),
    of('an axis of one', [3, 1, 2], [1], false),
    // ONNX takes an empty list to mean every axis; here it means none.
    of('no axes', [2, 3], [], false),
    of('a scalar', [], [], false),
  ];
}

const total = (list: readonly number[]) => list.reduce((sum, v) => sum + v, 0);

export const reductionCases: { readonly [K in Reduction]: OpCases<K> } = {
  reduceSum: overAxes(total),
  reduceMean: overAxes((list) => total(list) / list.length),
  reduceMax: overAxes((list) => Math.max(...list)),
};
