import {
  erf,
  mapValues,
  type NdArray,
  readBroadcast,
  sizeOf,
  spread,
  tabulate,
} from '../../../../test/support/ndarray.ts';
import type { Shape } from '../../tensor.ts';
import type { None } from '../attributes.ts';
import {
  type CaseInput,
  type CasesWith,
  exactly,
  nonZero,
  type OpCases,
  type Reference,
  values,
  within,
} from './case.cases.ts';

type Binary = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'greater';
type Unary =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'erf'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'silu'
  | 'gelu'
  | 'sin'
  | 'cos';

/** Shape that two shapes broadcast to; the cases only pair shapes that fit. */
function joined(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => Math.max(a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1));
}

/** Every way in which broadcasting stretches one operand, or both. */
function binaryCases(f: (a: number, b: number) => number): CasesWith<None> {
  const reference: Reference = (a: NdArray, b: NdArray) =>
    tabulate(joined(a.shape, b.shape), (index) => f(readBroadcast(a, index), readBroadcast(b, index)));
  const pair = (name: string, a: Shape, b: Shape) => ({
    name,
    inputs: [nonZero(a), nonZero(b, 0.29)],
    attributes: {},
    reference,
  });
  return [
    pair('of one shape', [2, 3, 4], [2, 3, 4]),
    pair('a row stretched over the leading axes', [2, 3, 4], [4]),
    pair('a column stretched over the last axis', [2, 3, 1], [2, 3, 4]),
    pair('both stretched', [2, 1, 4], [3, 1]),
    pair('a scalar first', [], [2, 3]),
    pair('a scalar second', [2, 3], []),
    pair('scalars', [], []),
    pair('an axis of one that stays one', [1, 3, 1], [3, 4]),
  ];
}

function unaryCases(f: (x: number) => number, input: (shape: Shape) => CaseInput): CasesWith<None> {
  const of = (name: string, shape: Shape) => ({
    name,
    inputs: [input(shape)],
    attributes: {},
    reference: (x: NdArray) => mapValues(x, f),
  });
  return [of('rank 3', [2, 3, 4]), of('a scalar', [])];
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const wide = (shape: Shape) => within(shape, -2.5, 2.5);
const positive = (shape: Shape) => within(shape, 0.2, 3);

const mask = (shape: Shape) => exactly(shape, 'bool', ...spread(sizeOf(shape), 0, 2).map(Math.floor));
const chosen: Reference = (condition: NdArray, a: NdArray, b: NdArray) =>
  tabulate(joined(condition.shape, joined(a.shape, b.shape)), (index) =>
    readBroadcast(readBroadcast(condition, index) ? a : b, index),
  );

/** Half precision has 10 bits after the leading one; no value here is subnormal or halfway. */
function toHalf(x: number): number {
  const step = 2 ** (Math.floor(Math.log2(Math.abs(x))) - 10);
  return Math.round(x / step) * step;
}
const each =
  (f: (x: number) => number): Reference =>
  (x: NdArray) =>
    mapValues(x, f);
const same = each((x) => x);

export const elementwiseCases: { readonly [K in Binary | Unary | 'hardSigmoid' | 'where' | 'cast']: OpCases<K> } = {
  add: binaryCases((a, b) => a + b),
  sub: binaryCases((a, b) => a - b),
  mul: binaryCases((a, b) => a * b),
  div: binaryCases((a, b) => a / b),
  maximum: binaryCases((a, b) => Math.max(a, b)),
  greater: binaryCases((a, b) => (a > b ? 1 : 0)),
  neg: unaryCases((x) => -x, wide),
  abs: unaryCases((x) => (x < 0 ? -x : x), nonZero),
  sign: unaryCases((x) => (x < 0 ? -1 : 1), nonZero),
  exp: unaryCases(Math.exp, wide),
  log: unaryCases(Math.log, positive),
  sqrt: unaryCases(Math.sqrt, positive),
  erf: unaryCases(erf, wide),
  sigmoid: unaryCases(sigmoid, wide),
  hardSigmoid: [
    {
      name: 'between its bounds',
      inputs: [values([2, 3, 4])],
      attributes: { alpha: 0.4, beta: 0.5 },
      reference: each((x) => 0.4 * x + 0.5),
    },
    {
      name: 'on both sides of its bounds',
      inputs: [exactly([6], 'float32', -3, -0.9, -0.2, 0.3, 0.8, 4)],
      attributes: { alpha: 0.8, beta: 0.4 },
      reference: each((x) => Math.min(1, Math.max(0, 0.8 * x + 0.4))),
    },
  ],
  tanh: unaryCases(Math.tanh, wide),
  relu: unaryCases((x) => Math.max(0, x), nonZero),
  silu: unaryCases((x) => x * sigmoid(x), wide),
  gelu: unaryCases((x) => 0.5 * x * (1 + erf(x / Math.SQRT2)), wide),
  sin: unaryCases(Math.sin, wide),
  cos: unaryCases(Math.cos, wide),
  where: [
    {
      name: 'of one shape',
      inputs: [mask([2, 3, 4]), values([2, 3, 4]), values([2, 3, 4], 0.29)],
      attributes: {},
      reference: chosen,
    },
    {
      name: 'a condition stretched over both',
      inputs: [mask([3, 1]), values([2, 3, 4]), values([2, 3, 4], 0.29)],
      attributes: {},
      reference: chosen,
    },
    {
      name: 'operands stretched over the condition',
      inputs: [mask([2, 3, 4]), values([4]), values([], 0.29)],
      attributes: {},
      reference: chosen,
    },
  ],
  cast: [
    { name: 'float32 to itself', inputs: [wide([2, 3])], attributes: { to: 'float32' }, reference: same },
    {
      name: 'float32 to half precision',
      inputs: [nonZero([2, 5])],
      attributes: { to: 'float16' },
      reference: each(toHalf),
      smooth: same,
    },
    {
      name: 'float32 to int64, towards zero',
      inputs: [exactly([5], 'float32', -2.7, -0.3, 0.6, 1.5, 3.2)],
      attributes: { to: 'int64' },
      reference: each(Math.trunc),
    },
    {
      name: 'float32 to bool',
      inputs: [exactly([4], 'float32', -2, 0.5, 3, -0.25)],
      attributes: { to: 'bool' },
      reference: each((x) => (x === 0 ? 0 : 1)),
    },
    { name: 'bool to float32', inputs: [mask([2, 3])], attributes: { to: 'float32' }, reference: same },
    {
      name: 'int64 to int32',
      inputs: [exactly([3], 'int64', -4, 0, 70000)],
      attributes: { to: 'int32' },
      reference: same,
    },
  ],
};
