/**
 * A folder as a store: of this machine, or on a file system that all machines mount at the same path.
 *
 * @module
 */
import { mkdir, opendir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { writeFileAtomic } from '../atomic-file.ts';
import { checkKey, type ObjectStore, type StoredObject, storeFailure } from './object-store.ts';

export class FolderStore implements ObjectStore {
  readonly address: string;

  private constructor(folder: string) {
    this.address = folder;
  }

  /** Opens a folder; makes it if it does not exist. Errors: STORE_FAILED. */
  static async open(folder: string): Promise<FolderStore> {
    const store = new FolderStore(resolve(folder));
    await mkdir(store.address, { recursive: true }).catch((cause: unknown) => {
      throw storeFailure(store.address, 'make the folder', cause);
    });
    return store;
  }

  async put(key: string, data: Uint8Array): Promise<void> {
    const path = this.#path(key);
    await this.#attempt(`write ${key}`, () => writeFileAtomic(path, data, { overwrite: true }));
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const path = this.#path(key);
    return this.#attempt(`read ${key}`, () => readFile(path));
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    const path = this.#path(key);
    return this.#attempt(`read ${key}`, async () => {
      const entry = await stat(path);
      return entry.isFile() ? { key, bytes: entry.size, modified: entry.mtime } : undefined;
    });
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key);
    await this.#attempt(`remove ${key}`, () => rm(path, { force: true }));
    await this.#removeEmpty(dirname(path));
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    // The deepest folder that all keys with this prefix are in.
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const start = folder === '' ? this.address : this.#path(folder.slice(0, -1));
    for await (const path of this.#walk(start)) {
      const key = relative(this.address, path).split(sep).join('/');
      if (!key.startsWith(prefix)) continue;
      const entry = await this.stat(key);
      if (entry) yield entry;
    }
  }

  async close(): Promise<void> {}

  /** Files below a folder, one open folder at a time, so that millions of them need no memory. */
  async *#walk(folder: string): AsyncIterable<string> {
    const entries = await this.#attempt(`list ${folder}`, () => opendir(folder));
    if (!entries) return;
    const folders: string[] = [];
    let empty = true;
    for await (const entry of entries) {
      empty = false;
      const path = join(folder, entry.name);
      if (isUnfinished(entry.name)) {
        if (await removeAbandoned(path)) await this.#removeEmpty(folder);
        continue;
      }
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) yield path;
    }
    for (const path of folders) yield* this.#walk(path);
    // A process that was killed before it wrote its first file, or after it removed the last one, has left the folder alone.
    if (empty && (await isAbandoned(folder))) await this.#removeEmpty(folder);
  }

  /** A folder for every job would stay for ever. The first one that is not empty, or that another process is using, ends it. */
  async #removeEmpty(folder: string): Promise<void> {
    if (folder === this.address) return;
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (removed) await this.#removeEmpty(dirname(folder));
  }

  #path(key: string): string {
    checkKey(key);
    return join(this.address, ...key.split('/'));
  }

  /** Undefined where there is nothing. */
  async #attempt<T>(what: string, action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
      throw storeFailure(this.address, what, cause);
    }
  }
}

/** Hours after which nobody is writing a file any more. */
const ABANDONED = 1;

/** Temporary files of `writeFileAtomic`. */
function isUnfinished(name: string): boolean {
  return name.startsWith('.clearword-') && name.endsWith('.tmp');
}

async function isAbandoned(path: string): Promise<boolean> {
  const entry = await stat(path).catch(() => undefined);
  return entry !== undefined && Date.now() - entry.mtimeMs > ABANDONED * 3_600_000;
}

/** Removes what a process that was killed has left. @returns whether it did */
async function removeAbandoned(path: string): Promise<boolean> {
  if (!(await isAbandoned(path))) return false;
  await rm(path, { force: true });
  return true;
}
