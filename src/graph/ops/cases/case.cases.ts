/**
 * What a test case of an operator is.
 *
 * @module
 */
import { awayFromZero, type NdArray, sizeOf, spread } from '../../../../test/support/ndarray.ts';
import type { DType, Shape } from '../../tensor.ts';
import type { OpAttributes, OpName } from '../attributes.ts';

export interface CaseInput {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly values: readonly number[];
}

/** The operator in plain loops, in float64: all its outputs, or the only one. */
export type Reference = (...inputs: NdArray[]) => NdArray | readonly NdArray[];

export interface CaseWith<Attributes> {
  /** What is particular about it. */
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  readonly attributes: Attributes;
  readonly reference: Reference;
  /** Outputs that the loss depends on; all unless told. */
  readonly used?: readonly number[];
  /** What the operator is meant to differentiate like, where `reference` rounds. */
  readonly smooth?: Reference;
}

/** At least one. */
export type CasesWith<Attributes> = readonly [CaseWith<Attributes>, ...CaseWith<Attributes>[]];

export type OpCase<K extends OpName> = CaseWith<OpAttributes[K]>;
export type OpCases<K extends OpName> = CasesWith<OpAttributes[K]>;

/** Float values of low..high; the phase tells the inputs of a case apart. */
export const within = (shape: Shape, low: number, high: number, phase = 0): CaseInput => ({
  shape,
  dtype: 'float32',
  values: spread(sizeOf(shape), low, high, phase),
});

/** Float values of -1..1. */
export const values = (shape: Shape, phase = 0): CaseInput => within(shape, -1, 1, phase);

/** Float values of both signs and at least 0.2 in magnitude: for divisors, and for operators with a kink at zero. */
export const nonZero = (shape: Shape, phase = 0): CaseInput => ({
  shape,
  dtype: 'float32',
  values: awayFromZero(sizeOf(shape), 0.2, 2, phase),
});

export const exactly = (shape: Shape, dtype: DType, ...list: readonly number[]): CaseInput => ({
  shape,
  dtype,
  values: list,
});
