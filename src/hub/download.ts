/**
 * Downloads that are kept, go on where they stopped, and are checked.
 *
 * Written by hand because the hub's own client (@huggingface/hub 2) begins anew after every interruption, checks no hash and
 * takes no progress callback, at ten megabytes of dependencies; what is used of the hub's protocol are four response headers.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { hubEndpoint, isLoopback, parseSource, type RemoteFile } from './source.ts';

export interface DownloadProgress {
  /** Bytes that are there, with those of earlier tries. */
  readonly received: number;
  /** Bytes of the whole file; undefined where the server does not say. */
  readonly total: number | undefined;
}

export interface FetchOptions {
  /** Folder of the cache. Default: CLEARWORD_CACHE, or clearword in the user's cache folder. */
  readonly cache?: string | undefined;
  /** Take files from the cache only. Default: whether CLEARWORD_OFFLINE is set. */
  readonly offline?: boolean | undefined;
  /** Address of the hub. Default: HF_ENDPOINT, or huggingface.co. */
  readonly endpoint?: string | undefined;
  /** Tries in all; the wait between them doubles from `retryDelay` milliseconds. */
  readonly tries?: number | undefined;
  readonly retryDelay?: number | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a server says about a file before it sends it. */
interface Remote {
  /** SHA-256 (64 hex) or git's SHA-1 of the blob (40 hex) on the hub; elsewhere any text that changes with the file. */
  readonly etag: string | undefined;
  readonly size: number | undefined;
}

/** What was said of a file that is asked for. */
interface Described extends Remote {
  /** Whether the same server sends the file: then it has to name the same version again. */
  readonly direct: boolean;
}

/** What is kept beside a file. */
const keptSchema = z.object({
  url: z.string(),
  etag: z.string().optional(),
  size: z.number().optional(),
  sha256: z.string(),
});

type Kept = Readonly<z.output<typeof keptSchema>>;

/** The user's cache folder, as the platforms have it. */
export function defaultCache(environment: NodeJS.ProcessEnv = process.env): string {
  const { CLEARWORD_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (CLEARWORD_CACHE) return CLEARWORD_CACHE;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'clearword');
  if (process.platform === 'win32')
    return join(LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'clearword', 'cache');
  return join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'clearword');
}

/**
 * The path of a file that is given by path, hub name or address; downloads what is not in the cache.
 *
 * @throws ClearwordError INVALID_OPTION, DOWNLOAD_FAILED, CANCELLED; a path is not looked at
 */
export async function fetchFile(source: string, options: FetchOptions = {}): Promise<string> {
  const endpoint = options.endpoint ?? hubEndpoint();
  const parsed = parseSource(source, endpoint);
  if (parsed.kind === 'path') return parsed.path;
  const folder = join(options.cache ?? defaultCache(), parsed.folder);
  const path = join(folder, parsed.name);
  const found = await readRecord(path);
  // The file of an address whose demanded bytes have changed is of no use.
  const kept = parsed.sha256 === undefined || found?.sha256 === parsed.sha256 ? found : undefined;
  if (kept && parsed.immutable) return path;
  if (options.offline ?? Boolean(process.env.CLEARWORD_OFFLINE)) {
    if (kept) return path;
    throw new ClearwordError(
      'DOWNLOAD_FAILED',
      `${source}: expected it in the cache ${folder}, because work is offline`,
      {
        fix: 'Go online once, or copy the file and give its path.',
      },
    );
  }
  const tries = options.tries ?? 5;
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptDownload(parsed, path, kept, options);
    } catch (error) {
      throwIfCancelled(options.signal, `the download of ${source}`);
      if (error instanceof ClearwordError) throw error;
      // What is there already is better than nothing while the network is away.
      if (kept && !(error instanceof WrongBytes)) return path;
      if (error instanceof Misled || (error instanceof Refused && !error.passing)) throw failure(source, error);
      if (attempt >= tries) throw failure(source, error);
      await sleep((options.retryDelay ?? 500) * 2 ** (attempt - 1));
    }
  }
}

/** An answer other than the file. */
class Refused extends Error {
  readonly passing: boolean;
  constructor(status: number) {
    super(`the server answered ${status}`);
    this.passing = status === 408 || status === 429 || status >= 500;
  }
}

/** The bytes that came are not those that the server or the user named. */
class WrongBytes extends Error {}

/** A redirection that is not followed, however often it is tried. */
class Misled extends Error {}

function failure(source: string, cause: unknown): ClearwordError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const reason = inner instanceof Error ? inner.message : String(inner);
  return new ClearwordError('DOWNLOAD_FAILED', `${source}: expected to download it, but ${reason}`, { cause });
}

async function attemptDownload(
  file: RemoteFile,
  path: string,
  kept: Kept | undefined,
  { onProgress, signal }: FetchOptions,
): Promise<string> {
  const remote = await describe(file.url, signal);
  if (kept && remote.etag !== undefined && remote.etag === kept.etag) return path;
  await mkdir(join(path, '..'), { recursive: true });
  // Named after its version: bytes of another one are not continued.
  const version = createHash('sha256').update(`${remote.etag} ${remote.size}`).digest('hex').slice(0, 12);
  const part = `${path}.${version}.part`;
  const present = remote.etag === undefined ? 0 : await sizeOf(part);
  const complete = remote.size !== undefined && present === remote.size;
  if (!complete) await receive(file.url, part, present, remote, onProgress, signal);
  const sha256 = await check(part, file, remote);
  // The record of the file before must not stand beside this one, whenever the program ends.
  await rm(recordPath(path), { force: true });
  await rename(part, path);
  const record: Kept = { url: file.url, etag: remote.etag, size: remote.size, sha256 };
  await writeFile(recordPath(path), `${JSON.stringify(record, null, 2)}\n`);
  return path;
}

