/** What the server refuses, and how it says so. */
import { writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue, type ErrorCode } from '../../src/errors.ts';
import { encodeImage } from '../../src/image/image-encode.ts';
import type { ServerSettings } from '../../src/server/settings.ts';
import { patternPicture, temporaryFolder } from '../support/pictures.ts';
import { expectProblem, type Fields, formOf, shortLived, type TestServer, testServer } from '../support/server.ts';

const folder = await temporaryFolder();
const png = await encodeImage(patternPicture(60, 40), { format: 'png' });
const jpeg = await encodeImage(patternPicture(60, 40), { format: 'jpeg' });
const main = await testServer(join(folder, 'main'), { maxMegabytes: 0.2, maxMegapixels: 1, formats: 'png,tiff' });
const start = shortLived(folder);

const post = (fields: Fields, headers: Record<string, string> = {}, server: TestServer = main) =>
  fetch(`${server.url}/v1/restorations`, { method: 'POST', body: formOf(fields), headers });

/** A PNG whose header says that it is 30000 x 30000 pixels. */
function bomb(): Buffer {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(30_000, 16);
  bytes.writeUInt32BE(30_000, 20);
  return bytes;
}

describe('bad input', () => {
  const cases: Readonly<Record<string, readonly [Fields, ErrorCode, RegExp]>> = {
    'no picture': [{ prompt: 'x' }, 'INVALID_OPTION', /^expected a file for image, received none$/],
    'text instead of a file': [{ image: 'photo.png' }, 'INVALID_OPTION', /expected a file for image, received text/],
    'a file of another name': [{ photo: png }, 'INVALID_OPTION', /^unknown field photo; expected a file for image$/],
    'two files': [{ image: png, second: png }, 'REQUEST_INVALID', /^expected one file, received two$/],
    'too many fields': [
      Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`field${i}`, 'x'])),
      'REQUEST_INVALID',
      /^expected at most 32 fields, received more$/,
    ],
    'an empty file': [
      { image: new Uint8Array() },
      'NOT_AN_IMAGE',
      /^expected a picture for image, received an empty file$/,
    ],
    'no image': [{ image: Buffer.from('<svg/>') }, 'NOT_AN_IMAGE', /for image, received/],
    'a GIF': [{ image: Buffer.from('GIF89a') }, 'NOT_AN_IMAGE', /GIF/],
    'a format that is not accepted': [
      { image: jpeg },
      'NOT_AN_IMAGE',
      /^expected one of png, tiff for image, received jpeg$/,
    ],
    'a file cut off in its header': [{ image: png.subarray(0, 30) }, 'IMAGE_DAMAGED', /complete picture for image/],
    'a file cut off in its data': [{ image: png.subarray(0, png.length - 200) }, 'IMAGE_DAMAGED', /for image/],
    'too many pixels': [
      { image: bomb() },
      'IMAGE_TOO_LARGE',
      /at most 1000000 pixels for image, received 30000 x 30000/,
    ],
    'too many bytes': [
      { image: new Uint8Array(300_000) },
      'IMAGE_TOO_LARGE',
      /^expected at most 200000 bytes for image/,
    ],
    'an unknown field': [{ image: png, promt: 'x' }, 'INVALID_OPTION', /^unknown field promt$/],
    "a limit that is the operator's": [{ image: png, maxMegapixels: '9' }, 'INVALID_OPTION', /unknown field/],
    'a number that is none': [
      { image: png, steps: 'many' },
      'INVALID_OPTION',
      /expected a number for steps, received "many"/,
    ],
    'an empty number': [{ image: png, steps: '' }, 'INVALID_OPTION', /for steps/],
    'a fraction': [{ image: png, seed: '1.5' }, 'INVALID_OPTION', /^expected an integer for seed, received 1.5$/],
    'more steps than allowed': [
      { image: png, steps: '101' },
      'INVALID_OPTION',
      /^expected at most 100 for steps, received 101$/,
    ],
    'more samples than allowed': [{ image: png, samples: '9' }, 'INVALID_OPTION', /^expected at most 8 for samples/],
    'a larger tile than allowed': [{ image: png, tile: '2048' }, 'INVALID_OPTION', /^expected at most 1024 for tile/],
    'a switch that is none': [
      { image: png, strip: 'yes' },
      'INVALID_OPTION',
      /^expected true or false for strip, received "yes"$/,
    ],
    'a sampler that is none': [{ image: png, sampler: 'magic' }, 'INVALID_OPTION', /^expected one of .+ for sampler/],
    'a long prompt': [
      { image: png, prompt: 'x'.repeat(2001) },
      'INVALID_OPTION',
      /^expected at most 2000 characters for prompt/,
    ],
    'a very long field': [{ image: png, prompt: 'x'.repeat(20_000) }, 'REQUEST_INVALID', /bytes for each field/],
    'an address and a file': [
      { image: png, url: 'http://127.0.0.1/photo.png' },
      'INVALID_OPTION',
      /^expected image or url, received both$/,
    ],
    'an address': [{ url: 'http://127.0.0.1/photo.png' }, 'URL_REFUSED', /fetches no pictures/],
    'what only the worker sees': [{ image: png, tile: '64', overlap: '64' }, 'INVALID_OPTION', /overlap/],
  };
  it.each(Object.entries(cases))('%s', async (_, [fields, code, detail]) => {
    await expectProblem(await post(fields), { code, detail });
  });

  it('other bodies, fields twice, and routes that do not exist', async () => {
    const url = `${main.url}/v1/restorations`;
    const json = await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
    await expectProblem(json, { code: 'REQUEST_INVALID', detail: /multipart\/form-data/ });
    await expectProblem(await fetch(url, { method: 'POST' }), { code: 'REQUEST_INVALID', detail: /multipart/ });
    const boundless = { method: 'POST', body: 'x', headers: { 'content-type': 'multipart/form-data' } };
    await expectProblem(await fetch(url, boundless), { code: 'REQUEST_INVALID', detail: /./ });
    const twice = formOf({ image: png });
    twice.append('seed', '1');
    twice.append('seed', '2');
    const repeated = await fetch(url, { method: 'POST', body: twice });
    await expectProblem(repeated, { code: 'INVALID_OPTION', detail: /^expected seed once, received it twice$/ });
    for (const path of ['/v1/nothing', '/v1/restorations/none', '/v1/restorations/..%2f..%2fetc', '/../etc/passwd']) {
      await expectProblem(await fetch(main.url + path), { code: 'NOT_FOUND', detail: /^expected / });
    }
    for (const id of ['a'.repeat(40), '0', 'job.json', `${'a'.repeat(39)}%00`, 'x'.repeat(500)]) {
      for (const path of ['', '/result', '/events']) {
        expect((await fetch(`${main.url}/v1/restorations/${id}${path}`)).status).toBe(404);
      }
    }
  });

  it('a client that announces too much is told before it sends it', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'content-type': 'multipart/form-data; boundary=x', 'content-length': String(1e9) };
      const request = httpRequest(`${main.url}/v1/restorations`, { method: 'POST', headers }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.write('--x\r\n');
    });
    expect(status).toBe(413);
  });

  it('fuzzed forms never do anything but what is documented', async () => {
    const name = fc.oneof(fc.constantFrom('image', 'prompt', 'steps', 'seed', 'tile', '__proto__', 'url'), fc.string());
    const value = fc.oneof(fc.string(), fc.integer().map(String), fc.constantFrom('true', '1e999', '-0'));
    const data = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(png.length).map((n) => png.subarray(0, n)),
    );
    const part = fc.oneof(
      fc.tuple(name, value).map(([field, text]) => `name="${field.replaceAll(/["\r\n]/g, '')}"\r\n\r\n${text}`),
      fc.tuple(name, data).map(([field, bytes]) => {
        const head = `name="${field.replaceAll(/["\r\n]/g, '')}"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n`;
        return head + Buffer.from(bytes).toString('latin1');
      }),
      // No form at all.
      fc.string(),
    );
    const boundary = fc.constantFrom('x', 'x', 'x', 'y');
    const end = fc.constantFrom('\r\n--x--\r\n', '', '\r\n--x', '--x--');
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), boundary, end, async (parts, mark, tail) => {
        const text = parts.map((each) => `--x\r\ncontent-disposition: form-data; ${each}\r\n`).join('') + tail;
        const response = await fetch(`${main.url}/v1/restorations`, {
          method: 'POST',
          body: Buffer.from(text, 'latin1'),
          headers: { 'content-type': `multipart/form-data; boundary=${mark}`, prefer: 'respond-async' },
        });
        const body = (await response.json()) as { code?: ErrorCode };
        if (response.status === 202) return;
        expect(['INTERNAL', undefined]).not.toContain(body.code);
        expect(response.status).toBe(catalogue[body.code as ErrorCode].status);
        expect(response.status).toBeLessThan(500);
      }),
      { numRuns: 150 },
    );
    expect((await fetch(`${main.url}/healthz`)).status).toBe(200);
  });
});

