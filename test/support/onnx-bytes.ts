/**
 * ONNX files written field by field, so that they may be wrong.
 *
 * Field numbers: onnx.proto of the ONNX project.
 *
 * @module
 */
import { expect } from 'vitest';
import { ClearwordError } from '../../src/errors.ts';
import { encodeField, encodeVarint } from '../../src/models/plain/file/wire.ts';
import { checkedOnnxFile } from '../../src/models/plain/guard/onnx-guard.ts';

export type Bytes = Uint8Array;

export const bytes = (...parts: readonly (Bytes | readonly Bytes[])[]): Bytes =>
  new Uint8Array(Buffer.concat(parts.flat()));
export const text = (number: number, value: string): Bytes =>
  bytes(encodeField(number, new TextEncoder().encode(value)));
/** A whole number; one below 0 in ten bytes. */
export const whole = (number: number, value: number): Bytes => bytes(encodeVarint(8 * number), varint(value));
export const message = (number: number, ...parts: readonly Bytes[]): Bytes =>
  bytes(encodeField(number, bytes(...parts)));

function varint(value: number): Bytes {
  if (value >= 0) return encodeVarint(value);
  const bits = BigInt.asUintN(64, BigInt(value));
  return Uint8Array.from({ length: 10 }, (_, i) => Number((bits >> BigInt(7 * i)) & 127n) + (i < 9 ? 128 : 0));
}

/** NodeProto as field 1 of a graph. */
export const node = (type: string, inputs: readonly string[], output: string, ...rest: readonly Bytes[]): Bytes =>
  message(1, ...inputs.map((name) => text(1, name)), text(2, output), text(4, type), ...rest);

/** The same within a function, as field 7. */
export const step = (type: string, inputs: readonly string[], output: string, ...rest: readonly Bytes[]): Bytes =>
  message(7, ...inputs.map((name) => text(1, name)), text(2, output), text(4, type), ...rest);

export const own = text(7, 'own');

/** A function of the domain `own`, as field 25 of a model. */
export const func = (
  name: string,
  { inputs = ['x'], outputs = ['y'] }: { inputs?: readonly string[]; outputs?: readonly string[] },
  ...rest: readonly Bytes[]
): Bytes =>
  message(
    25,
    text(1, name),
    ...inputs.map((input) => text(4, input)),
    ...outputs.map((output) => text(5, output)),
    ...rest,
    text(10, 'own'),
    message(9, text(1, ''), whole(2, 17)),
  );

/** AttributeProto as field 5 of a node: a whole number, a list of them, or a part of a message; `type` as the runtime wants it. */
export const attribute = (name: string, ...rest: readonly Bytes[]): Bytes => message(5, text(1, name), ...rest);
export const wholeAttribute = (name: string, value: number): Bytes => attribute(name, whole(3, value), whole(20, 2));
export const listAttribute = (name: string, values: readonly number[]): Bytes =>
  attribute(name, ...values.map((value) => whole(8, value)), whole(20, 7));
export const graphAttribute = (name: string, ...graph: readonly Bytes[]): Bytes =>
  attribute(name, message(6, text(2, name), ...graph), whole(20, 5));

export const value = (number: number, name: string, sides: readonly (number | string)[], elementType = 1): Bytes => {
  const dims = sides.map((side) => message(1, typeof side === 'number' ? whole(1, side) : text(2, side)));
  return message(number, text(1, name), message(2, message(1, whole(1, elementType), message(2, ...dims))));
};
export const tensor = (number: number, name: string, dims: readonly number[], ...rest: readonly Bytes[]): Bytes =>
  message(number, ...dims.map((side) => whole(1, side)), text(8, name), ...rest);

export const FLOAT = whole(2, 1);
export const INT64 = whole(2, 7);
export const BOOL = whole(2, 9);

export const int64s = (...values: readonly number[]): Bytes =>
  bytes(encodeField(9, new Uint8Array(BigInt64Array.from(values, BigInt).buffer)));
export const floats = (...values: readonly number[]): Bytes =>
  bytes(encodeField(9, new Uint8Array(Float32Array.from(values).buffer)));
/** An initialiser that is a list. */
export const list = (name: string, ...values: readonly number[]): Bytes =>
  tensor(5, name, [values.length], INT64, int64s(...values));
export const scalar = (name: string, number: number): Bytes => tensor(5, name, [], INT64, int64s(number));

export const model = (...graph: readonly Bytes[]): Bytes =>
  bytes(
    whole(1, 8),
    message(8, text(1, ''), whole(2, 17)),
    message(8, text(1, 'own'), whole(2, 1)),
    message(7, text(2, 'graph'), ...graph),
  );
export const PICTURE = value(11, 'x', [1, 3, 'h', 'w']);
export const RESULT = value(12, 'y', [1, 3, 'h', 'w']);
export const IDENTITY = node('Identity', ['x'], 'y');
/** A network of nodes and initialisers beside what it does with the picture. */
export const beside = (...parts: readonly Bytes[]): Bytes => model(PICTURE, RESULT, IDENTITY, ...parts);

/** Seconds of the processor, so that other programs of a busy machine do not count. */
export function processorSeconds(action: () => void): number {
  const before = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/**
 * The promise about files of others: they are read, or refused with an error of the catalogue, in a short text without control
 * characters.
 */
export function expectRefusal(error: unknown): void {
  if (!(error instanceof ClearwordError)) throw error;
  expect(error.code).toBe('MODEL_INVALID');
  expect(error.message.length).toBeLessThan(2000);
  expect(error.message).not.toMatch(/\p{Cc}/u);
}

export function refused(file: Bytes, words: RegExp): void {
  expect(() => checkedOnnxFile(file, 'model x.onnx')).toThrow(
    expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(words) }),
  );
}

export function accepted(file: Bytes): void {
  expect(checkedOnnxFile(file, 'model x.onnx').graph).toBeDefined();
}
