/**
 * The operators as functions on tensors: the vocabulary in which layers and gradients are written.
 *
 * Binary functions take numbers too. Axes may be negative. Everything is checked when it is called.
 *
 * @module
 */
import type { ConvAttributes, ReduceAttributes } from './ops/attributes.ts';
import { type DType, dim, normaliseAxis, type Shape, sameShape, sizeOf, type Tensor } from './tensor.ts';

export type Operand = Tensor | number;

function binary(op: 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'greater', a: Operand, b: Operand): Tensor {
  const known = typeof a === 'number' ? b : a;
  if (typeof known === 'number') throw new TypeError(`${op} needs at least one tensor`);
  const lift = (x: Operand) => (typeof x === 'number' ? known.graph.scalar(x, known.dtype) : x);
  return known.graph.apply(op, [lift(a), lift(b)], {});
}

export const add = (a: Operand, b: Operand): Tensor => binary('add', a, b);
export const sub = (a: Operand, b: Operand): Tensor => binary('sub', a, b);
export const mul = (a: Operand, b: Operand): Tensor => binary('mul', a, b);
export const div = (a: Operand, b: Operand): Tensor => binary('div', a, b);
export const maximum = (a: Operand, b: Operand): Tensor => binary('maximum', a, b);
/** a > b, as bool. */
export const greater = (a: Operand, b: Operand): Tensor => binary('greater', a, b);

export const neg = (x: Tensor): Tensor => x.graph.apply('neg', [x], {});
export const abs = (x: Tensor): Tensor => x.graph.apply('abs', [x], {});
export const sign = (x: Tensor): Tensor => x.graph.apply('sign', [x], {});
export const exp = (x: Tensor): Tensor => x.graph.apply('exp', [x], {});
export const log = (x: Tensor): Tensor => x.graph.apply('log', [x], {});
export const sqrt = (x: Tensor): Tensor => x.graph.apply('sqrt', [x], {});
export const erf = (x: Tensor): Tensor => x.graph.apply('erf', [x], {});
export const sin = (x: Tensor): Tensor => x.graph.apply('sin', [x], {});
export const cos = (x: Tensor): Tensor => x.graph.apply('cos', [x], {});
export const sigmoid = (x: Tensor): Tensor => x.graph.apply('sigmoid', [x], {});
/** alpha x + beta, kept within 0..1: one pass over memory for an affine function whose values lie there. */
export const hardSigmoid = (x: Tensor, alpha: number, beta: number): Tensor =>
  x.graph.apply('hardSigmoid', [x], { alpha, beta });
export const tanh = (x: Tensor): Tensor => x.graph.apply('tanh', [x], {});
export const relu = (x: Tensor): Tensor => x.graph.apply('relu', [x], {});
/** x sigmoid(x). */
export const silu = (x: Tensor): Tensor => x.graph.apply('silu', [x], {});
/** The exact GELU, x Phi(x). */
export const gelu = (x: Tensor): Tensor => x.graph.apply('gelu', [x], {});
export const square = (x: Tensor): Tensor => mul(x, x);
export const where = (condition: Tensor, a: Tensor, b: Tensor): Tensor =>
  condition.graph.apply('where', [condition, a, b], {});
export const cast = (x: Tensor, to: DType): Tensor => (x.dtype === to ? x : x.graph.apply('cast', [x], { to }));

/** [...,M,K] x [...,K,N] -> [...,M,N], leading dimensions broadcast. */
export const matMul = (a: Tensor, b: Tensor): Tensor => a.graph.apply('matMul', [a, b], {});

export interface ConvOptions {
  readonly stride?: number;
  /** Zero padding on all sides, or top, left, bottom, right. */
  readonly padding?: number | ConvAttributes['pads'];
  readonly group?: number;
}

function convAttributes({ stride = 1, padding = 0, group = 1 }: ConvOptions): ConvAttributes {
  const pads = typeof padding === 'number' ? ([padding, padding, padding, padding] as const) : padding;
  return { strides: [stride, stride], pads, group };
}

/** x [N,C,H,W], weight [O,C/group,kh,kw], bias [O] -> [N,O,H',W']. */
export function conv(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  return x.graph.apply('conv', bias ? [x, weight, bias] : [x, weight], convAttributes(options));
}

/** x [N,C,H,W], weight [C,O/group,kh,kw] -> [N,O,H',W'], the transpose of {@link conv}. */
export function convTranspose(
  x: Tensor,
  weight: Tensor,
  options: ConvOptions & { readonly outputPads?: readonly [number, number] } = {},
): Tensor {
  const attributes = { ...convAttributes(options), outputPads: options.outputPads ?? ([0, 0] as const) };
  return x.graph.apply('convTranspose', [x, weight], attributes);
}

export const softmax = (x: Tensor, axis = -1): Tensor =>
  x.graph.apply('softmax', [x], { axis: normaliseAxis(axis, x.shape.length) });
