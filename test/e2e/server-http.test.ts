/** What every answer has, whom the server talks to, and what HTTP itself promises. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeImage } from '../../src/image/image-encode.ts';
import { patternPicture, temporaryFolder } from '../support/pictures.ts';
import { expectProblem, type Fields, formOf, shortLived, testServer } from '../support/server.ts';

const folder = await temporaryFolder();
const png = await encodeImage(patternPicture(60, 40), { format: 'png' });
const server = await testServer(join(folder, 'main'), { hosts: 'photos.example', origins: 'https://site.example' });
const start = shortLived(folder);

const post = (fields: Fields, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/v1/restorations`, { method: 'POST', body: formOf(fields), headers });

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request with any headers: `fetch` sends its own Host. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(server.url + path, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    request.on('error', reject);
    request.end();
  });
}
const codeOf = ({ body }: Answer): unknown => (JSON.parse(body.toString()) as { code: unknown }).code;

describe('every answer', () => {
  it('has a policy without frames, tells no other website where it was, and is what it says', async () => {
    const restored = await post({ image: png });
    const location = restored.headers.get('location') ?? '';
    for (const [path, method, status] of [
      [location, 'GET', 200],
      [`${location}/result`, 'GET', 200],
      [`${location}/events`, 'GET', 200],
      ['/healthz', 'GET', 200],
      ['/metrics', 'GET', 200],
      ['/openapi.json', 'GET', 200],
      ['/docs/', 'GET', 200],
      ['/docs/static/swagger-initializer.js', 'GET', 200],
      ['/none', 'GET', 404],
      ['/v1/restorations/none', 'GET', 404],
      ['/v1/restorations', 'POST', 400],
      ['/v1/restorations', 'DELETE', 405],
      ['/v1/restorations', 'OPTIONS', 204],
      ['/%zz', 'GET', 400],
      [location, 'DELETE', 204],
    ] as const) {
      const answer = await ask(path, {}, method);
      expect([path, method, answer.status]).toEqual([path, method, status]);
      expect([path, answer.headers]).toEqual([
        path,
        expect.objectContaining({
          'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
          'referrer-policy': 'same-origin',
          'x-content-type-options': 'nosniff',
          'cross-origin-resource-policy': 'same-origin',
          'x-request-id': expect.any(String),
        }),
      ]);
    }
  });

  it('is described at /docs over plain HTTP, without signs of the framework', async () => {
    const { headers, body } = await ask('/docs/', { host: 'photos.example' });
    expect(headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
    expect(headers['content-security-policy']).not.toMatch(/https:|swagger\.io/);
    expect(body.toString()).toContain('<title>Clearword: the interface</title>');
    expect(body.toString()).not.toContain('favicon');
    const initializer = (await ask('/docs/static/swagger-initializer.js')).body.toString();
    expect(initializer).not.toMatch(/base64|topbar-wrapper/);
    expect(initializer).toMatch(/validatorUrl: null/);
  });

  it('is compressed if it is text and long', async () => {
    const plain = (await ask('/openapi.json')).body;
    for (const [encoding, unpack] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const { headers, body } = await ask('/openapi.json', { 'accept-encoding': `${encoding}, identity` });
      expect(headers).toMatchObject({ 'content-encoding': encoding, vary: expect.stringContaining('accept-encoding') });
      expect(body.length).toBeLessThan(plain.length / 3);
      expect(unpack(body).equals(plain)).toBe(true);
    }
    const script = await ask('/docs/static/swagger-ui-bundle.js', { 'accept-encoding': 'br' });
    expect(script.headers['content-encoding']).toBe('br');
    expect((await ask('/healthz', { 'accept-encoding': 'br' })).headers['content-encoding']).toBeUndefined();
  });
});

describe('strangers', () => {
  it('cannot use the server by a name that they gave it', async () => {
    for (const path of ['/', '/docs/', '/openapi.json', '/metrics', '/v1/restorations/none', '/none']) {
      const answer = await ask(path, { host: 'evil.example' });
      expect([path, answer.status, codeOf(answer)]).toEqual([path, 403, 'ORIGIN_REFUSED']);
    }
    const port = new URL(server.url).port;
    for (const host of ['localhost', `127.0.0.1:${port}`, `[::1]:${port}`, 'photos.example']) {
      expect([host, (await ask('/metrics', { host })).status]).toEqual([host, 200]);
    }
    // Probes come by any name, and learn nothing.
    for (const path of ['/healthz', '/readyz'])
      expect((await ask(path, { host: 'pod.cluster.local' })).status).toBe(200);
  });

  it('cannot make the server work from their websites', async () => {
    const jobs = async () => (await server.service.metrics.registry.metrics()).match(/clearword_jobs_total\{.*/g);
    const before = await jobs();
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      // As from `fetch` with the mode no-cors.
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      const response = await post({ image: png }, headers);
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
      await expectProblem(response, { code: 'ORIGIN_REFUSED', detail: /^expected / });
    }
    expect(await jobs()).toEqual(before);
    expect((await post({ image: png }, { origin: server.url })).status).toBe(200);
  });

  it('that the operator knows may, and read what they get', async () => {
    const origin = 'https://site.example';
    const question = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'prefer' };
    const { status, headers } = await ask('/v1/restorations', question, 'OPTIONS');
    expect([status, headers]).toEqual([
      204,
      expect.objectContaining({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
        'access-control-allow-headers': expect.stringContaining('prefer'),
        vary: expect.stringContaining('origin'),
      }),
    ]);
    const response = await post({ image: png }, { origin });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    expect(response.headers.get('access-control-expose-headers')).toContain('location');
    const other = await ask('/v1/restorations', { ...question, origin: 'https://evil.example' }, 'OPTIONS');
    expect([other.status, other.headers['access-control-allow-origin']]).toEqual([403, undefined]);
  });
});

