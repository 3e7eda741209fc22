/**
 * What is known of a value in an ONNX network before it runs: whether it comes from constants alone, its shape, and its numbers
 * where they are few.
 *
 * @module
 */
import { LONGEST_LIST, type OnnxTensor, TYPE, WHOLE_RANGE } from '../file/tensor.ts';

/** A number, or undefined where it is not known. */
export type Known = number | undefined;
export type Sides = readonly Known[];

export interface Constant {
  /** Whether it comes from constants alone: then the runtime computes it while it loads the network. */
  readonly fixed: boolean;
  /** Number of TensorProto.DataType; 0: not known. */
  readonly type: number;
  /** Of a fixed value, all sides or none are known. */
  readonly shape: Sides | undefined;
  /** In the order of its elements. */
  readonly numbers: Sides | undefined;
  /** Elements of a fixed value: at most so many. */
  readonly elements: number;
}

/** What comes from the picture, and nothing is known of. */
export const UNKNOWN: Constant = { fixed: false, type: 0, shape: undefined, numbers: undefined, elements: 1 };

/** Elements of a shape; free sides, and those of 0, count as 1, so that no side hides another. */
export const elementsOf = (shape: Sides): number =>
  shape.reduce<number>((product, side) => product * Math.max(1, Math.abs(side ?? 1)), 1);

/** Elements of a shape of known sides. */
export const productOf = (sides: readonly number[]): number => sides.reduce((product, side) => product * side, 1);

export const allKnown = (list: Sides | undefined): list is readonly number[] =>
  list?.every((side) => side !== undefined) ?? false;

export const fromTensor = ({ elementType, shape, numbers }: OnnxTensor): Constant => ({
  fixed: true,
  type: elementType,
  shape,
  numbers,
  elements: elementsOf(shape),
});

/** A list of numbers. */
export const listConstant = (numbers: Sides, type: number, fixed: boolean): Constant => ({
  fixed,
  type,
  shape: [numbers.length],
  numbers,
  elements: Math.max(1, numbers.length),
});

/** Axes of a value whose numbers are looked at. */
const MOST_AXES = 8;

/** All places of a shape, the last axis first; undefined if they are many, or not known. */
export function placesOf(shape: Sides | undefined): number[][] | undefined {
  if (!allKnown(shape) || shape.length > MOST_AXES || elementsOf(shape) > LONGEST_LIST) return undefined;
  if (shape.includes(0)) return [];
  return shape.reduce<number[][]>(
    (places, side) => places.flatMap((place) => Array.from({ length: side }, (_, i) => [...place, i])),
    [[]],
  );
}

/** The number at a place. */
export function numberAt({ shape, numbers }: Constant, place: readonly number[]): Known {
  if (!allKnown(shape) || numbers === undefined) return undefined;
  return numbers[place.reduce((index, i, axis) => index * (shape[axis] as number) + i, 0)];
}

/** Likewise where it stands for a larger value: axes of length 1 and missing ones are repeated. */
export function broadcastAt(value: Constant, place: readonly number[]): Known {
  const { shape } = value;
  if (shape === undefined) return undefined;
  const own = place.slice(place.length - shape.length);
  return numberAt(
    value,
    own.map((i, axis) => (shape[axis] === 1 ? 0 : i)),
  );
}

/** The shape of values that are combined element by element; undefined if one is not known. */
export function broadcastShape(shapes: readonly (Sides | undefined)[]): Known[] | undefined {
  let rank = 0;
  for (const shape of shapes) {
    if (shape === undefined) return undefined;
    rank = Math.max(rank, shape.length);
  }
  return Array.from({ length: rank }, (_, axis) => {
    let side: Known = 1;
    for (const shape of shapes) {
      const own = shape?.[axis - rank + shape.length];
      if (axis - rank + (shape?.length ?? 0) < 0 || own === 1) continue;
      // A free side is that of the others, or 1.
      if (own !== undefined) side = side === undefined || side === 1 ? own : Math.max(side, own);
      else if (side === 1) side = undefined;
    }
    return side;
  });
}

/** Whether whole numbers of a type are exact in double precision. */
const isExact = (value: number): boolean => Math.abs(value) <= Number.MAX_SAFE_INTEGER;

/** What the runtime has for a result of arithmetic in a type; undefined where that is not sure. */
export function inType(type: number, value: number): Known {
  if (Number.isNaN(value)) return undefined;
  const range = WHOLE_RANGE[type];
  // Beyond its range a whole number wraps around.
  if (range !== undefined)
    return Number.isInteger(value) && isExact(value) && value >= range[0] && value <= range[1] ? value : undefined;
  if (type === TYPE.float32) return Math.fround(value);
  return type === TYPE.double ? value : undefined;
}

/** Arithmetic of numbers that are all known and exact, in a type. */
export function compute(
  from: number,
  to: number,
  numbers: readonly Known[],
  operation: (...numbers: readonly number[]) => number,
): Known {
  const whole = WHOLE_RANGE[from] !== undefined;
  if (from === 0 || !allKnown(numbers) || (whole && !numbers.every(isExact))) return undefined;
  return inType(to, operation(...numbers));
}
