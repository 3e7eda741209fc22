/**
 * What a rule about an operator is given, and what it says.
 *
 * @module
 */

import type { OnnxAttribute } from '../file/onnx-file.ts';
import { allKnown, type Constant, type Known, type Sides, UNKNOWN } from './constants.ts';

/** A node, with what is known of its inputs. */
export interface Call {
  readonly type: string;
  /** Undefined where an input is left out. */
  readonly inputs: readonly (Constant | undefined)[];
  readonly attribute: (name: string) => OnnxAttribute | undefined;
  /** How many outputs it has, and which of them is asked for. */
  readonly outputs: number;
  readonly output: number;
}

export interface Result {
  /** Default: the type of the first input. */
  readonly type?: number | undefined;
  readonly shape?: Sides | undefined;
  readonly at?: (place: readonly number[]) => Known;
  /** In place of `at` where the order stays. */
  readonly numbers?: Sides | undefined;
  /** At most, where the shape is not known. */
  readonly elements?: number;
}

export type Rule = (call: Call) => Result;

export const input = (call: Call, place: number): Constant => call.inputs[place] ?? UNKNOWN;

/** A list that is an attribute, or an input, or left out; null where it is there and not known. The runtime takes an empty one for none. */
export function listOf(call: Call, name: string, place: number): Sides | undefined | null {
  const attribute = call.attribute(name);
  const given = call.inputs[place];
  const list = attribute ? attribute.wholes : given?.numbers;
  if (list === undefined) return attribute || given ? null : undefined;
  return list.length === 0 ? undefined : list;
}

/** Counted from the end where it is below 0. */
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The axis that an operator works along; undefined where there is none of that number. */
export function axisAlong(call: Call, usual: number, rank: number): number | undefined {
  const axis = axisOf(call.attribute('axis')?.whole ?? usual, rank);
  return axis >= 0 && axis < rank ? axis : undefined;
}

/** Axes of a value; all of them where none are named, undefined where they are not known or not there. */
export function axesOf(list: Sides | undefined | null, rank: number): number[] | undefined {
  if (list === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  if (list === null || !allKnown(list)) return undefined;
  const axes = list.map((axis) => axisOf(axis, rank));
  return axes.every((axis) => axis >= 0 && axis < rank) ? axes : undefined;
}

/** The same numbers in another shape. */
export const reshaped = ({ numbers, elements }: Constant, shape: Sides | undefined): Result => ({
  shape,
  numbers,
  elements,
});
