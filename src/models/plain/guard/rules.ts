/**
 * What operators make of constants: the shape of the result, and which number is where in it.
 *
 * Only what sizes are computed with in exported networks, and what keeps shapes: see `growth.ts` for all others.
 *
 * @module
 */

import { LONGEST_LIST, TYPE, WHOLE_RANGE } from '../file/tensor.ts';
import { ARITHMETIC, COMPARISONS, cast, type Operation } from './arithmetic.ts';
import { axesOf, type Call, input, listOf, type Result, type Rule, reshaped } from './call.ts';
import {
  allKnown,
  broadcastAt,
  broadcastShape,
  compute,
  elementsOf,
  type Known,
  numberAt,
  placesOf,
  productOf,
} from './constants.ts';
import * as moves from './moves.ts';

const like =
  (place: number): Rule =>
  (call) => {
    const { shape, elements } = input(call, place);
    return { shape, elements };
  };
const identity: Rule = (call) => reshaped(input(call, 0), input(call, 0).shape);
const broadcast: Rule = ({ inputs }) => ({ shape: broadcastShape(inputs.map((value) => value?.shape)) });

const arithmetic =
  (operation: Operation, result?: number): Rule =>
  (call) => {
    const from = input(call, 0).type;
    const option = (name: string) => call.attribute(name)?.whole;
    const at = (place: readonly number[]) =>
      compute(
        from,
        result ?? from,
        call.inputs.map((value) => value && broadcastAt(value, place)),
        (...numbers) => operation(numbers, from, option),
      );
    return { ...broadcast(call), type: result, at };
  };

const castTo = (call: Call, type: number): Result => {
  const data = input(call, 0);
  return {
    type,
    shape: data.shape,
    at: (place) => compute(data.type, type, [numberAt(data, place)], (number) => cast([number], type)),
  };
};

/** Of two numbers that are the same it does not matter which is taken. */
function where(call: Call): Result {
  const [condition, yes, no] = [input(call, 0), input(call, 1), input(call, 2)];
  const at = (place: readonly number[]) => {
    const chosen = broadcastAt(condition, place);
    const [a, b] = [broadcastAt(yes, place), broadcastAt(no, place)];
    if (chosen === undefined) return a === b ? a : undefined;
    return chosen ? a : b;
  };
  return { ...broadcast(call), type: yes.type, at };
}

function shapeOf(call: Call): Result {
  const { shape } = input(call, 0);
  const sides = shape?.slice(call.attribute('start')?.whole ?? 0, call.attribute('end')?.whole ?? shape.length);
  return { type: TYPE.int64, shape: sides && [sides.length], numbers: sides, elements: LONGEST_LIST };
}

function size(call: Call): Result {
  const { shape } = input(call, 0);
  const count = allKnown(shape) ? productOf(shape) : undefined;
  return { type: TYPE.int64, shape: [], numbers: [count] };
}

function constantOfShape(call: Call): Result {
  const sizes = input(call, 0).numbers;
  const [value] = call.attribute('value')?.tensors ?? [];
  const filled = call.attribute('value') === undefined ? 0 : value?.numbers?.[0];
  return {
    type: value?.elementType ?? TYPE.float32,
    shape: sizes,
    at: () => filled,
    elements: elementsOf(sizes ?? []),
  };
}

function range(call: Call): Result {
  const { type } = input(call, 0);
  const [start, limit, delta] = [0, 1, 2].map((place) => input(call, place).numbers?.[0]);
  if (start === undefined || limit === undefined || delta === undefined) return { elements: 1 };
  // Sums of fractions are the runtime's own.
  const at = ([i = 0]: readonly number[]) =>
    WHOLE_RANGE[type] === undefined || !Number.isSafeInteger(i * delta)
      ? undefined
      : compute(type, type, [start, i * delta], (a, b) => a + b);
  return { shape: [Math.max(0, Math.ceil((limit - start) / delta))], at };
}

/** Sums and products of whole numbers; fractions are added in the runtime's own order. */
const reduce =
  (operation?: (a: number, b: number) => number): Rule =>
  (call) => {
    const data = input(call, 0);
    const { shape, type, elements } = data;
    const list = listOf(call, 'axes', 1);
    if (list === undefined && call.attribute('noop_with_empty_axes')?.whole === 1) return reshaped(data, shape);
    const axes = shape && axesOf(list, shape.length);
    if (shape === undefined || axes === undefined) return { elements };
    const kept = call.attribute('keepdims')?.whole !== 0;
    const sides = shape.flatMap((side, axis) => (axes.includes(axis) ? (kept ? [1] : []) : [side]));
    const places = operation && WHOLE_RANGE[type] !== undefined ? placesOf(shape) : undefined;
    if (operation === undefined || places === undefined) return { shape: sides, elements };
    const results = new Map<string, Known>();
    for (const place of places) {
      const to = place.flatMap((i, axis) => (axes.includes(axis) ? (kept ? [0] : []) : [i])).join();
      const number = numberAt(data, place);
      const before = results.get(to);
      results.set(to, results.has(to) ? compute(type, type, [before, number], operation) : number);
    }
    return { shape: sides, at: (place) => results.get(place.join()), elements };
  };

/** Sides stretch by what is put before and behind them. */
function pad(call: Call): Result {
  const { shape } = input(call, 0);
  const pads = listOf(call, call.attribute('paddings') === undefined ? 'pads' : 'paddings', 1) ?? undefined;
  const axes = shape && axesOf(listOf(call, 'axes', 3), shape.length);
  if (shape === undefined || axes === undefined || !allKnown(pads)) return {};
  const sides = shape.map((side, axis) => {
    const i = axes.indexOf(axis);
    return i < 0 || side === undefined ? side : side + (pads[i] ?? 0) + (pads[i + axes.length] ?? 0);
  });
  return { shape: sides };
}

