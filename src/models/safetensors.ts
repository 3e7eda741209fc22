/**
 * The safetensors format: a JSON header and raw little-endian tensors. Reading it executes nothing.
 *
 * Format: huggingface/safetensors, README. 8 bytes header length, header, data.
 *
 * @module
 */
import { ClearwordError, type ErrorCode } from '../errors.ts';
import { fromHalves, toHalf } from './float-formats.ts';

/** Element types that Clearword's own files have. */
export type StoredType = 'F32' | 'F16' | 'I64';
const BYTES: Readonly<Record<StoredType, number>> = { F32: 4, F16: 2, I64: 8 };

export interface StoredTensor<Type extends string = StoredType> {
  readonly dtype: Type;
  readonly shape: readonly number[];
  /** Little-endian values. */
  readonly bytes: Uint8Array;
}

export interface SafetensorsFile<Type extends string = StoredType> {
  readonly tensors: ReadonlyMap<string, StoredTensor<Type>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Longest header that is read; the format's own limit. */
const LONGEST_HEADER = 100_000_000;

/** Serialises tensors. Metadata values are strings, as the format wants. */
export function writeSafetensors({ tensors, metadata }: SafetensorsFile): Uint8Array[] {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.byteLength] };
    offset += bytes.byteLength;
    parts.push(bytes);
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // The header ends at a multiple of 8, so that the tensors are aligned.
  const padded = new Uint8Array(8 * Math.ceil(json.length / 8)).fill(0x20);
  padded.set(json);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  return [length, padded, ...parts];
}

/**
 * Reads a file's bytes. The tensors are views of them.
 *
 * @param source what to call the file in messages
 * @param code the catalogue's code for a damaged file of this kind
 * @throws ClearwordError with `code` if the file is truncated, no safetensors file, or its header does not fit its data
 */
export function readSafetensors(bytes: Uint8Array, source: string, code: ErrorCode = 'MODEL_INVALID'): SafetensorsFile {
  return readSafetensorsOf(BYTES, bytes, source, code);
}

/** The same with other element types; `sizes` has the bytes of each. */
export function readSafetensorsOf<Type extends string>(
  sizes: Readonly<Record<Type, number>>,
  bytes: Uint8Array,
  source: string,
  code: ErrorCode = 'MODEL_INVALID',
): SafetensorsFile<Type> {
  const fail = (expected: string, received: string): never => {
    throw new ClearwordError(code, `${source}: expected ${expected}, received ${received}`);
  };
  if (bytes.byteLength < 10) fail('a safetensors file', `${bytes.byteLength} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > LONGEST_HEADER || 8 + length > bytes.byteLength) {
    fail(
      `a safetensors header of at most ${bytes.byteLength - 8} bytes`,
      `a length of ${length} (no safetensors file, or cut short)`,
    );
  }
  const header = parseHeader(bytes.subarray(8, 8 + length), fail);
  const data = bytes.subarray(8 + length);
  const tensors = new Map<string, StoredTensor<Type>>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') metadata = stringsOf(entry);
    else tensors.set(name, tensorOf(sizes, name, entry, data, fail));
  }
  // Tensors may not share bytes: a short file could name the same ones a million times.
  const claimed = [...tensors.values()].reduce((sum, tensor) => sum + tensor.bytes.byteLength, 0);
  if (claimed > data.byteLength) fail(`tensors of ${data.byteLength} bytes in all`, `${claimed} (they overlap)`);
  return { tensors, metadata };
}

type Fail = (expected: string, received: string) => never;

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof header === 'object' && header !== null && !Array.isArray(header))
      return header as Record<string, unknown>;
  } catch {
    // Falls through to the one message for every malformed header.
  }
  return fail('a JSON object as safetensors header', 'something else');
}

function stringsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function tensorOf<Type extends string>(
  sizes: Readonly<Record<Type, number>>,
  name: string,
  entry: unknown,
  data: Uint8Array,
  fail: Fail,
): StoredTensor<Type> {
  const {
    dtype,
    shape,
    data_offsets: offsets,
  } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const whole = (values: unknown): values is number[] =>
    Array.isArray(values) && values.every((v) => Number.isSafeInteger(v) && v >= 0);
  const known = (type: unknown): type is Type => typeof type === 'string' && Object.hasOwn(sizes, type);
  const types = Object.keys(sizes);
  if (!known(dtype))
    return fail(`${types.slice(0, -1).join(', ')} or ${types.at(-1)} for tensor ${name}`, String(dtype));
  if (!whole(shape) || !whole(offsets) || offsets.length !== 2)
    return fail(`a shape and two offsets for tensor ${name}`, JSON.stringify(entry));
  const [start, end] = offsets as [number, number];
  const size = shape.reduce((product, d) => product * d, sizes[dtype]);
  if (end - start !== size)
    return fail(`${size} bytes for tensor ${name} ${dtype} [${shape.join(',')}]`, `${end - start}`);
  if (end > data.byteLength)
    return fail(`${end} bytes of data for tensor ${name}`, `${data.byteLength} (the file is cut short)`);
  return { dtype, shape, bytes: data.subarray(start, end) };
}

/** Float32 values as stored bytes. */
export function storeFloat32(values: Float32Array, shape: readonly number[]): StoredTensor {
  return { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

/** Float32 values rounded to half precision (to nearest, ties to even). */
export function storeFloat16(values: Float32Array, shape: readonly number[]): StoredTensor {
  const halves = Uint16Array.from(values, toHalf);
  return { dtype: 'F16', shape, bytes: new Uint8Array(halves.buffer) };
}

/** Values of a float tensor, as float32. */
export function loadFloats({ dtype, bytes }: StoredTensor): Float32Array<ArrayBuffer> {
  // A copy: the bytes of a file need not be aligned for a typed array. Not slice(), which in a Buffer is a view.
  const aligned = new Uint8Array(bytes).buffer;
  if (dtype === 'F32') return new Float32Array(aligned);
  if (dtype === 'F16') return fromHalves(new Uint16Array(aligned));
  throw new RangeError(`expected float values, received ${dtype}`);
}
