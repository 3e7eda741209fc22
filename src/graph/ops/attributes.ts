/**
 * The operators and their attributes. Adding a name here makes the compiler ask for its record (`ops/index.ts`) and
 * for its test cases (`ops/cases/`).
 *
 * @module
 */
import type { DType, Shape } from '../tensor-type.ts';

/** No attributes. */
export type None = Readonly<Record<string, never>>;

export interface ConvAttributes {
  readonly strides: readonly [number, number];
  /** Zero padding: top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly group: number;
}

export interface ReduceAttributes {
  /** Non-negative, ascending. */
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

export interface OpAttributes {
  // elementwise, two operands with broadcasting
  add: None;
  sub: None;
  mul: None;
  div: None;
  maximum: None;
  greater: None;
  // elementwise, one operand
  neg: None;
  abs: None;
  sign: None;
  exp: None;
  log: None;
  sqrt: None;
  erf: None;
  sigmoid: None;
  /** min(1, max(0, alpha x + beta)). */
  hardSigmoid: { readonly alpha: number; readonly beta: number };
  tanh: None;
  relu: None;
  silu: None;
  gelu: None;
  sin: None;
  cos: None;
  where: None;
  cast: { readonly to: DType };
  // linear
  matMul: None;
  conv: ConvAttributes;
  convTranspose: ConvAttributes & { readonly outputPads: readonly [number, number] };
  // normalisation
  softmax: { readonly axis: number };
  logSoftmax: { readonly axis: number };
  layerNorm: { readonly epsilon: number };
  // reduction
  reduceSum: ReduceAttributes;
  reduceMean: ReduceAttributes;
  reduceMax: ReduceAttributes;
  // shape
  reshape: { readonly shape: Shape };
  transpose: { readonly perm: readonly number[] };
  expand: { readonly shape: Shape };
  slice: { readonly axis: number; readonly start: number; readonly end: number; readonly step: number };
  split: { readonly axis: number; readonly sizes: readonly number[] };
  concat: { readonly axis: number };
  /** `before` and `after` per axis. */
  pad: {
    readonly before: readonly number[];
    readonly after: readonly number[];
    readonly mode: 'constant' | 'reflect' | 'edge';
  };
  // space
  depthToSpace: { readonly block: number };
  spaceToDepth: { readonly block: number };
  upsampleNearest: { readonly scale: number };
  // indexing
  gather: { readonly axis: number };
  scatterAdd: { readonly rows: number };
}

export type OpName = keyof OpAttributes;
