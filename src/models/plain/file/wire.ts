/**
 * Protocol Buffers as they lie in a file, read without a schema and without copying.
 *
 * Format: Protocol Buffers, Encoding. Every length is checked against what is there before anything is made of it, so that a
 * message takes time and memory that grow with its bytes, whatever it claims.
 *
 * @module
 */

/** A field of a message. */
export interface Field {
  readonly number: number;
  /** A whole number, where it is one; beyond 2^53 it is not exact, which no sensible size is. */
  readonly value: number;
  /** How it is written: number of the wire type. */
  readonly wire: number;
  /** Its bytes, where it has some; else none. A view. */
  readonly bytes: Uint8Array;
  /** Where it begins and ends in the message, its tag included. */
  readonly start: number;
  readonly end: number;
}

/** Thrown for bytes that are no message; readers of files turn it into their own error. */
export class WireError extends Error {}

const NONE = new Uint8Array(0);
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
/** Bytes of the longest varint: 64 bits in sevens. */
const LONGEST = 10;

/** A varint as a number: two's complement of 64 bits where all ten bytes are there. */
function varint(bytes: Uint8Array, place: number): { readonly value: number; readonly next: number } {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < LONGEST; i++) {
    const byte = bytes[place + i];
    if (byte === undefined) throw new WireError('a number ends early');
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 0x80) return { value: i === LONGEST - 1 ? negative(bytes, place) : value, next: place + i + 1 };
  }
  throw new WireError('a number is too long');
}

/** A varint of all its bytes: negative numbers are written so, and their last bits count. */
function negative(bytes: Uint8Array, place: number): number {
  let value = 0n;
  for (let i = LONGEST - 1; i >= 0; i--) value = value * 128n + BigInt((bytes[place + i] ?? 0) & 0x7f);
  return Number(BigInt.asIntN(64, value));
}

/** The fields of a message, one after the other. Throws WireError. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  let place = 0;
  while (place < message.length) {
    const start = place;
    const { value: tag, next } = varint(message, place);
    const number = Math.floor(tag / 8);
    if (number < 1 || number >= 2 ** 29) throw new WireError(`a field has the number ${number}`);
    const wire = tag % 8;
    place = next;
    let value = 0;
    let bytes: Uint8Array = NONE;
    if (wire === WIRE.varint) {
      const read = varint(message, place);
      value = read.value;
      place = read.next;
    } else {
      const length = lengthOf(message, wire, place);
      place = length.next;
      if (length.value < 0 || length.value > message.length - place) throw new WireError('a field ends early');
      bytes = message.subarray(place, place + length.value);
      place += length.value;
    }
    yield { number, value, wire, bytes, start, end: place };
  }
}

function lengthOf(message: Uint8Array, wire: number, place: number): { readonly value: number; readonly next: number } {
  if (wire === WIRE.bytes) return varint(message, place);
  if (wire === WIRE.fixed64) return { value: 8, next: place };
  if (wire === WIRE.fixed32) return { value: 4, next: place };
  throw new WireError(`a field has the wire type ${wire}`);
}

/**
 * What a field holds, if it is written as its kind is. The runtime skips a field that is written otherwise, as it skips those that
 * it does not know: read all the same, it would have two meanings.
 */
function expectWire({ number, wire }: Field, ...expected: readonly number[]): void {
  if (!expected.includes(wire)) throw new WireError(`the field ${number} has the wire type ${wire}`);
}

/** The bytes of a message, a text or raw data. */
export function bytesOf(field: Field): Uint8Array {
  expectWire(field, WIRE.bytes);
  return field.bytes;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes of the longest text by which something is found. */
const LONGEST_TEXT = 2 ** 16;

/** A text by which something is found: bytes that are no text would all look alike. */
export function textOf(field: Field): string {
  const bytes = bytesOf(field);
  if (bytes.length > LONGEST_TEXT) throw new WireError(`a name has ${bytes.length} bytes`);
  try {
    return decoder.decode(bytes);
  } catch {
    throw new WireError(`the field ${field.number} is no text`);
  }
}

export function wholeOf(field: Field): number {
  expectWire(field, WIRE.varint);
  return field.value;
}

/** A float32. */
export function floatOf(field: Field): number {
  expectWire(field, WIRE.fixed32);
  return floatsOf(field, 4)[0] as number;
}

/** Whole numbers of a repeated field: one, or many in one piece (packed). */
export function wholesOf(field: Field, most: number): number[] {
  const { value, wire, bytes } = field;
  expectWire(field, WIRE.varint, WIRE.bytes);
  if (wire === WIRE.varint) return [value];
  const values: number[] = [];
  for (let place = 0; place < bytes.length; ) {
    if (values.length === most) throw new WireError(`a list has more than ${most} numbers`);
    const read = varint(bytes, place);
    values.push(read.value);
    place = read.next;
  }
  return values;
}

/** How many numbers a repeated field has: whole ones, or those of 4 or 8 bytes. */
export function countNumbers(field: Field, size?: 4 | 8): number {
  const { wire, bytes } = field;
  if (size === undefined) {
    expectWire(field, WIRE.varint, WIRE.bytes);
    return wire === WIRE.varint ? 1 : countVarints(bytes);
  }
  expectWire(field, WIRE.bytes, size === 4 ? WIRE.fixed32 : WIRE.fixed64);
  if (bytes.length % size !== 0) throw new WireError(`a list of numbers of ${size} bytes has ${bytes.length} bytes`);
  return bytes.length / size;
}

/** Numbers of 4 or 8 bytes of a repeated field. */
export function floatsOf(field: Field, size: 4 | 8): number[] {
  const view = new DataView(field.bytes.buffer, field.bytes.byteOffset, field.bytes.length);
  return Array.from({ length: countNumbers(field, size) }, (_, i) =>
    size === 4 ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true),
  );
}

/** How many varints there are: each ends with a byte below 128. */
function countVarints(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte < 0x80) count++;
  return count;
}

/** A field that holds bytes, as it is written. */
export function encodeField(number: number, bytes: Uint8Array): Uint8Array[] {
  return [encodeVarint(number * 8 + WIRE.bytes), encodeVarint(bytes.length), bytes];
}

/** A whole number of at least 0. */
export function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}
