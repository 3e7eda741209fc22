import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultCache, type FetchOptions, fetchFile } from './download.ts';
import { besideSource, parseSource } from './source.ts';

/** 200 kB of bytes that no part of repeats. */
const CONTENT = Buffer.concat(Array.from({ length: 6250 }, (_, i) => createHash('sha256').update(`${i}`).digest()));
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

/** A hub on this machine that a test can make misbehave. */
interface Stub {
  content: Buffer;
  etag: string;
  /** Called before every answer; true: it has answered. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly requests: { method: string; url: string; range: string | undefined }[];
}

let server: Server;
let stub: Stub;
let options: FetchOptions & { cache: string; endpoint: string };

function answer(request: IncomingMessage, response: ServerResponse): void {
  stub.requests.push({ method: request.method ?? '', url: request.url ?? '', range: request.headers.range });
  if (stub.intercept(request, response)) return;
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  if (request.method === 'HEAD') {
    // As the hub does it for large files: a redirect to its storage that already says version and size.
    response.writeHead(302, {
      location: '/storage',
      'x-linked-etag': `"${stub.etag}"`,
      'x-linked-size': String(stub.content.length),
    });
    response.end();
    return;
  }
  const start = Number(range ?? 0);
  response.writeHead(range === undefined ? 200 : 206, { 'content-length': String(stub.content.length - start) });
  response.end(stub.content.subarray(start));
}

beforeEach(async () => {
  stub = { content: CONTENT, etag: SHA256, intercept: () => false, requests: [] };
  server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const cache = await mkdtemp(join(tmpdir(), 'clearword-hub-'));
  options = { cache, endpoint: `http://127.0.0.1:${port}`, retryDelay: 1, offline: false };
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(options.cache, { recursive: true, force: true });
});

const NAME = 'hub:owner/model/weights/file.bin';
const gets = () => stub.requests.filter(({ method }) => method === 'GET');

/** Sends some bytes and breaks the connection, for the first `times` downloads. */
function breakOff(times: number, after: number): void {
  let left = times;
  stub.intercept = (request, response) => {
    if (request.method !== 'GET' || left-- <= 0) return false;
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': String(CONTENT.length - start) });
    response.write(CONTENT.subarray(start, start + after), () => setTimeout(() => response.destroy(), 300));
    return true;
  };
}

describe('fetchFile', () => {
  it('downloads once, reports progress, and then takes the file from the cache', async () => {
    const seen: number[] = [];
    const path = await fetchFile(NAME, { ...options, onProgress: ({ received }) => seen.push(received) });
    expect((await readFile(path)).equals(CONTENT)).toBe(true);
    expect(seen.at(-1)).toBe(CONTENT.length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(stub.requests[0]?.url).toBe('/owner/model/resolve/main/weights/file.bin');
    expect(await fetchFile(NAME, options)).toBe(path);
    expect(gets()).toHaveLength(1);
  });

  it('goes on where a broken connection stopped', async () => {
    breakOff(2, 60_000);
    const path = await fetchFile(NAME, options);
    expect((await readFile(path)).equals(CONTENT)).toBe(true);
    const ranges = gets().map(({ range }) => range);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  });

  it('goes on in a later run, too', async () => {
    breakOff(1, 60_000);
    await expect(fetchFile(NAME, { ...options, tries: 1 })).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    const path = await fetchFile(NAME, options);
    expect((await readFile(path)).equals(CONTENT)).toBe(true);
    expect(gets().at(-1)?.range).toMatch(/^bytes=[1-9]/);
  });

  it('begins anew where the server cannot continue', async () => {
    breakOff(1, 60_000);
    await expect(fetchFile(NAME, { ...options, tries: 1 })).rejects.toThrow();
    stub.intercept = (request, response) => {
      if (request.method !== 'GET') return false;
      response.writeHead(200).end(CONTENT);
      return true;
    };
    expect((await readFile(await fetchFile(NAME, options))).equals(CONTENT)).toBe(true);
  });

  it('takes a new version, not the rest of it onto the old', async () => {
    const path = await fetchFile(NAME, options);
    stub.content = Buffer.concat([Buffer.from('new'), CONTENT]);
    stub.etag = createHash('sha256').update(stub.content).digest('hex');
    expect(await fetchFile(NAME, options)).toBe(path);
    expect((await readFile(path)).equals(stub.content)).toBe(true);
  });

  it('refuses bytes with another hash, and keeps none of them', async () => {
    stub.etag = 'a'.repeat(64);
    await expect(fetchFile(NAME, { ...options, tries: 2 })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining(`expected SHA-256 ${'a'.repeat(64)}, received ${SHA256}`),
    });
    const left = (await readdir(options.cache, { recursive: true })).filter((name) => name.includes('file.bin'));
    expect(left).toEqual([]);
  });

  it('checks small files by the hash that git gives them', async () => {
    stub.content = Buffer.from('{"a": 1}\n');
    stub.etag = createHash('sha1').update(`blob ${stub.content.length}\0`).update(stub.content).digest('hex');
    expect(await readFile(await fetchFile(NAME, options), 'utf8')).toBe('{"a": 1}\n');
    stub.content = Buffer.from('{"a": 2}\n');
    await expect(fetchFile(`${NAME}2`, { ...options, tries: 1 })).rejects.toThrow(/git blob/);
  });

  it('demands the bytes of an address with a hash', async () => {
    const address = `${options.endpoint}/file.bin`;
    expect((await readFile(await fetchFile(`${address}#sha256=${SHA256}`, options))).equals(CONTENT)).toBe(true);
    await expect(fetchFile(`${address}#sha256=${'b'.repeat(64)}`, { ...options, tries: 1 })).rejects.toThrow(/SHA-256/);
  });

  it('offline: the cache, or a clear refusal', async () => {
    await expect(fetchFile(NAME, { ...options, offline: true })).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect(stub.requests).toEqual([]);
    const path = await fetchFile(NAME, options);
    const before = stub.requests.length;
    expect(await fetchFile(NAME, { ...options, offline: true })).toBe(path);
    expect(stub.requests).toHaveLength(before);
  });

  it('takes what it has while the server is away', async () => {
    const path = await fetchFile(NAME, options);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await fetchFile(NAME, options)).toBe(path);
    await expect(fetchFile('hub:owner/model/other.bin', { ...options, tries: 2 })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
    });
  });

