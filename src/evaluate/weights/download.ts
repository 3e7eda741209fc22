/**
 * Files that are downloaded once: checked, then kept in a cache.
 *
 * @module
 */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ClearwordError, throwIfCancelled } from '../../errors.ts';

/** A published file. */
export interface PublishedFile {
  /** Name in the cache. */
  readonly name: string;
  readonly url: string;
  /** SHA-256 in hex, or as many of its first digits as its publisher gives (torch.hub puts 8 into the name and checks them). */
  readonly sha256: string;
  /** Longest download that is accepted, bytes. */
  readonly mostBytes: number;
}

export interface DownloadOptions {
  /** Folder of the cache. */
  readonly cache: string;
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes so far and, where the server says it, how many there will be. */
  readonly onBytes?: ((loaded: number, total: number | undefined) => void) | undefined;
}

/** CLEARWORD_CACHE, or the folder that the system keeps for caches. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { CLEARWORD_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (CLEARWORD_CACHE) return CLEARWORD_CACHE;
  return join(XDG_CACHE_HOME || LOCALAPPDATA || join(homedir(), '.cache'), 'clearword');
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/** The path of a published file in the cache, if it is there. It was checked when it was put there. */
export async function cached(file: PublishedFile, cache: string): Promise<string | undefined> {
  const path = join(cache, file.name);
  return (await isFile(path)) ? path : undefined;
}

/**
 * The path of a published file, downloaded unless it is in the cache. A download that is cut short, too long or not what
 * its checksum says leaves nothing behind.
 *
 * Errors: MODEL_NOT_FOUND (no way to the file), MODEL_INVALID (not the published file), OUTPUT_UNWRITABLE, CANCELLED.
 */
export async function download(file: PublishedFile, { cache, signal, onBytes }: DownloadOptions): Promise<string> {
  const known = await cached(file, cache);
  if (known !== undefined) return known;
  const target = join(cache, file.name);
  const temporary = join(cache, `.clearword-${randomUUID()}.tmp`);
  await mkdir(cache, { recursive: true }).catch((cause: unknown) => {
    throw new ClearwordError('OUTPUT_UNWRITABLE', `expected to make the cache ${cache}: ${reasonOf(cause)}`, { cause });
  });
  try {
    const digest = await fetchInto(temporary, file, signal, onBytes);
    if (!digest.startsWith(file.sha256.toLowerCase())) {
      const message = `${file.url}: expected a file whose SHA-256 begins with ${file.sha256}, received ${digest}`;
      throw new ClearwordError('MODEL_INVALID', message, {
        fix: 'Try again; if it persists, get the file another way and give its path.',
      });
    }
    await rename(temporary, target);
    return target;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function fetchInto(
  path: string,
  { url, mostBytes }: PublishedFile,
  signal: AbortSignal | undefined,
  onBytes: DownloadOptions['onBytes'],
): Promise<string> {
  throwIfCancelled(signal, `downloading ${url}`);
  const hash = createHash('sha256');
  let loaded = 0;
  try {
    const response = await fetch(url, signal === undefined ? {} : { signal });
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
    // The length of a compressed transfer is not that of the file.
    const length = response.headers.has('content-encoding') ? 0 : Number(response.headers.get('content-length'));
    const total = length > 0 ? length : undefined;
    onBytes?.(0, total);
    const watch = new Transform({
      transform(chunk: Uint8Array, _, done) {
        loaded += chunk.byteLength;
        hash.update(chunk);
        onBytes?.(loaded, total);
        done(loaded > mostBytes ? new Error(`the file is longer than ${mostBytes} bytes`) : null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body), watch, createWriteStream(path, { flags: 'wx' }));
    if (total !== undefined && loaded < total) throw new Error(`the transfer ended after ${loaded} of ${total} bytes`);
    return hash.digest('hex');
  } catch (cause) {
    throwIfCancelled(signal, `downloading ${url}`);
    throw new ClearwordError('MODEL_NOT_FOUND', `${url}: expected a file to download, received: ${reasonOf(cause)}`, {
      cause,
      fix: 'Check the connection, or get the file another way and give its path.',
    });
  }
}

/** fetch says "fetch failed" and keeps the reason in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
