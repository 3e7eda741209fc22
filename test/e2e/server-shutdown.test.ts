/** What the server does with its jobs when it is stopped, and when they are old. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodeImage } from '../../src/image/image-encode.ts';
import { forgetOld } from '../../src/queue/retention.ts';
import { patternPicture, temporaryFolder } from '../support/pictures.ts';
import { eventsOf, expectProblem, type Fields, formOf, shortLived, type TestServer } from '../support/server.ts';

const folder = await temporaryFolder();
const png = await encodeImage(patternPicture(60, 40), { format: 'png' });
const start = shortLived(folder);

const post = (fields: Fields, headers: Record<string, string>, server: TestServer) =>
  fetch(`${server.url}/v1/restorations`, { method: 'POST', body: formOf(fields), headers });

describe('shutdown', () => {
  it('waits for what runs; whoever waits for it gets it', async () => {
    const server = await start({ grace: 10 });
    const answer = post({ image: png, prompt: 'slow' }, {}, server);
    for (let tries = 0; tries < 2000 && (await server.service.queue.counts()).running === 0; tries++) await wait(10);
    await server.close();
    expect((await answer).status).toBe(200);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });

  it('is waited for by many requests at a time, without a warning of Node about it', async () => {
    const server = await start({});
    const warnings: string[] = [];
    const note = ({ message }: Error) => warnings.push(message);
    process.on('warning', note);
    const answers = await Promise.all(
      Array.from({ length: 14 }, () => post({ image: png, prompt: 'slow' }, {}, server)),
    );
    await wait(10);
    process.off('warning', note);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(warnings).toEqual([]);
  });

  it('gives back what does not end in time; another server on the same folder goes on with it', async () => {
    const store = join(folder, 'kept');
    const server = await start({ grace: 1 }, store);
    // Of several tiles: between them it stops.
    const large = await encodeImage(patternPicture(150, 100), { format: 'png' });
    const slow = post({ image: large, prompt: 'endless' }, {}, server);
    for (let tries = 0; tries < 2000 && (await server.service.queue.counts()).running === 0; tries++) await wait(10);
    const queued = (await (await post({ image: png }, { prefer: 'respond-async' }, server)).json()) as { id: string };
    const followed = fetch(`${server.url}/v1/restorations/${queued.id}/events`).then(eventsOf);
    await wait(100);
    const closed = server.close();
    const answer = await slow;
    expect(answer.status).toBe(202);
    const { id } = (await answer.json()) as { id: string };
    expect((await followed).map(({ event }) => event)).toEqual(['progress']);
    await closed;

    const next = await start({}, store);
    const state = async (of: string) =>
      (await (await fetch(`${next.url}/v1/restorations/${of}`)).json()) as { status: string; attempts: number };
    for (let tries = 0; tries < 2000 && (await state(id)).status !== 'running'; tries++) await wait(20);
    expect(await state(id)).toMatchObject({ status: 'running', attempts: 1 });
    await fetch(`${next.url}/v1/restorations/${id}`, { method: 'DELETE' });
    for (let tries = 0; tries < 2000 && (await state(queued.id)).status !== 'done'; tries++) await wait(20);
    expect((await state(queued.id)).status).toBe('done');
  });

  it('is announced: nothing new is taken in', async () => {
    const server = await start({});
    server.service.draining.abort();
    const response = await post({ image: png }, {}, server);
    expect(response.headers.get('retry-after')).toBe('5');
    await expectProblem(response, { code: 'UNAVAILABLE', detail: /shutting down/ });
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it('does not wait for a client that sends its photo slowly', async () => {
    const server = await start({ grace: 1 });
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.write(
      'POST /v1/restorations HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n',
    );
    socket.write('Content-Length: 1000\r\n\r\n--b\r\n');
    await wait(200);
    const started = performance.now();
    await server.close();
    await ended;
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('retention', () => {
  it('forgets what is old, and never what is not finished', async () => {
    const server = await start({});
    const { queue, store } = server.service;
    const done = ((await (await post({ image: png }, { accept: 'application/json' }, server)).json()) as { id: string })
      .id;
    const response = await post({ image: png, prompt: 'endless' }, { prefer: 'respond-async' }, server);
    const { id } = (await response.json()) as { id: string };
    await store.put('jobs/0123/input', png);
    const tomorrow = Date.now() + 86_400_000;
    expect(await forgetOld(queue, store, 3600)).toBe(0);
    expect(await forgetOld(queue, store, 3600, tomorrow)).toBe(2);
    expect(await queue.get(done)).toBeUndefined();
    expect(await store.stat('jobs/0123/input')).toBeUndefined();
    expect(await store.stat(`jobs/${id}/input`)).toBeDefined();
    await fetch(`${server.url}/v1/restorations/${id}`, { method: 'DELETE' });
  });
});