  it('does not ask again for a file that does not exist, but does when the server is busy', async () => {
    stub.intercept = (_, response) => {
      response.writeHead(404).end();
      return true;
    };
    await expect(fetchFile(NAME, options)).rejects.toThrow(/answered 404/);
    expect(stub.requests).toHaveLength(1);
    let busy = 2;
    stub.intercept = (_, response) => {
      if (busy-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    };
    expect((await readFile(await fetchFile(NAME, options))).equals(CONTENT)).toBe(true);
  });

  it('a fixed revision in the cache is not asked about', async () => {
    const name = `${NAME}@${'c'.repeat(40)}`;
    const path = await fetchFile(name, options);
    const before = stub.requests.length;
    expect(await fetchFile(name, options)).toBe(path);
    expect(stub.requests).toHaveLength(before);
  });

  it('stops when it is cancelled, and leaves nothing that looks whole', async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const promise = fetchFile(NAME, { ...options, onProgress, signal: controller.signal });
    await expect(promise).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(fetchFile(NAME, { ...options, offline: true })).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
  });
});

describe('a server that misbehaves', () => {
  it('and sends more than it said is stopped', async () => {
    stub.intercept = (request, response) => {
      if (request.method !== 'GET') return false;
      response.writeHead(200).end(Buffer.concat([CONTENT, CONTENT]));
      return true;
    };
    await expect(fetchFile(NAME, { ...options, tries: 1 })).rejects.toThrow(`more than ${CONTENT.length} bytes`);
    const left = (await readdir(options.cache, { recursive: true })).filter((name) => name.includes('file.bin'));
    expect(left).toEqual([]);
  });

  it('and goes on elsewhere than asked is not believed', async () => {
    breakOff(1, 60_000);
    await expect(fetchFile(NAME, { ...options, tries: 1 })).rejects.toThrow();
    let wrong = 1;
    stub.intercept = (request, response) => {
      if (request.method !== 'GET' || wrong-- <= 0) return false;
      const head = { 'content-range': `bytes 10-${CONTENT.length - 1}/${CONTENT.length}` };
      response.writeHead(206, head).end(CONTENT.subarray(10));
      return true;
    };
    expect((await readFile(await fetchFile(NAME, options))).equals(CONTENT)).toBe(true);
  });

  it('and has another version by the time it sends it: none of its bytes come behind the old ones', async () => {
    // A plain server, whose versions say nothing about the bytes: only the version of the answer tells.
    const other = Buffer.from(CONTENT).reverse();
    let version = 'one';
    let cut = true;
    stub.intercept = (request, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const now = version === 'one' ? CONTENT : other;
      const head = { etag: `"${version}"`, 'content-length': String(now.length - start) };
      response.writeHead(start > 0 ? 206 : 200, head);
      if (request.method === 'HEAD') {
        response.end();
        // From the second question on, the file changes right behind the answer.
        if (!cut) version = 'two';
      } else if (cut) {
        cut = false;
        response.write(now.subarray(0, 60_000), () => setTimeout(() => response.destroy(), 300));
      } else response.end(now.subarray(start));
      return true;
    };
    const address = `${options.endpoint}/plain.bin`;
    await expect(fetchFile(address, { ...options, tries: 1 })).rejects.toThrow();
    await expect(fetchFile(address, { ...options, tries: 1 })).rejects.toThrow('changed meanwhile (from one to two)');
    expect((await readFile(await fetchFile(address, options))).equals(other)).toBe(true);
  });

  it('and sends round in circles is left', async () => {
    stub.intercept = (request, response) => {
      response.writeHead(302, { location: request.url }).end();
      return true;
    };
    await expect(fetchFile(`${options.endpoint}/x.bin`, { ...options, tries: 1 })).rejects.toThrow(
      /redirected more than/,
    );
  });

  it('and leads from an encrypted address to this machine or past encryption is not followed', async () => {
    const answers = vi.spyOn(globalThis, 'fetch');
    for (const location of ['http://example.org/x.bin', 'https://127.0.0.1/x.bin']) {
      answers.mockResolvedValueOnce(new Response(null, { status: 302, headers: { location } }));
      await expect(fetchFile('https://example.org/x.bin', options)).rejects.toThrow(/which is not safe/);
    }
    expect(answers).toHaveBeenCalledTimes(2);
    answers.mockRestore();
  });
});