/** To stated sizes, or by factors. */
function resize(call: Call): Result {
  const { shape } = input(call, 0);
  const scales = input(call, call.inputs.length === 2 ? 1 : 2).numbers;
  const sizes = call.inputs[3]?.numbers;
  if (call.attribute('axes') !== undefined || call.attribute('keep_aspect_ratio_policy') !== undefined) return {};
  if (call.inputs[3] !== undefined && sizes === undefined) return {};
  if (sizes?.length) return { shape: sizes };
  const scaled = (side: Known, scale: Known) =>
    side === undefined || scale === undefined ? undefined : Math.floor(side * scale);
  return { shape: scales && shape?.map((side, axis) => scaled(side, scales[axis])) };
}

/** [N, C, ...] by [M, ...]: [N, M, ...], at most as large as the padded picture. */
function conv(call: Call): Result {
  const [data, weights] = [input(call, 0).shape, input(call, 1).shape];
  const pads = call.attribute('pads')?.wholes ?? [];
  if (!allKnown(data) || !allKnown(weights)) return {};
  const axes = data.length - 2;
  const sides = data.slice(2).map((side, i) => side + Math.abs(pads[i] ?? 0) + Math.abs(pads[i + axes] ?? 0));
  return { elements: elementsOf([data[0], weights[0], ...sides]) };
}

/** [..., N, K] by [..., K, M]: [..., N, M]; a vector in either place is a row or a column, which the result has not. */
function matmul(call: Call): Result {
  const [a, b] = [input(call, 0).shape, input(call, 1).shape];
  if (!a?.length || !b?.length) return {};
  const batch = broadcastShape([a.slice(0, -2), b.slice(0, -2)]);
  return { shape: batch && [...batch, ...a.slice(-2, -1), ...(b.length > 1 ? b.slice(-1) : [])] };
}

/** [M, K] by [K, N]: [M, N], of which either may be transposed before. */
function gemm(call: Call): Result {
  const [a, b] = [input(call, 0).shape, input(call, 1).shape];
  const [rows, columns] = [call.attribute('transA')?.whole ? 1 : 0, call.attribute('transB')?.whole ? 0 : 1];
  return { shape: a && b && [a[rows], b[columns]] };
}

/** Places of what is not zero: [axes, as many]. */
function nonZero(call: Call): Result {
  const { shape, elements } = input(call, 0);
  const axes = shape && Math.max(1, shape.length);
  return { type: TYPE.int64, shape: [axes, undefined], elements: elements * (axes ?? LONGEST_LIST) };
}

/** Operators that keep the shape of their first input. */
const LIKE = [
  ...['Dropout', 'Clip', 'Erf', 'Exp', 'Log', 'Sin', 'Cos', 'Tan', 'Asin', 'Acos', 'Atan', 'Sinh', 'Cosh'],
  ...['Tanh', 'Sigmoid', 'HardSigmoid', 'Softplus', 'Softsign', 'Softmax', 'LogSoftmax', 'LeakyRelu', 'PRelu', 'Elu'],
  ...['Selu', 'Gelu', 'Mish', 'HardSwish', 'Swish', 'Reciprocal', 'LayerNormalization', 'InstanceNormalization'],
  ...[
    'GroupNormalization',
    'RMSNormalization',
    'BatchNormalization',
    'LpNormalization',
    'ScatterND',
    'ScatterElements',
    'CumSum',
    'Trilu',
  ],
  ...['RandomNormalLike', 'RandomUniformLike', 'DequantizeLinear', 'QuantizeLinear', 'EyeLike'],
];
const BROADCAST = ['Sum', 'Mean', 'BitShift', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor'];
const REDUCE = ['ReduceMean', 'ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceSumSquare'];

const table = (names: readonly string[], rule: Rule): Record<string, Rule> =>
  Object.fromEntries(names.map((name) => [name, rule]));

export const RULES: ReadonlyMap<string, Rule> = new Map(
  Object.entries({
    ...table(LIKE, like(0)),
    ...table(BROADCAST, broadcast),
    ...table(REDUCE, reduce()),
    ...Object.fromEntries(Object.entries(ARITHMETIC).map(([name, operation]) => [name, arithmetic(operation)])),
    ...Object.fromEntries(
      Object.entries(COMPARISONS).map(([name, operation]) => [name, arithmetic(operation, TYPE.bool)]),
    ),
    Identity: identity,
    Cast: (call) => castTo(call, call.attribute('to')?.whole ?? 0),
    CastLike: (call) => castTo(call, input(call, 1).type),
    Where: where,
    Shape: shapeOf,
    Size: size,
    Gather: moves.gather,
    GatherElements: like(1),
    Slice: moves.slice,
    Concat: moves.concat,
    Reshape: moves.reshape,
    Unsqueeze: moves.unsqueeze,
    Squeeze: moves.squeeze,
    Flatten: moves.flatten,
    Transpose: moves.transpose,
    Expand: moves.expand,
    Tile: moves.tile,
    Split: moves.split,
    ConstantOfShape: constantOfShape,
    Range: range,
    Pad: pad,
    Resize: resize,
    Conv: conv,
    MatMul: matmul,
    Gemm: gemm,
    NonZero: nonZero,
    ReduceSum: reduce((a, b) => a + b),
    ReduceProd: reduce((a, b) => a * b),
    ReduceMax: reduce(Math.max),
    ReduceMin: reduce(Math.min),
  } satisfies Record<string, Rule>),
);