describe('methods', () => {
  it('that an address does not know are 405 with those that it knows; OPTIONS asks for them', async () => {
    const id = 'a'.repeat(40);
    for (const [path, allow] of [
      ['/v1/restorations', 'POST, OPTIONS'],
      ['/v1/inspections', 'POST, OPTIONS'],
      [`/v1/restorations/${id}`, 'GET, HEAD, DELETE, OPTIONS'],
      [`/v1/restorations/${id}/result`, 'GET, HEAD, OPTIONS'],
      ['/healthz', 'GET, HEAD, OPTIONS'],
      ['/openapi.json', 'GET, HEAD, OPTIONS'],
    ] as const) {
      const refused = await ask(path, { 'content-type': 'application/json' }, 'PUT');
      expect([path, refused.status, codeOf(refused), refused.headers.allow]).toEqual([
        path,
        405,
        'METHOD_NOT_ALLOWED',
        allow,
      ]);
      const asked = await ask(path, {}, 'OPTIONS');
      expect([path, asked.status, asked.headers.allow]).toEqual([path, 204, allow]);
    }
  });
});

describe('a result', () => {
  it('has a tag, and parts', async () => {
    const location = (await post({ image: png })).headers.get('location') ?? '';
    const path = `${location}/result`;
    const whole = await ask(path);
    const tag = whole.headers.etag ?? '';
    expect(whole.headers).toMatchObject({ 'accept-ranges': 'bytes', etag: expect.stringMatching(/^"[0-9a-f]{32}"$/) });
    const size = whole.body.length;
    const again = await ask(path, { 'if-none-match': tag });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    expect((await ask(path, { 'if-none-match': '"other"' })).status).toBe(200);
    const part = await ask(path, { range: 'bytes=10-19' });
    expect([part.status, part.headers['content-range']]).toEqual([206, `bytes 10-19/${size}`]);
    expect(part.body.equals(whole.body.subarray(10, 20))).toBe(true);
    expect((await ask(path, { range: 'bytes=10-19', 'if-range': tag })).status).toBe(206);
    expect((await ask(path, { range: 'bytes=10-19', 'if-range': '"other"' })).body.length).toBe(size);
    const outside = await ask(path, { range: `bytes=${size}-` });
    expect([outside.status, codeOf(outside), outside.headers['content-range']]).toEqual([
      416,
      'RANGE_INVALID',
      `bytes */${size}`,
    ]);
  });
});

describe('an Idempotency-Key', () => {
  it('is of one picture and its fields: with others it is refused', async () => {
    const headers = { 'idempotency-key': 'order-1', prefer: 'respond-async' };
    const first = (await (await post({ image: png, seed: '1' }, headers)).json()) as { id: string };
    const second = (await (await post({ image: png, seed: '1' }, headers)).json()) as { id: string };
    expect(second.id).toBe(first.id);
    for (const fields of [
      { image: png, seed: '2' },
      { image: await encodeImage(patternPicture(8, 8), { format: 'png' }), seed: '1' },
    ]) {
      await expectProblem(await post(fields, headers), { code: 'KEY_REUSED', detail: /the Idempotency-Key came with/ });
    }
    expect((await post({ image: png, seed: '2' }, { ...headers, 'idempotency-key': 'order-2' })).status).toBe(202);
    await server.service.finished(first.id);
    expect((await fetch(`${server.url}/v1/restorations/${first.id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await post({ image: png, seed: '2' }, headers)).status).toBe(202);
  });
});

describe('while it shuts down', () => {
  it('the server says that it is not ready for as long as jobs finish, and takes nothing in', async () => {
    const busy = await start({ grace: 10 });
    const send = (prompt: string, prefer = '') =>
      fetch(`${busy.url}/v1/restorations`, {
        method: 'POST',
        body: formOf({ image: png, prompt }),
        headers: { prefer },
      });
    const answer = send('slow');
    for (let tries = 0; tries < 2000 && (await busy.service.queue.counts()).running === 0; tries++) await wait(5);
    const closed = busy.close();
    // A connection of its own: others may have been kept open.
    const ready = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(busy.url).port), '127.0.0.1', () => {
        socket.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      });
      let text = '';
      socket.on('data', (data) => {
        text += data.toString();
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
    });
    expect(ready).toMatch(/^HTTP\/1\.1 503 /);
    expect(ready).toMatch(/^connection: close\r$/im);
    expect((await send('', 'respond-async')).status).toBe(503);
    expect((await answer).status).toBe(200);
    await closed;
    await expect(fetch(`${busy.url}/healthz`)).rejects.toThrow();
  });
});
