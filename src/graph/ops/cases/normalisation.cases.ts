import { mapValues, type NdArray, read, sum, tabulate, withAxis } from '../../../../test/support/ndarray.ts';
import type { Shape } from '../../tensor.ts';
import type { OpAttributes } from '../attributes.ts';
import { type CaseInput, type CasesWith, exactly, type OpCases, type Reference, values, within } from './case.cases.ts';

const softmax = (x: NdArray, axis: number): NdArray => {
  const size = x.shape[axis] as number;
  return tabulate(x.shape, (index) => {
    const own = read(x, index);
    return 1 / sum(size, (i) => Math.exp(read(x, withAxis(index, axis, i)) - own));
  });
};

function alongAxes(reference: (axis: number) => Reference): CasesWith<OpAttributes['softmax']> {
  const of = (name: string, input: CaseInput, axis: number) => ({
    name,
    inputs: [input],
    attributes: { axis },
    reference: reference(axis),
  });
  return [
    of('the last axis', within([2, 3, 4], -3, 3), 2),
    of('an inner axis', within([2, 3, 4], -3, 3), 1),
    of('the first axis', within([2, 3, 4], -3, 3), 0),
    of('an inner axis of rank 4', within([2, 3, 2, 3], -3, 3), 2),
    of('one value', within([3, 1], -3, 3), 1),
    // Without subtracting the maximum first, exp overflows.
    of('large values', exactly([2, 3], 'float32', 200, 201, 199.5, -300, -299, -300.25), 1),
  ];
}

/** y, mean and inverse deviation of each row. */
const layerNorm =
  (epsilon: number): Reference =>
  (x: NdArray, scale: NdArray, bias: NdArray) => {
    const axis = x.shape.length - 1;
    const size = x.shape[axis] as number;
    const rows = [...x.shape.slice(0, -1), 1];
    const mean = tabulate(rows, (index) => sum(size, (i) => read(x, withAxis(index, axis, i))) / size);
    const deviation = tabulate(rows, (index) => {
      const squares = sum(size, (i) => (read(x, withAxis(index, axis, i)) - read(mean, index)) ** 2);
      return 1 / Math.sqrt(squares / size + epsilon);
    });
    const y = tabulate(x.shape, (index) => {
      const [row, feature] = [withAxis(index, axis, 0), [index[axis] as number]];
      return (read(x, index) - read(mean, row)) * read(deviation, row) * read(scale, feature) + read(bias, feature);
    });
    return [y, mean, deviation];
  };

function layerNormCase(name: string, shape: Shape, epsilon: number, x = values(shape), used = [0]) {
  const features = shape.slice(-1);
  const inputs = [x, within(features, 0.5, 1.5, 0.29), values(features, 0.53)];
  return { name, inputs, attributes: { epsilon }, reference: layerNorm(epsilon), used };
}

export const normalisationCases: { readonly [K in 'softmax' | 'logSoftmax' | 'layerNorm']: OpCases<K> } = {
  softmax: alongAxes((axis) => (x: NdArray) => softmax(x, axis)),
  logSoftmax: alongAxes((axis) => (x: NdArray) => mapValues(softmax(x, axis), Math.log)),
  layerNorm: [
    layerNormCase('rank 3', [2, 3, 5], 1e-6),
    layerNormCase('rank 4', [2, 2, 3, 4], 1e-5),
    layerNormCase('one row', [6], 1e-5),
    layerNormCase('an epsilon that matters', [3, 4], 0.5),
    layerNormCase('values far from zero', [2, 6], 1e-6, within([2, 6], 9, 11)),
    layerNormCase('its mean used too', [2, 4], 1e-5, values([2, 4]), [0, 1]),
    layerNormCase('only its statistics used', [2, 4], 1e-5, values([2, 4]), [1, 2]),
  ],
};
