/** What the server does, over HTTP; the model is a stand-in, the processes are real. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeImage } from '../../src/image/image-encode.ts';
import { readImage } from '../../src/image/image-file.ts';
import { restoreOptionsSchema } from '../../src/restore/options.ts';
import { largestDifference, patternPicture, temporaryFolder } from '../support/pictures.ts';
import { eventsOf, type Fields, formOf, testServer } from '../support/server.ts';

const folder = await temporaryFolder();
const picture = patternPicture(150, 100);
const png = await encodeImage(picture, { format: 'png' });
const server = await testServer(join(folder, 'main'), { processes: 2, syncMegapixels: 1 });

const post = (fields: Fields, headers: Record<string, string> = {}, path = '/v1/restorations') =>
  fetch(server.url + path, { method: 'POST', body: formOf(fields), headers });
const get = (path: string, headers: Record<string, string> = {}) => fetch(server.url + path, { headers });
type Json = Record<string, unknown>;
const json = async (response: Response): Promise<Json> => (await response.json()) as Json;
async function jobOf(fields: Fields): Promise<Json> {
  const response = await post(fields, { prefer: 'respond-async' });
  expect(response.status).toBe(202);
  return json(response);
}
const stateOf = async (id: unknown) => json(await get(`/v1/restorations/${String(id)}`));
async function eventually(id: unknown, status: string): Promise<Json> {
  // A minute: a process that crashed has to be started again, three times over, on a machine that may be busy.
  for (let tries = 0; tries < 2400; tries++) {
    const state = await stateOf(id);
    if (state.status === status) return state;
    await wait(25);
  }
  throw new Error(`expected it to become ${status}, it is ${JSON.stringify(await stateOf(id))}`);
}

describe('POST /v1/restorations', () => {
  it('answers with the picture if it is small', async () => {
    const response = await post({ image: png, prompt: 'remove the rain', seed: '7' });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/png',
      'cache-control': 'private, no-store',
      'content-disposition': 'inline; filename="restored.png"',
      'x-content-type-options': 'nosniff',
    });
    const restored = await readImage(new Uint8Array(await response.arrayBuffer()));
    expect(restored.picture).toMatchObject({ width: 150, height: 100, channels: 3 });
    // The stand-in smoothes a smooth pattern.
    expect(largestDifference(restored.picture.data, picture.data)).toBeLessThan(20);
    const state = await json(await get(response.headers.get('location') ?? ''));
    expect(state).toMatchObject({
      status: 'done',
      fraction: 1,
      width: 150,
      height: 100,
      provenance: { prompt: 'remove the rain', seed: 7, model: 'fake' },
      degradations: { noise: { probability: 0.97, strength: 0.4 } },
      results: [{ part: 'restored', type: 'image/png' }],
    });
  });

  it('makes the format that is asked for, and everything else that is', async () => {
    const fields = { image: png, format: 'webp', quality: '40', samples: '2', compare: 'true', saveStates: 'true' };
    const response = await post(fields, { accept: 'application/json' });
    expect(response.status).toBe(200);
    const { results } = (await json(response)) as {
      results: { part: string; href: string; type: string; bytes: number }[];
    };
    expect(results.map(({ part, type }) => `${part} ${type}`)).toEqual([
      'restored image/webp',
      'sample-1 image/webp',
      'sample-2 image/webp',
      'uncertainty image/png',
      'comparison image/webp',
      'states image/png',
    ]);
    for (const { href, type, bytes } of results) {
      const file = await get(href);
      expect([file.status, file.headers.get('content-type')]).toEqual([200, type]);
      expect((await file.arrayBuffer()).byteLength).toBe(bytes);
    }
  });

  it('answers with a job if the client prefers it, the picture is large, or it takes long', async () => {
    const preferred = await post({ image: png }, { prefer: 'respond-async' });
    expect(preferred.status).toBe(202);
    expect(preferred.headers.get('preference-applied')).toBe('respond-async');
    const job = await json(preferred);
    expect(job).toMatchObject({ links: { self: preferred.headers.get('location') } });
    await eventually(job.id, 'done');
    const large = await encodeImage(patternPicture(1200, 900), { format: 'jpeg' });
    const second = await post({ image: large, tile: '512' });
    expect(second.status).toBe(202);
    const third = await post({ image: png, prompt: 'endless' }, { prefer: 'wait=1' });
    expect(third.status).toBe(202);
    for (const { id } of [await json(second), await json(third)]) {
      expect((await fetch(`${server.url}/v1/restorations/${id}`, { method: 'DELETE' })).status).toBe(204);
    }
  });

  it('is one job for the same key, picture and fields', async () => {
    const headers = { 'idempotency-key': 'order-17', prefer: 'respond-async' };
    const ids = new Set<unknown>();
    for (let i = 0; i < 3; i++) ids.add((await json(await post({ image: png, seed: '1' }, headers))).id);
    expect(ids.size).toBe(1);
    ids.add((await json(await post({ image: png, seed: '1' }, { ...headers, 'idempotency-key': 'order-18' }))).id);
    expect(ids.size).toBe(2);
    const response = await post({ image: png }, { 'idempotency-key': 'not ascii? no: spaces' });
    expect([response.status, (await json(response)).code]).toEqual([400, 'INVALID_OPTION']);
  });

  it('stops when the client goes away', async () => {
    const idle = async () => Object.values(await server.service.queue.counts()).every((count) => count === 0);
    for (let tries = 0; tries < 2400 && !(await idle()); tries++) await wait(25);
    const controller = new AbortController();
    const body = formOf({ image: png, prompt: 'endless' });
    const request = fetch(`${server.url}/v1/restorations`, { method: 'POST', body, signal: controller.signal });
    const gone = expect(request).rejects.toThrow();
    for (let tries = 0; tries < 2400 && (await server.service.queue.counts()).running === 0; tries++) await wait(25);
    controller.abort();
    await gone;
    for (let tries = 0; tries < 2400 && !(await idle()); tries++) await wait(25);
    expect(await server.service.queue.counts()).toEqual({ queued: 0, running: 0 });
  });
});

describe('a restoration', () => {
  it('tells its events to the end, once each', async () => {
    const { id } = await jobOf({ image: png, prompt: 'slow', tile: '64', overlap: '16', samples: '4' });
    const response = await get(`/v1/restorations/${id}/events`);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    const events = await eventsOf(response);
    const names = events.map(({ event }) => event);
    expect(names.at(-1)).toBe('done');
    expect(names.slice(0, -1).every((name) => name === 'progress')).toBe(true);
    const fractions = events.map(({ data }) => data.fraction as number);
    expect(fractions.some((fraction) => fraction > 0 && fraction < 1)).toBe(true);
    expect([...fractions].sort((a, b) => a - b)).toEqual(fractions);
    expect(events.at(-1)).toMatchObject({ id: 'last', data: { status: 'done', width: 150 } });
    // A browser that connects again is told to stop; anyone else gets the end again.
    expect((await get(`/v1/restorations/${id}/events`, { 'last-event-id': 'last' })).status).toBe(204);
    expect(await eventsOf(await get(`/v1/restorations/${id}/events`))).toHaveLength(1);
  });

  it('can be cancelled while it runs and while it waits; whoever follows is told', async () => {
    const running = await Promise.all([1, 2].map(() => jobOf({ image: png, prompt: 'endless' })));
    for (const { id } of running) await eventually(id, 'running');
    const waiting = await jobOf({ image: png });
    const followed = get(`/v1/restorations/${running[0]?.id}/events`).then(eventsOf);
    await wait(100);
    for (const { id } of [waiting, ...running]) {
      expect((await fetch(`${server.url}/v1/restorations/${id}`, { method: 'DELETE' })).status).toBe(204);
      expect((await stateOf(id)).status).toBe('cancelled');
      const result = await get(`/v1/restorations/${id}/result`);
      expect([result.status, (await json(result)).code]).toEqual([499, 'CANCELLED']);
    }
    expect((await followed).at(-1)?.event).toBe('cancelled');
    expect((await post({ image: png })).status).toBe(200);
  });

  it('is forgotten, with its pictures, when it is deleted after its end', async () => {
    const { id } = await jobOf({ image: png });
    await eventually(id, 'done');
    const files = await readdir(join(folder, 'main', 'jobs', String(id)));
    expect(files.filter((name) => !name.endsWith('.tmp'))).toEqual(['input', 'job.json', 'restored']);
    expect((await fetch(`${server.url}/v1/restorations/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await get(`/v1/restorations/${id}`)).status).toBe(404);
    expect(await readdir(join(folder, 'main', 'jobs'))).not.toContain(id);
  });

  it('whose process crashes each time fails clearly; the server goes on', async () => {
    const { id } = await jobOf({ image: png, prompt: 'crash' });
    expect(await eventually(id, 'failed')).toMatchObject({
      attempts: 3,
      error: { code: 'WORKER_CRASHED', status: 500 },
    });
    const result = await get(`/v1/restorations/${id}/result`);
    expect(result.status).toBe(500);
    // The message names a signal, which is for the operator.
    expect((await json(result)).detail).not.toContain('SIGKILL');
    expect((await post({ image: png })).status).toBe(200);
  });

  it('has no result before its end, and no part that was not asked for', async () => {
    const { id } = await jobOf({ image: png, prompt: 'endless' });
    const early = await get(`/v1/restorations/${id}/result`);
    expect([early.status, (await json(early)).code]).toEqual([409, 'NOT_FINISHED']);
    await fetch(`${server.url}/v1/restorations/${id}`, { method: 'DELETE' });
    const done = await jobOf({ image: png });
    await eventually(done.id, 'done');
    const part = await get(`/v1/restorations/${done.id}/result?part=uncertainty`);
    expect([part.status, (await json(part)).code]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('POST /v1/inspections', () => {
  it('says what was found, and keeps nothing', async () => {
    const before = await readdir(join(folder, 'main', 'jobs'));
    const response = await post({ image: png }, {}, '/v1/inspections');
    expect([response.status, await json(response)]).toEqual([
      200,
      {
        format: 'png',
        width: 150,
        height: 100,
        degradations: {
          noise: { probability: 0.97, strength: 0.4, verdict: 'found' },
          rain: { probability: 0.02, strength: 0.01, verdict: 'absent' },
          haze: { probability: 0.01, strength: 0, verdict: 'absent' },
        },
      },
    ]);
    expect(await readdir(join(folder, 'main', 'jobs'))).toEqual(before);
  });
});

describe('operation', () => {
  it('health, readiness and metrics', async () => {
    expect(await json(await get('/healthz'))).toMatchObject({ status: 'alive' });
    expect(await json(await get('/readyz'))).toMatchObject({ status: 'ready' });
    const metrics = await (await get('/metrics')).text();
    for (const line of [
      /^clearword_jobs_queued 0$/m,
      /^clearword_jobs_running 0$/m,
      /^clearword_processes [12]$/m,
      /^clearword_jobs_total\{kind="restoration",outcome="done"\} \d+$/m,
      /^clearword_http_request_seconds_count\{method="POST",route="\/v1\/restorations",status="200"\} \d+$/m,
      /^process_cpu_user_seconds_total/m,
    ]) {
      expect([line, line.test(metrics)]).toEqual([line, true]);
    }
  });

  it("request ids are the client's if they are harmless", async () => {
    expect((await get('/healthz', { 'x-request-id': 'trace-1' })).headers.get('x-request-id')).toBe('trace-1');
    expect((await get('/healthz', { 'x-request-id': 'a b' })).headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
  });

  it('the log has no pictures, prompts or ids of restorations in its lines about requests', async () => {
    const response = await post({ image: png, prompt: 'my secret garden' });
    const id = response.headers.get('location')?.split('/').at(-1) ?? 'none';
    await get(`/v1/restorations/${id}`);
    // What is refused, and what fails, says no more.
    await get(`/v1/restorations/${id}/none`);
    await get(`/v1/restorations/${id.slice(1)}`);
    await post({ image: png, prompt: 'my secret garden'.repeat(500) });
    await jobOf({ image: png, prompt: 'crash' }).then((job) => eventually(job.id, 'failed'));
    await server.service.store.remove(`jobs/${id}/restored`);
    expect((await get(`/v1/restorations/${id}/result`)).status).toBe(502);
    await get(`/v1/restorations/${id}`);
    await wait(100);
    const text = JSON.stringify(server.lines);
    expect(text).not.toContain('my secret garden');
    expect(text).not.toContain(id);
    expect(text).not.toMatch(/\b[0-9a-f]{40}\b/);
    expect(text).toMatch(/jobs\/job-[0-9a-f]{8}\/restored/);
    const requests = server.lines.filter(({ msg }) => msg === 'request');
    expect(requests.at(-1)).toMatchObject({ method: 'GET', route: '/v1/restorations/:id', status: 200 });
  });
});

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly responses: Record<string, unknown>;
  readonly parameters?: readonly { readonly description?: string }[];
}

describe('the OpenAPI document', () => {
  let document: { paths: Record<string, Record<string, { responses: Record<string, unknown> }>> };
  beforeAll(async () => {
    document = (await json(await get('/openapi.json'))) as typeof document;
  });

  it('is valid, and has a page', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors ?? '').toEqual('');
    expect(valid).toBe(true);
    const page = await get('/docs/');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  });

  it('has what linters ask for', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ at: `${method} ${path}`, ...(operation as Operation) })),
    );
    expect(document).toMatchObject({ servers: [{ url: '/' }], info: { contact: {}, license: {} } });
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { at, operationId, summary, description, tags, responses, parameters = [] } of operations) {
      expect([at, operationId, summary, description, tags?.length]).toEqual([
        at,
        expect.stringMatching(/^[a-z][A-Za-z]+$/),
        expect.any(String),
        expect.any(String),
        1,
      ]);
      const statuses = Object.keys(responses);
      expect([at, statuses.some((status) => /^2/.test(status))]).toEqual([at, true]);
      expect([at, statuses.some((status) => /^4/.test(status))]).toEqual([at, true]);
      for (const parameter of parameters) expect([at, parameter.description]).toEqual([at, expect.any(String)]);
    }
  });

  it('has the routes that exist, and no others', async () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.sort()).toEqual([
      'DELETE /v1/restorations/{id}',
      'GET /healthz',
      'GET /metrics',
      'GET /readyz',
      'GET /v1/models',
      'GET /v1/restorations/{id}',
      'GET /v1/restorations/{id}/events',
      'GET /v1/restorations/{id}/result',
      'POST /v1/inspections',
      'POST /v1/restorations',
    ]);
    for (const line of documented) {
      const [method = '', path = ''] = line.split(' ');
      expect(server.app.hasRoute({ method: method as 'GET', url: path.replace('{id}', ':id') }), line).toBe(true);
    }
  });

  it('has the fields of the library, with their ranges', async () => {
    const post = document.paths['/v1/restorations']?.post as unknown as {
      requestBody: { content: Record<string, { schema: { properties: Record<string, object> } }> };
    };
    const { properties } = post.requestBody.content['multipart/form-data']?.schema ?? { properties: {} };
    // The limit is the operator's, and so is the decision to spend eight times the work.
    const { maxMegapixels: _, ensemble: __, ...shape } = restoreOptionsSchema.shape;
    expect(Object.keys(properties).sort()).toEqual([...Object.keys(shape), 'image', 'format', 'quality'].sort());
    expect(properties.steps).toMatchObject({ type: 'integer', minimum: 1, maximum: 100 });
    expect(properties.samples).toMatchObject({ maximum: 8, default: 1 });
    expect(JSON.stringify(properties)).not.toContain('placeholder');
  });

  it('describes what is answered', async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const check = async (method: string, path: string, response: Response) => {
      const type = response.headers.get('content-type')?.split(';')[0] ?? '';
      const responses = document.paths[path]?.[method]?.responses as
        | Record<string, { content?: Record<string, { schema: object }> }>
        | undefined;
      const documented = responses?.[response.status]?.content?.[type]?.schema;
      expect(documented, `${method} ${path} ${response.status} ${type}`).toBeDefined();
      if (!type.endsWith('json') || !documented) return;
      const validator = ajv.compile(documented);
      validator(await response.json());
      expect(validator.errors).toBeNull();
    };
    const { id } = await jobOf({ image: png, samples: '2', saveStates: 'true' });
    await eventually(id, 'done');
    const self = `/v1/restorations/${id}`;
    await check('get', '/v1/restorations/{id}', await get(self));
    await check('get', '/v1/restorations/{id}', await get('/v1/restorations/none'));
    await check('get', '/v1/restorations/{id}/result', await get(`${self}/result`));
    await check('get', '/v1/restorations/{id}/result', await get(`${self}/result?part=none`));
    await check('get', '/v1/restorations/{id}/events', await get(`${self}/events`));
    await check('post', '/v1/restorations', await post({ image: png }));
    await check('post', '/v1/restorations', await post({ image: png }, { accept: 'application/json' }));
    await check('post', '/v1/restorations', await post({ image: png }, { prefer: 'respond-async' }));
    await check('post', '/v1/restorations', await post({ image: png, steps: '0' }));
    await check('post', '/v1/restorations', await post({ image: new Uint8Array(3) }));
    await check('post', '/v1/inspections', await post({ image: png }, {}, '/v1/inspections'));
    for (const path of ['/healthz', '/readyz', '/metrics']) await check('get', path, await get(path));
  });
});