describe('parseSource', () => {
  it.each([
    ['https://example.org/a%2f..%2f..%2fb.bin', 'a-..-..-b.bin'],
    ['https://example.org/x/c%3a%00d.bin?download=1', 'c--d.bin'],
    ['https://example.org/%e0%80.bin', '--.bin'],
  ])('%s is kept under a harmless name', (text, name) => expect(parseSource(text)).toMatchObject({ name }));

  it('takes anything without a mark as a path', () => {
    expect(parseSource('models/a@b.pt')).toEqual({ kind: 'path', path: 'models/a@b.pt' });
  });

  it.each([
    'hub:owner',
    'hub:owner/name',
    'hub:owner/name/../x',
    'hub:../name/x',
    'hub:owner/../x/y',
    'hub:owner/name/x@../main',
    'https://example.org',
    'https://example.org/%2e%2e/',
    'https://example.org/...',
    'http://example.org/x',
    'https://example.org/x#md5=1',
  ])('refuses %s', (text) => expect(() => parseSource(text)).toThrow(/expected/));
});

it.each([
  ['hub:o/n/a/model.safetensors@v1', 'encoders.pt', 'hub:o/n/a/encoders.pt@v1'],
  ['hub:o/n/model.safetensors', 'x/y.pt', 'hub:o/n/x/y.pt'],
  ['https://example.org/a/m.safetensors?v=1', 'e f.pt', 'https://example.org/a/e%20f.pt?v=1'],
  ['https://example.org/a/m.safetensors', '//evil.org/e.pt', 'https://example.org/a/evil.org/e.pt'],
  ['/models/m.safetensors', '../e.pt', resolve('/e.pt')],
])('beside %s, %s is %s', (source, place, expected) => expect(besideSource(source, place)).toBe(expected));

it('the cache is where the platform and the user say', () => {
  expect(defaultCache({ CLEARWORD_CACHE: '/x' })).toBe('/x');
  expect(defaultCache({ XDG_CACHE_HOME: '/y' })).toContain('clearword');
});
