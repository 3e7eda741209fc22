/**
 * API keys: who may use the server, and whose a job is.
 *
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ClearwordError } from '../errors.ts';

const SHORTEST = 16;

interface Key {
  readonly name: string;
  /** SHA-256, so that all are of one length and no comparison tells how much of a guess is right. */
  readonly digest: Buffer;
}

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

export class ApiKeys {
  readonly #keys: readonly Key[];

  private constructor(keys: readonly Key[]) {
    this.#keys = keys;
  }

  /** Reads a file of keys: one `name:key` a line; empty lines and lines that start with # mean nothing. */
  static async read(path: string): Promise<ApiKeys> {
    const text = await readFile(path, 'utf8').catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ClearwordError('INPUT_UNREADABLE', `expected a file of keys for --api-keys: ${reason}`, { cause });
    });
    return ApiKeys.parse(text);
  }

  /** @throws ClearwordError INVALID_OPTION naming the line, not the key */
  static parse(text: string): ApiKeys {
    const keys: Key[] = [];
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      if (line.trim() === '' || line.startsWith('#')) continue;
      const [, name, key] = /^([\w.@-]{1,60}):(\S+)$/.exec(line.trim()) ?? [];
      if (
        name === undefined ||
        key === undefined ||
        key.length < SHORTEST ||
        keys.some((known) => known.name === name)
      ) {
        const expected = `a new name, a colon and a key of at least ${SHORTEST} characters`;
        throw new ClearwordError('INVALID_OPTION', `expected ${expected} in line ${i + 1} of --api-keys`);
      }
      keys.push({ name, digest: digestOf(key) });
    }
    if (keys.length === 0)
      throw new ClearwordError('INVALID_OPTION', 'expected keys in the file of --api-keys, found none');
    return new ApiKeys(keys);
  }

  /**
   * The name of the key in an `Authorization: Bearer` header.
   *
   * @throws ClearwordError UNAUTHENTICATED
   */
  ownerOf(authorization: string | undefined): string {
    const key = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    const digest = digestOf(key ?? '');
    // All of them, whether or not one fits.
    const fitting = this.#keys.filter((known) => timingSafeEqual(known.digest, digest));
    const name = fitting[0]?.name;
    if (key === undefined || name === undefined) {
      const received = key === undefined ? 'none' : 'another';
      throw new ClearwordError('UNAUTHENTICATED', `expected an API key that the server knows, received ${received}`);
    }
    return name;
  }
}
