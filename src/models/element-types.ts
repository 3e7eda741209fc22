/**
 * Element types of stored tensors, and their values as float32.
 *
 * @module
 */
import { fromBfloat16, fromHalf } from './float-formats.ts';

type Decode = (view: DataView, place: number) => number;

/** Bytes and reader of each element type. */
const ELEMENTS = {
  float32: [4, (v, i) => v.getFloat32(i, true)],
  float64: [8, (v, i) => v.getFloat64(i, true)],
  float16: [2, (v, i) => fromHalf(v.getUint16(i, true))],
  bfloat16: [2, (v, i) => fromBfloat16(v.getUint16(i, true))],
  int64: [8, (v, i) => Number(v.getBigInt64(i, true))],
  int32: [4, (v, i) => v.getInt32(i, true)],
  int16: [2, (v, i) => v.getInt16(i, true)],
  int8: [1, (v, i) => v.getInt8(i)],
  uint8: [1, (v, i) => v.getUint8(i)],
  bool: [1, (v, i) => (v.getUint8(i) === 0 ? 0 : 1)],
} as const satisfies Record<string, readonly [number, Decode]>;

export type ElementType = keyof typeof ELEMENTS;

export const isElementType = (name: string): name is ElementType => Object.hasOwn(ELEMENTS, name);

export const elementBytes = (type: ElementType): number => ELEMENTS[type][0];

/** Little-endian elements as float32; bytes at the end that make no whole element are left out. */
export function decodeElements(bytes: Uint8Array, dtype: ElementType): Float32Array {
  const [width, decode] = ELEMENTS[dtype];
  // The usual case at memory speed; a copy, because the bytes need not be aligned.
  if (dtype === 'float32') {
    const whole = bytes.subarray(0, bytes.byteLength - (bytes.byteLength % width));
    return new Float32Array(new Uint8Array(whole).buffer);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: Math.floor(bytes.byteLength / width) }, (_, k) => decode(view, k * width));
}
