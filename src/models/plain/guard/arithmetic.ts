/**
 * Operators that compute element by element, as far as sizes are computed with them.
 *
 * @module
 */
import { TYPE, WHOLE_RANGE } from '../file/tensor.ts';

/** Results of numbers of a type; NaN where the runtime's result is not known. */
export type Operation = (
  numbers: readonly number[],
  type: number,
  option: (name: string) => number | undefined,
) => number;

const isWhole = (type: number): boolean => WHOLE_RANGE[type] !== undefined;

/** Quotients of whole numbers are cut off; what one by zero is differs between processors. */
function divide([a = 0, b = 0]: readonly number[], type: number): number {
  if (!isWhole(type)) return a / b;
  return b === 0 ? Number.NaN : Math.trunc(a / b);
}

/** Remainders have the sign of the divisor, as in Python, unless `fmod` asks for that of the dividend, as in C. */
function modulo(
  [a = 0, b = 0]: readonly number[],
  _type: number,
  option: (name: string) => number | undefined,
): number {
  if (b === 0) return Number.NaN;
  const rest = a % b;
  return option('fmod') !== 1 && rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** Only where it is exact. */
function power([a = 0, b = 0]: readonly number[]): number {
  const result = a ** b;
  const exact = Number.isInteger(a) && Number.isInteger(b) && b >= 0 && Math.abs(result) < 2 ** 24;
  return exact ? result : Number.NaN;
}

/** Halves go to the even number. */
function round([a = 0]: readonly number[]): number {
  const below = Math.floor(a);
  const part = a - below;
  return part < 0.5 || (part === 0.5 && below % 2 === 0) ? below : below + 1;
}

const one =
  (operation: (a: number) => number): Operation =>
  ([a = 0]) =>
    operation(a);
const two =
  (operation: (a: number, b: number) => number): Operation =>
  ([a = 0, b = 0]) =>
    operation(a, b);
const bit = (value: boolean): number => (value ? 1 : 0);

export const ARITHMETIC: Readonly<Record<string, Operation>> = {
  Add: two((a, b) => a + b),
  Sub: two((a, b) => a - b),
  Mul: two((a, b) => a * b),
  Div: divide,
  Mod: modulo,
  Pow: power,
  Min: (numbers) => numbers.reduce((a, b) => Math.min(a, b)),
  Max: (numbers) => numbers.reduce((a, b) => Math.max(a, b)),
  Neg: one((a) => -a),
  Abs: one(Math.abs),
  Sign: one(Math.sign),
  Floor: one(Math.floor),
  Ceil: one(Math.ceil),
  Round: round,
  Sqrt: one(Math.sqrt),
  Relu: one((a) => Math.max(0, a)),
};

/** The same, with truth values as results. */
export const COMPARISONS: Readonly<Record<string, Operation>> = {
  Equal: two((a, b) => bit(a === b)),
  Greater: two((a, b) => bit(a > b)),
  GreaterOrEqual: two((a, b) => bit(a >= b)),
  Less: two((a, b) => bit(a < b)),
  LessOrEqual: two((a, b) => bit(a <= b)),
  And: two((a, b) => bit(a !== 0 && b !== 0)),
  Or: two((a, b) => bit(a !== 0 || b !== 0)),
  Xor: two((a, b) => bit((a !== 0) !== (b !== 0))),
  Not: one((a) => bit(a === 0)),
};

/** A number in another type; from a fraction to a whole number it is cut off. */
export function cast([a = 0]: readonly number[], to: number): number {
  if (to === TYPE.bool) return bit(a !== 0);
  return isWhole(to) ? Math.trunc(a) : a;
}
