/**
 * Tensors as PyTorch pickles them: a view (offset, sizes, strides) of a storage that lies elsewhere in the file.
 *
 * @module
 */
import { decodeElements, type ElementType, elementBytes, isElementType } from './element-types.ts';
import { PickleGlobal, PickleTuple } from './pickle.ts';

/** Global -> element type; an untyped storage gets its type from the tensors that view it. */
export const storageTypes: ReadonlyMap<string, ElementType | 'untyped'> = new Map([
  ['torch.FloatStorage', 'float32'],
  ['torch.DoubleStorage', 'float64'],
  ['torch.HalfStorage', 'float16'],
  ['torch.BFloat16Storage', 'bfloat16'],
  ['torch.LongStorage', 'int64'],
  ['torch.IntStorage', 'int32'],
  ['torch.ShortStorage', 'int16'],
  ['torch.CharStorage', 'int8'],
  ['torch.ByteStorage', 'uint8'],
  ['torch.BoolStorage', 'bool'],
  ['torch.UntypedStorage', 'untyped'],
  ['torch.storage.UntypedStorage', 'untyped'],
]);

interface Storage {
  readonly kind: 'storage';
  readonly key: string;
  readonly dtype: ElementType;
  /** Values it holds. */
  readonly count: number;
}

/** A tensor whose values are not read yet. */
export interface FoundTensor {
  readonly kind: 'tensor';
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  readonly storage: Storage;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isKind = <K extends string>(value: unknown, kind: K): value is { kind: K } =>
  typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === kind;

/**
 * How many times the bytes of the file its tensors may have values. Tied weights repeat values; a small file that unfolds
 * into gigabytes is an attack.
 */
const MOST_VALUES_PER_BYTE = 4;

/** Rebuilds tensors. `fail` is told what was expected and what came. */
export class TensorReader {
  readonly #fail: (expected: string, received: string) => never;
  readonly #storages = new Map<string, Storage>();
  readonly #decoded = new Map<string, Float32Array>();
  readonly #size: number;
  #values = 0;

  /** @param size of the file, in bytes */
  constructor(size: number, fail: (expected: string, received: string) => never) {
    this.#size = size;
    this.#fail = fail;
  }

  static isTensor = (value: unknown): value is FoundTensor => isKind(value, 'tensor');

  /** A persistent id: ('storage', type, key, device, count[, view]). */
  storage([tag, type, key, , count, view]: readonly unknown[]): Storage {
    const dtype = type instanceof PickleGlobal ? storageTypes.get(type.name) : undefined;
    if (tag !== 'storage' || dtype === undefined || typeof key !== 'string' || !isCount(count))
      return this.#fail('storages of tensors', 'another reference to data');
    if (view !== undefined && view !== null) this.#fail('whole storages', `a view of storage ${key}`);
    const known = this.#storages.get(key);
    if (known) return known;
    const storage: Storage = { kind: 'storage', key, dtype: dtype === 'untyped' ? 'uint8' : dtype, count };
    this.#storages.set(key, storage);
    return storage;
  }

  /** Bytes of a storage that was referred to. */
  bytesOf(key: string): number {
    const storage = this.#storages.get(key);
    if (!storage) return this.#fail('storages that tensors refer to', `the storage ${key}`);
    return storage.count * elementBytes(storage.dtype);
  }

  /** (storage, offset, sizes, strides, requires_grad, hooks[, dtype]): a tensor, checked to lie within its storage. */
  rebuild([storage, offset, sizes, strides, , , type]: readonly unknown[]): FoundTensor {
    const [shape, steps] = [sizes, strides].map((v) => (v instanceof PickleTuple ? v.items : v));
    const counts = (values: unknown): values is number[] => Array.isArray(values) && values.every(isCount);
    if (!isKind(storage, 'storage') || !isCount(offset) || !counts(shape) || !counts(steps))
      return this.#fail('tensors with storage, offset, sizes and strides', 'something else');
    const source = storage as Storage;
    const name = type instanceof PickleGlobal ? type.name.replace(/^torch\./, '') : source.dtype;
    if (!isElementType(name) || steps.length !== shape.length)
      return this.#fail('a tensor with one stride for each axis', `${steps.length} for [${shape}] of ${name}`);
    const size = shape.reduce((product, d) => product * d, 1);
    // Beyond exact integers a product with zero is no number, which no limit holds.
    if (!Number.isSafeInteger(size)) return this.#fail('a tensor of a size that can be', `[${shape}]`);
    const last = shape.reduce((sum, d, axis) => sum + (d - 1) * (steps[axis] ?? 0), offset);
    const room = Math.floor((source.count * elementBytes(source.dtype)) / elementBytes(name));
    if (size > 0 && (last >= room || size > room)) {
      const seen = `[${shape}] at ${offset} with strides [${steps}] of ${room} values`;
      return this.#fail('a tensor within its storage', seen);
    }
    return { kind: 'tensor', dtype: name, shape, strides: steps, offset, storage: source };
  }

  /** The values of a tensor, row-major; `read` gives the bytes of its storage. */
  async values(
    name: string,
    tensor: FoundTensor,
    read: (key: string, bytes: number) => Promise<Buffer>,
  ): Promise<Float32Array> {
    const { shape, strides, offset, dtype, storage } = tensor;
    const size = shape.reduce((product, d) => product * d, 1);
    this.#count(size, name);
    const source = await this.#decode(name, storage, dtype, read);
    if (isContiguous(shape, strides)) return source.subarray(offset, offset + size);
    const result = new Float32Array(size);
    const index = shape.map(() => 0);
    let place = offset;
    for (let k = 0; k < size; k++) {
      result[k] = source[place] ?? Number.NaN;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        const next = (index[axis] ?? 0) + 1;
        place += strides[axis] ?? 0;
        if (next < (shape[axis] ?? 0)) {
          index[axis] = next;
          break;
        }
        place -= next * (strides[axis] ?? 0);
        index[axis] = 0;
      }
    }
    return result;
  }

  #count(values: number, name: string): void {
    this.#values += values;
    if (this.#values > MOST_VALUES_PER_BYTE * this.#size)
      this.#fail(`tensors that fit a file of ${this.#size} bytes`, `more values up to tensor ${name}`);
  }

  async #decode(
    name: string,
    storage: Storage,
    dtype: ElementType,
    read: (key: string, bytes: number) => Promise<Buffer>,
  ): Promise<Float32Array> {
    const key = `${storage.key} ${dtype}`;
    const known = this.#decoded.get(key);
    if (known) return known;
    const needed = this.bytesOf(storage.key);
    // Entries of a zip file may lie over each other, and one storage may be viewed as many types.
    this.#count(Math.floor(needed / elementBytes(dtype)), name);
    const bytes = await read(storage.key, needed);
    if (bytes.length < needed) this.#fail(`${needed} bytes for storage ${storage.key}`, `${bytes.length}`);
    const values = decodeElements(bytes.subarray(0, needed), dtype);
    this.#decoded.set(key, values);
    return values;
  }
}

/** Whether the values of a tensor follow each other in row-major order; axes of one have any stride. */
function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const [size, stride] = [shape[axis] ?? 1, strides[axis] ?? 0];
    if (size !== 1 && stride !== expected) return false;
    expected *= size;
  }
  return true;
}
