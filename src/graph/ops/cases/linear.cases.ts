import { type NdArray, read, sum, tabulate } from '../../../../test/support/ndarray.ts';
import type { Shape } from '../../tensor.ts';
import { type OpCases, type Reference, values } from './case.cases.ts';

/** [...,M,K] x [...,K,N], leading axes of one stretched. */
const product: Reference = (a: NdArray, b: NdArray) => {
  const rank = Math.max(a.shape.length, b.shape.length);
  const leading = ({ shape }: NdArray, i: number) => shape[shape.length - rank + i] ?? 1;
  const shape = Array.from({ length: rank - 2 }, (_, i) => Math.max(leading(a, i), leading(b, i)));
  const [rows, inner, columns] = [a.shape.at(-2) as number, a.shape.at(-1) as number, b.shape.at(-1) as number];
  // The leading part of an index, for an operand that may have fewer or shorter leading axes.
  const batch = ({ shape: own }: NdArray, index: readonly number[]) =>
    own.slice(0, -2).map((size, i) => (size === 1 ? 0 : (index[i + rank - own.length] as number)));
  return tabulate([...shape, rows, columns], (index) => {
    const [m, n] = index.slice(-2) as [number, number];
    return sum(inner, (k) => read(a, [...batch(a, index), m, k]) * read(b, [...batch(b, index), k, n]));
  });
};

const matMul = (name: string, a: Shape, b: Shape) => ({
  name,
  inputs: [values(a), values(b, 0.29)],
  attributes: {},
  reference: product,
});

export const linearCases: { readonly matMul: OpCases<'matMul'> } = {
  matMul: [
    matMul('matrices', [3, 4], [4, 5]),
    matMul('a row by a column', [1, 4], [4, 1]),
    matMul('a batch by a batch', [2, 3, 4], [2, 4, 5]),
    matMul('a batch by one matrix', [2, 3, 4], [4, 5]),
    matMul('two leading axes by one matrix', [2, 3, 2, 4], [4, 3]),
    matMul('one matrix by a batch', [3, 4], [2, 4, 5]),
    matMul('leading axes stretched on both sides', [2, 1, 3, 4], [3, 4, 2]),
    matMul('a batch of one by a batch', [1, 3, 4], [2, 4, 5]),
  ],
};