const MOST_REDIRECTS = 6;
/** Files whose size no server tells are broken off here; the largest published weights are of this order. */
const LARGEST = 2 ** 36;

/**
 * The answer to a request after its redirects, or the first that `until` takes. The path from an encrypted address never
 * leads over one that is not, nor from another machine to this one.
 */
async function follow(
  url: string,
  method: 'HEAD' | 'GET',
  {
    range,
    signal,
    until = () => false,
  }: { range?: string; signal: AbortSignal | undefined; until?: (headers: Headers) => boolean },
): Promise<Response> {
  let address = new URL(url);
  const local = isLoopback(address.hostname);
  for (let hop = 0; hop < MOST_REDIRECTS; hop++) {
    // Compressed on the way, a file would have another length.
    const headers = { 'accept-encoding': 'identity', ...(range !== undefined && { range }) };
    const response = await fetch(address, { method, headers, redirect: 'manual', ...(signal && { signal }) });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null || until(response.headers))
      return response;
    await response.body?.cancel();
    address = new URL(location, address);
    if (!local && (address.protocol !== 'https:' || isLoopback(address.hostname)))
      throw new Misled(`the server redirected to ${address.origin}, which is not safe`);
  }
  throw new Error(`the server redirected more than ${MOST_REDIRECTS} times`);
}

const versionOf = (etag: string | null): string | undefined => etag?.replace(/^(?:W\/)?"?|"$/g, '') || undefined;

/** Asks for a file's version and size. The hub answers for its storage before it redirects there. */
async function describe(url: string, signal: AbortSignal | undefined): Promise<Described> {
  const { status, headers } = await follow(url, 'HEAD', { signal, until: (known) => known.has('x-linked-etag') });
  if (status >= 400 && status !== 405) throw new Refused(status);
  const linked = headers.get('x-linked-etag');
  const size = Number(headers.get('x-linked-size') ?? headers.get('content-length') ?? Number.NaN);
  return {
    etag: versionOf(linked ?? headers.get('etag')),
    size: Number.isSafeInteger(size) && size > 0 ? size : undefined,
    direct: linked === null,
  };
}

/** Appends to `part` what is missing, or writes it anew where the server does not continue. */
async function receive(
  url: string,
  part: string,
  present: number,
  { size: total, etag, direct }: Described,
  onProgress: FetchOptions['onProgress'],
  signal: AbortSignal | undefined,
): Promise<void> {
  const response = await follow(url, 'GET', { signal, ...(present > 0 && { range: `bytes=${present}-` }) });
  if (!response.ok || !response.body) {
    // A range that the server does not have: the part is of no use.
    if (response.status === 416) await rm(part, { force: true });
    throw new Refused(response.status === 416 ? 500 : response.status);
  }
  const continued = response.status === 206;
  const sent = versionOf(response.headers.get('etag'));
  if (direct && etag !== undefined && sent !== undefined && sent !== etag)
    throw new Error(`the file changed meanwhile (from ${etag} to ${sent})`);
  const begin = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (continued && begin !== undefined && Number(begin) !== present)
    throw new Error(`the server went on at byte ${begin} instead of ${present}`);
  let received = continued ? present : 0;
  const most = total ?? LARGEST;
  const counter = new Transform({
    transform(chunk: Buffer, _, done) {
      received += chunk.length;
      if (received > most) {
        done(new Error(`the server sent more than ${most} bytes`));
        return;
      }
      onProgress?.({ received, total });
      done(null, chunk);
    },
  });
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  try {
    await pipeline(body, counter, createWriteStream(part, { flags: continued ? 'a' : 'w' }), signal ? { signal } : {});
  } catch (error) {
    // Nothing good follows bytes that are too many.
    if (received > most) await rm(part, { force: true });
    throw error;
  }
  if (total !== undefined && received < total)
    throw new Error(`the connection ended after ${received} of ${total} bytes`);
}

/** Checks the bytes against every hash that is known; returns their SHA-256. */
async function check(part: string, file: RemoteFile, { etag = '', size }: Remote): Promise<string> {
  const length = await sizeOf(part);
  const sha256 = createHash('sha256');
  // Git names a file by the hash of a header and its bytes; the hub does so for small files.
  const git = createHash('sha1').update(`blob ${length}\0`);
  for await (const chunk of createReadStream(part)) {
    sha256.update(chunk as Buffer);
    git.update(chunk as Buffer);
  }
  const [digest, gitDigest] = [sha256.digest('hex'), git.digest('hex')];
  const problems = [
    size !== undefined && length !== size ? `expected ${size} bytes, received ${length}` : '',
    /^[0-9a-f]{64}$/.test(etag) && digest !== etag ? `expected SHA-256 ${etag}, received ${digest}` : '',
    /^[0-9a-f]{40}$/.test(etag) && gitDigest !== etag ? `expected the git blob ${etag}, received ${gitDigest}` : '',
    file.sha256 !== undefined && digest !== file.sha256 ? `expected SHA-256 ${file.sha256}, received ${digest}` : '',
  ].filter((problem) => problem !== '');
  if (problems.length === 0) return digest;
  await rm(part, { force: true });
  throw new WrongBytes(problems.join('; '));
}

const recordPath = (path: string) => `${path}.source.json`;

/** What is known of a file in the cache, if it is there whole. */
async function readRecord(path: string): Promise<Kept | undefined> {
  try {
    const record = keptSchema.parse(JSON.parse(await readFile(recordPath(path), 'utf8')));
    const length = await sizeOf(path);
    return length > 0 && (record.size === undefined || record.size === length) ? record : undefined;
  } catch {
    return undefined;
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
