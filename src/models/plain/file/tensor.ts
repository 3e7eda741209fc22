/**
 * A tensor as an ONNX file holds it.
 *
 * Field numbers: TensorProto of onnx.proto.
 *
 * @module
 */
import { fromHalf } from '../../float-formats.ts';
import { quoted } from '../refusal.ts';
import { bytesOf, countNumbers, type Field, fieldsOf, floatsOf, textOf, WireError, wholeOf, wholesOf } from './wire.ts';

export interface OnnxTensor {
  readonly name: string;
  readonly elementType: number;
  readonly shape: readonly number[];
  /** Elements that the file has for it, of the claimed number; Infinity where the type's own count is not known. */
  readonly stored: number;
  /** Bytes of raw data. */
  readonly raw: Uint8Array | undefined;
  /** Its values where they are few and the file has them: those that may become sizes. */
  readonly numbers: readonly number[] | undefined;
  /** Of data in another file: location, offset, length as they are written. */
  readonly external: Readonly<Record<string, string>> | undefined;
}

/** Longest list of numbers that is looked at: shapes, pads. */
export const LONGEST_LIST = 64;

/** Facts about where data lies: location, offset, length, checksum. */
const MOST_FACTS = 16;

/** Bits of an element by the number of its type; types of strings and of complex numbers are not there. */
export const ELEMENT_BITS: Readonly<Record<number, number>> = {
  ...{ 1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16 },
  ...{ 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4 },
};

/** Numbers of TensorProto.DataType. */
export const TYPE = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10, double: 11 } as const;

/** Smallest and largest value of the types of whole numbers. */
export const WHOLE_RANGE: Readonly<Record<number, readonly [number, number]>> = {
  2: [0, 2 ** 8 - 1],
  3: [-(2 ** 7), 2 ** 7 - 1],
  4: [0, 2 ** 16 - 1],
  5: [-(2 ** 15), 2 ** 15 - 1],
  6: [-(2 ** 31), 2 ** 31 - 1],
  7: [-(2 ** 63), 2 ** 63],
  9: [0, 1],
  12: [0, 2 ** 32 - 1],
  13: [0, 2 ** 64],
};

/** How an element of raw data is read. */
const READ: Readonly<Record<number, (view: DataView, at: number) => number>> = {
  1: (view, at) => view.getFloat32(at, true),
  2: (view, at) => view.getUint8(at),
  3: (view, at) => view.getInt8(at),
  4: (view, at) => view.getUint16(at, true),
  5: (view, at) => view.getInt16(at, true),
  6: (view, at) => view.getInt32(at, true),
  7: (view, at) => Number(view.getBigInt64(at, true)),
  // What the runtime makes of other bytes is its own.
  9: (view, at) => (view.getUint8(at) > 1 ? Number.NaN : view.getUint8(at)),
  10: (view, at) => fromHalf(view.getUint16(at, true)),
  11: (view, at) => view.getFloat64(at, true),
  12: (view, at) => view.getUint32(at, true),
  13: (view, at) => Number(view.getBigUint64(at, true)),
};

/** Bytes of a number in the fields that list values: float_data, int32_data, int64_data, double_data, uint64_data. */
const LISTS = new Map<number, 4 | 8 | undefined>([
  [4, 4],
  [5, undefined],
  [7, undefined],
  [10, 8],
  [11, undefined],
]);

/** Which of them lists the values of a type; the others are not read by the runtime. */
const LIST_OF: Readonly<Record<number, number>> = {
  ...{ 1: 4, 2: 5, 3: 5, 4: 5, 5: 5, 6: 5, 7: 7, 9: 5, 11: 10, 12: 11, 13: 11 },
};

export function readTensor(bytes: Uint8Array): OnnxTensor {
  let name = '';
  let elementType = 0;
  let [listed, elsewhere] = [0, false];
  let raw: Uint8Array | undefined;
  const shape: number[] = [];
  const lists = new Map<number, number[]>();
  const external: Record<string, string> = {};
  for (const field of fieldsOf(bytes)) {
    const { number } = field;
    if (number === 1) shape.push(...wholesOf(field, LONGEST_LIST));
    else if (number === 2) elementType = wholeOf(field);
    else if (number === 8) name = textOf(field);
    else if (number === 9) raw = bytesOf(field);
    else if (number === 14) elsewhere = wholeOf(field) === 1;
    else if (number === 13) {
      const [key, value] = readPair(bytesOf(field));
      external[key] = value;
      if (Object.keys(external).length > MOST_FACTS) {
        throw new WireError(`the tensor ${quoted(name)} says more than ${MOST_FACTS} things about its file`);
      }
    } else if (LISTS.has(number)) {
      listed += addNumbers(field, lists, listed);
    }
    if (shape.length > LONGEST_LIST) {
      throw new WireError(`the tensor ${quoted(name)} has more than ${LONGEST_LIST} dimensions`);
    }
  }
  const bits = ELEMENT_BITS[elementType];
  const stored = raw === undefined ? listed : bits === undefined ? Number.POSITIVE_INFINITY : (8 * raw.length) / bits;
  return {
    name,
    elementType,
    shape,
    stored,
    raw,
    numbers:
      listed > LONGEST_LIST ? undefined : numbersOf(elementType, raw, lists.get(LIST_OF[elementType] ?? 0) ?? []),
    external: elsewhere || Object.keys(external).length > 0 ? external : undefined,
  };
}

/** Counts the numbers of a field, and keeps them while they are few. */
function addNumbers(field: Field, lists: Map<number, number[]>, before: number): number {
  const size = LISTS.get(field.number);
  const count = countNumbers(field, size);
  if (before + count > LONGEST_LIST) return count;
  const list = lists.get(field.number) ?? [];
  list.push(...(size === undefined ? wholesOf(field, LONGEST_LIST) : floatsOf(field, size)));
  lists.set(field.number, list);
  return count;
}

function numbersOf(
  elementType: number,
  raw: Uint8Array | undefined,
  listed: readonly number[],
): readonly number[] | undefined {
  const read = READ[elementType];
  if (read === undefined) return undefined;
  if (raw !== undefined) {
    const size = (ELEMENT_BITS[elementType] as number) / 8;
    if (raw.length > size * LONGEST_LIST || raw.length % size !== 0) return undefined;
    const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
    return Array.from({ length: raw.length / size }, (_, i) => read(view, size * i));
  }
  // Where the list has bits of numbers instead of numbers.
  if (LIST_OF[elementType] === undefined) return undefined;
  // The runtime cuts a number that its type cannot hold; which one it then is, is not known here.
  const [least, most] = WHOLE_RANGE[elementType] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return listed.every((value) => value >= least && value <= most) ? listed : undefined;
}

/** StringStringEntryProto. */
export function readPair(bytes: Uint8Array, text: (field: Field) => string = textOf): [key: string, value: string] {
  let [key, value] = ['', ''];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) key = text(field);
    else if (field.number === 2) value = text(field);
  }
  return [key, value];
}
