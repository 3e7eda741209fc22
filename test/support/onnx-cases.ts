/**
 * Nodes of constants, whose results are known before a network runs: of operators that compute element by element.
 *
 * @module
 */
import fc from 'fast-check';
import { TYPE } from '../../src/models/plain/file/tensor.ts';
import { type Bytes, message, model, tensor, text, whole, wholeAttribute } from './onnx-bytes.ts';

/** A constant, as a list of its numbers. */
export interface Given {
  readonly type: number;
  readonly shape: readonly number[];
  readonly numbers: readonly number[];
}

export interface Case {
  readonly type: string;
  readonly inputs: readonly (Given | undefined)[];
  readonly attributes?: readonly Bytes[];
  /** Types of the outputs. */
  readonly outputs?: readonly number[];
}

export const rawOf = ({ type, numbers }: Given): Bytes => {
  if (type === TYPE.int64) return new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
  if (type === TYPE.int32) return new Uint8Array(Int32Array.from(numbers).buffer);
  return type === TYPE.bool ? Uint8Array.from(numbers) : new Uint8Array(Float32Array.from(numbers).buffer);
};

/** A network of the one node, with results z0, z1, ... */
export function modelOf({ type, inputs, attributes = [], outputs = [inputs[0]?.type ?? 0] }: Case): Bytes {
  const names = inputs.map((given, i) => (given ? `a${i}` : ''));
  const results = outputs.map((_, i) => `z${i}`);
  return model(
    ...inputs.flatMap((given, i) =>
      given ? [tensor(5, `a${i}`, given.shape, whole(2, given.type), message(9, rawOf(given)))] : [],
    ),
    message(
      1,
      ...names.map((name) => text(1, name)),
      ...results.map((name) => text(2, name)),
      text(4, type),
      ...attributes,
    ),
    ...outputs.map((output, i) => message(12, text(1, `z${i}`), message(2, message(1, whole(1, output))))),
  );
}

export const side = fc.integer({ min: 0, max: 4 });
export const positive = fc.integer({ min: 1, max: 4 });
export const small = fc.integer({ min: -6, max: 6 });
export const numberOf = (type: number): fc.Arbitrary<number> => {
  if (type === TYPE.bool) return fc.integer({ min: 0, max: 1 });
  return type === TYPE.float32 ? fc.integer({ min: -24, max: 24 }).map((value) => value / 4) : small;
};
export const shapes = fc.array(positive, { maxLength: 3 });
export const typed = fc.constantFrom(TYPE.int64, TYPE.int32, TYPE.float32);
export const given = (type: number, shape: readonly number[], value = numberOf(type)): fc.Arbitrary<Given> =>
  fc
    .array(value, { minLength: shape.reduce((a, b) => a * b, 1), maxLength: shape.reduce((a, b) => a * b, 1) })
    .map((numbers) => ({ type, shape, numbers }));
export const longs = (...numbers: readonly number[]): Given => ({ type: TYPE.int64, shape: [numbers.length], numbers });
export const any = fc.tuple(typed, shapes).chain(([type, shape]) => given(type, shape));
/** Of a shape, one that is repeated to it: some sides are 1, and the first ones are left out. */
export const narrowed = (shape: readonly number[]) =>
  fc
    .tuple(fc.nat(shape.length), fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }))
    .map(([left, ones]) => shape.map((length, axis) => (ones[axis] ? 1 : length)).slice(left));
export const list = (most = 3) => fc.array(small, { maxLength: most });

/** Numbers whose sums and products the types cannot hold, too. */
const wide = (type: number): fc.Arbitrary<number> => {
  const most = type === TYPE.int64 ? [2 ** 40 + 1, 2 ** 62, 2 ** 53 - 1] : [2 ** 30, 2 ** 24 + 1];
  const large = fc.constantFrom(...most, ...most.map((value) => -value));
  return fc.oneof(
    { weight: 5, arbitrary: numberOf(type) },
    { weight: 1, arbitrary: large.map((value) => (type === TYPE.float32 ? Math.fround(value) : value)) },
  );
};

const elementwise = (types: readonly string[], result?: number, fmod = false) =>
  fc.tuple(fc.constantFrom(...types), typed, shapes).chain(([type, of, shape]) =>
    fc.tuple(narrowed(shape), narrowed(shape)).chain((pair) =>
      // The processor stops a program that divides by 0.
      fc
        .tuple(
          given(of, pair[0], wide(of)),
          given(
            of,
            pair[1],
            wide(of).filter((value) => value !== 0),
          ),
        )
        .map(
          (inputs): Case => ({
            type,
            inputs,
            attributes: fmod ? [wholeAttribute('fmod', of === TYPE.float32 ? 1 : (inputs[0].numbers[0] ?? 0) & 1)] : [],
            outputs: [result ?? of],
          }),
        ),
    ),
  );
const unary = (types: readonly string[]) =>
  fc.tuple(fc.constantFrom(...types), any).map(([type, one]): Case => ({ type, inputs: [one] }));

export const ARITHMETIC_CASES = {
  arithmetic: elementwise(['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max']),
  remainders: elementwise(['Mod'], undefined, true),
  comparisons: elementwise(['Equal', 'Greater', 'Less', 'GreaterOrEqual', 'LessOrEqual'], TYPE.bool),
  powers: fc
    .tuple(any, fc.integer({ min: 0, max: 5 }))
    .map(([one, by]): Case => ({ type: 'Pow', inputs: [one, { type: one.type, shape: [], numbers: [by] }] })),
  unary: unary(['Identity', 'Neg', 'Abs', 'Sign', 'Floor', 'Ceil', 'Round', 'Sqrt', 'Relu', 'Exp', 'Softmax', 'Erf']),
  truths: fc
    .tuple(fc.constantFrom('And', 'Or', 'Xor', 'Not'), shapes)
    .chain(([type, shape]) =>
      fc
        .tuple(given(TYPE.bool, shape), given(TYPE.bool, shape))
        .map((pair): Case => ({ type, inputs: type === 'Not' ? [pair[0]] : pair })),
    ),
  choices: fc
    .tuple(typed, shapes)
    .chain(([type, shape]) =>
      fc
        .tuple(narrowed(shape), narrowed(shape), narrowed(shape))
        .chain(([c, a, b]) =>
          fc
            .tuple(given(TYPE.bool, c), given(type, a), given(type, b))
            .map((inputs): Case => ({ type: 'Where', inputs, outputs: [type] })),
        ),
    ),
  casts: fc
    .tuple(any, fc.constantFrom(TYPE.float32, TYPE.int32, TYPE.int64, TYPE.bool))
    .map(([one, to]): Case => ({ type: 'Cast', inputs: [one], attributes: [wholeAttribute('to', to)], outputs: [to] })),
  shapes: fc
    .tuple(any, fc.constantFrom('Shape', 'Size'), fc.option(small), fc.option(small))
    .map(([one, type, start, end]): Case => {
      const parts = { start, end };
      const attributes = Object.entries(parts).flatMap(([name, value]) =>
        value === null ? [] : [wholeAttribute(name, value)],
      );
      return { type, inputs: [one], attributes: type === 'Size' ? [] : attributes, outputs: [TYPE.int64] };
    }),
} satisfies Record<string, fc.Arbitrary<Case>>;