export const logSoftmax = (x: Tensor, axis = -1): Tensor =>
  x.graph.apply('logSoftmax', [x], { axis: normaliseAxis(axis, x.shape.length) });
/** Over the last axis: (x - mean) / sqrt(var + epsilon) * scale + bias. */
export const layerNorm = (x: Tensor, scale: Tensor, bias: Tensor, epsilon: number): Tensor =>
  x.graph.apply('layerNorm', [x, scale, bias], { epsilon });

function reduceAttributes(x: Tensor, axes: readonly number[] | undefined, keepDims: boolean): ReduceAttributes {
  const rank = x.shape.length;
  const all = axes ?? x.shape.map((_, axis) => axis);
  return { axes: all.map((axis) => normaliseAxis(axis, rank)).sort((a, b) => a - b), keepDims };
}

/** Without axes: over all of them. */
export const reduceSum = (x: Tensor, axes?: readonly number[], keepDims = false): Tensor =>
  x.graph.apply('reduceSum', [x], reduceAttributes(x, axes, keepDims));
export const reduceMean = (x: Tensor, axes?: readonly number[], keepDims = false): Tensor =>
  x.graph.apply('reduceMean', [x], reduceAttributes(x, axes, keepDims));
export const reduceMax = (x: Tensor, axes?: readonly number[], keepDims = false): Tensor =>
  x.graph.apply('reduceMax', [x], reduceAttributes(x, axes, keepDims));

/** One dimension may be -1. A reshape of a reshape is one reshape, and one that changes nothing is none. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((product, d) => (d === -1 ? product : product * d), 1);
  const target = shape.map((d) => (d === -1 ? sizeOf(x.shape) / known : d));
  if (sameShape(target, x.shape)) return x;
  const before = x.graph.producers.get(x);
  const source = before?.op === 'reshape' ? before.inputs[0] : undefined;
  return source && sizeOf(target) === sizeOf(x.shape)
    ? reshape(source, target)
    : x.graph.apply('reshape', [x], { shape: target });
}
export const transpose = (x: Tensor, perm: readonly number[]): Tensor => x.graph.apply('transpose', [x], { perm });
export const expand = (x: Tensor, shape: Shape): Tensor => x.graph.apply('expand', [x], { shape });

/** x[start:end:step] along one axis; negative `step` reads backwards from `start` to after `end` (-1: to the start). */
export function slice(x: Tensor, axis: number, start: number, end: number, step = 1): Tensor {
  return x.graph.apply('slice', [x], { axis: normaliseAxis(axis, x.shape.length), start, end, step });
}
/** The tensor read backwards along an axis. */
export const reverse = (x: Tensor, axis: number): Tensor => slice(x, axis, dim(x.shape, axis) - 1, -1, -1);
export const split = (x: Tensor, axis: number, sizes: readonly number[]): readonly Tensor[] =>
  x.graph.applyAll('split', [x], { axis: normaliseAxis(axis, x.shape.length), sizes });

export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const [first] = tensors;
  if (!first) throw new TypeError('concat needs at least one tensor');
  if (tensors.length === 1) return first;
  return first.graph.apply('concat', tensors, { axis: normaliseAxis(axis, first.shape.length) });
}

export function pad(
  x: Tensor,
  before: readonly number[],
  after: readonly number[],
  mode: 'constant' | 'reflect' | 'edge' = 'constant',
): Tensor {
  return [...before, ...after].every((n) => n === 0) ? x : x.graph.apply('pad', [x], { before, after, mode });
}

/** [N,C b b,H,W] -> [N,C,H b,W b] (channel order as PyTorch's PixelShuffle). */
export const depthToSpace = (x: Tensor, block: number): Tensor => x.graph.apply('depthToSpace', [x], { block });
/** [N,C,H b,W b] -> [N,C b b,H,W] (channel order as PyTorch's PixelUnshuffle). */
export const spaceToDepth = (x: Tensor, block: number): Tensor => x.graph.apply('spaceToDepth', [x], { block });
/** [N,C,H,W] -> [N,C,H s,W s], each value repeated. */
export const upsampleNearest = (x: Tensor, scale: number): Tensor => x.graph.apply('upsampleNearest', [x], { scale });

/** Rows of `table` along `axis` at integer `indices`; an embedding lookup with axis 0. */
export const gather = (table: Tensor, indices: Tensor, axis = 0): Tensor =>
  table.graph.apply('gather', [table, indices], { axis: normaliseAxis(axis, table.shape.length) });
/** updates [M,D], indices [M] -> [rows,D]: sums of the updates that share an index. */
export const scatterAdd = (updates: Tensor, indices: Tensor, rows: number): Tensor =>
  updates.graph.apply('scatterAdd', [updates, indices], { rows });