describe('limits', () => {
  it('of the queue: 429 with the seconds to wait', async () => {
    const server = await start({ maxQueued: 2 });
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const response = await post({ image: png, prompt: 'endless' }, { prefer: 'respond-async' }, server);
      expect(response.status).toBe(202);
      ids.push(((await response.json()) as { id: string }).id);
      for (let tries = 0; tries < 2000 && (await server.service.queue.counts()).running === 0; tries++) await wait(20);
    }
    const refused = await post({ image: png }, {}, server);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    await expectProblem(refused, { code: 'QUEUE_FULL', detail: /^expected at most 2 waiting restorations$/ });
    for (const id of ids) await fetch(`${server.url}/v1/restorations/${id}`, { method: 'DELETE' });
    expect((await post({ image: png }, {}, server)).status).toBe(200);
  });

  it('of a client: 429 with the seconds to wait, and not for others', async () => {
    const server = await start({ ratePerMinute: 3, trustProxy: true });
    // The proxy adds the address that it sees; what stands before it is the client's own invention.
    const from = (address: string, invented = '') =>
      post({ prompt: 'x' }, { 'x-forwarded-for': `${invented}${address}` }, server);
    for (let i = 0; i < 3; i++) expect((await from('203.0.113.1', `198.51.100.${i}, `)).status).toBe(400);
    const refused = await from('203.0.113.1');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    await expectProblem(refused, { code: 'RATE_LIMITED', detail: /^expected at most 3 such requests in a minute$/ });
    expect((await from('203.0.113.2')).status).toBe(400);
    for (let i = 0; i < 20; i++) expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it('of time: the process is ended and the job fails', async () => {
    const server = await start({ timeout: 1 });
    await expectProblem(await post({ image: png, prompt: 'stuck' }, {}, server), {
      code: 'TIMED_OUT',
      detail: /^expected the job to take at most 1 s, it took longer$/,
    });
    expect((await post({ image: png }, {}, server)).status).toBe(200);
  });
});

describe('API keys', () => {
  const keys = { alice: 'alice-0123456789', bob: 'bob-abcdefghijkl' };

  it('are asked for, and keep restorations apart', async () => {
    const file = join(folder, 'keys');
    await writeFile(file, `# keys\nalice:${keys.alice}\n\nbob:${keys.bob}\n`);
    const server = await start({ apiKeys: file });
    const as = (key: string) => ({ authorization: `Bearer ${key}`, prefer: 'respond-async' });
    for (const headers of [{}, as('wrong'), as('alice'), { authorization: `Basic ${keys.alice}` }]) {
      const response = await post({ image: png }, headers, server);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      await expectProblem(response, { code: 'UNAUTHENTICATED', detail: /an API key that the server knows/ });
    }
    const response = await post({ image: png }, as(keys.alice), server);
    expect(response.status).toBe(202);
    const path = response.headers.get('location') ?? '';
    const get = (key: string) => fetch(server.url + path, { headers: as(key) });
    expect((await get(keys.alice)).status).toBe(200);
    await expectProblem(await get(keys.bob), { code: 'NOT_FOUND', detail: /id of a restoration/ });
    expect((await fetch(server.url + path, { method: 'DELETE', headers: as(keys.bob) })).status).toBe(404);
    expect((await fetch(server.url + path)).status).toBe(401);
    for (const open of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs/']) {
      expect((await fetch(server.url + open)).status).toBe(200);
    }
    expect(JSON.stringify(server.lines)).not.toContain(keys.alice);
  });
});

describe('settings that cannot work', () => {
  it('are refused at the start', async () => {
    const cases: readonly (readonly [Partial<ServerSettings>, ErrorCode])[] = [
      [{ formats: 'png,gif' }, 'INVALID_OPTION'],
      [{ processes: 0 }, 'INVALID_OPTION'],
      [{ apiKeys: join(folder, 'none') }, 'INPUT_UNREADABLE'],
      [{ queue: 'sqs://x' }, 'INVALID_OPTION'],
      [{ store: 'gs://x' }, 'INVALID_OPTION'],
      [{ port: Number(new URL(main.url).port) }, 'INVALID_OPTION'],
    ];
    for (const [settings, code] of cases) await expect(start(settings)).rejects.toMatchObject({ code });
  });
});
