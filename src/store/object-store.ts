/**
 * Where pictures wait and results are kept: bytes under keys, the same for a folder and for object storage.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';

export interface StoredObject {
  /** Parts separated by slashes, such as `jobs/3f2a/input`. */
  readonly key: string;
  readonly bytes: number;
  readonly modified: Date;
}

/**
 * Every method fails with STORE_FAILED, which names the store and the key but is for the operator: it may hold paths.
 */
export interface ObjectStore {
  /** What `openStore` makes the same store of, in another process or on another machine. */
  readonly address: string;
  /** Writes whole or not at all, and replaces what was there. */
  put(key: string, data: Uint8Array): Promise<void>;
  /** Undefined: there is nothing under this key. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Undefined: there is nothing under this key. */
  stat(key: string): Promise<StoredObject | undefined>;
  /** No error if there is nothing under this key. */
  remove(key: string): Promise<void>;
  /** Objects whose keys start with `prefix`, in no particular order; what is written meanwhile may be left out. */
  list(prefix: string): AsyncIterable<StoredObject>;
  close(): Promise<void>;
}

/** Reads what has to be there. Errors: STORE_FAILED. */
export async function getExisting(store: ObjectStore, key: string): Promise<Uint8Array> {
  const data = await store.get(key);
  if (data !== undefined) return data;
  throw new ClearwordError('STORE_FAILED', `store ${store.address}: expected an object ${key}, found none`);
}

/** Removes everything below a prefix. */
export async function removeAll(store: ObjectStore, prefix: string): Promise<void> {
  for await (const { key } of store.list(prefix)) await store.remove(key);
}

/**
 * Checks that a key stays inside the store however it is turned into a path.
 *
 * @throws ClearwordError STORE_FAILED
 */
export function checkKey(key: string): void {
  const parts = key.split('/');
  const bad = parts.some((part) => part === '' || part === '.' || part === '..' || /[\0\\]/.test(part));
  if (!bad && key.length <= 1000) return;
  throw new ClearwordError(
    'STORE_FAILED',
    `expected a key of plain parts separated by slashes, received ${JSON.stringify(key)}`,
  );
}

/** A failure of a store in one form. `what` says what was to be done with which key. */
export function storeFailure(address: string, what: string, cause: unknown): ClearwordError {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new ClearwordError('STORE_FAILED', `store ${address}: cannot ${what}: ${reason}`, { cause });
}
