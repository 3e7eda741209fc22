/** What only a queue on Redis does; a real one, that is stopped, started and emptied. */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { endless, eventually, request, result, settings, until } from '../../test/support/jobs.ts';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { hasRedis, type RedisServer, startRedis } from '../../test/support/redis-server.ts';
import type { ClearwordError } from '../errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { openStore } from '../store/open-store.ts';
import { runBatch } from './batch.ts';
import { inputKey } from './job.ts';
import { openQueue } from './open-queue.ts';
import { ANSWER, FAREWELL } from './redis-connection.ts';

const folder = await temporaryFolder();
const redis: RedisServer | undefined = hasRedis ? await startRedis(folder) : undefined;
let count = 0;

/** Quicker than with `PACE`, so that an absence that is longer need not be long. */
const PACE = { ask: 1, retry: 500 } as const;

/** The queue of a test, or that of an earlier one. */
async function open(n = ++count) {
  const store = await openStore(join(folder, `store-${n}`));
  return openQueue({ ...settings, name: `test-${n}`, address: redis?.url ?? '', store, pace: PACE });
}

const succeeds = (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => true,
    () => false,
  );

describe('the queue on Redis', () => {
  it.skipIf(!hasRedis)('answers with UNAVAILABLE while Redis is away, and goes on when it is back', async () => {
    const queue = await open();
    const worker = await queue.work(async () => result(), { concurrency: 1 });
    await queue.add(request('before'));
    await until(queue, 'before');
    await redis?.stop();
    await expect(queue.add(request('meanwhile'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await redis?.start();
    await eventually(() => succeeds(queue.add(request('after'))));
    expect((await until(queue, 'after')).state).toBe('done');
    expect((await queue.get('before'))?.state).toBe('done');
    await worker.close(1);
    await queue.close();
  });

  it.skipIf(!hasRedis)('says UNAVAILABLE soon while Redis is stopped, and goes on when it goes on', async () => {
    const queue = await open();
    await queue.add(request('before'));
    redis?.freeze();
    try {
      const started = performance.now();
      const asked = [queue.counts(), queue.get('before'), queue.add(request('meanwhile')), queue.cancel('before')];
      for (const each of asked) await expect(each).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      // Not when Redis goes on, which is never here; a busy machine may be late.
      expect(performance.now() - started).toBeLessThan(10 * ANSWER);
      // Long enough for what was asked to be given up: it is not done afterwards.
      await wait(3 * ANSWER);
      await expect(queue.counts()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    } finally {
      redis?.thaw();
    }
    await eventually(() => succeeds(queue.counts()));
    expect((await queue.get('before'))?.request.id).toBe('before');
    await queue.close();
  });

  it.skipIf(!hasRedis)('keeps waiting jobs in the list whose length decides how many workers there are', async () => {
    const queue = await open();
    await queue.add(request('a'));
    await queue.add(request('b'));
    const client = new Redis(redis?.url ?? '');
    expect(await client.llen(`bull:test-${count}:wait`)).toBe(2);
    await client.quit();
    await queue.close();
  });

  it('that cannot be reached is named without its password', async () => {
    const store = await openStore(folder);
    const address = 'redis://user:secret@127.0.0.1:1';
    const error = await openQueue({ ...settings, address, store }).catch((cause: unknown) => cause as ClearwordError);
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect((error as ClearwordError).message).toContain('redis://127.0.0.1:1');
    expect((error as ClearwordError).message).not.toContain('secret');
  });

  it.skipIf(!hasRedis)('is worked on again after an absence longer than a worker asks for a job', async () => {
    const queue = await open();
    const worker = await queue.work(async () => result(), { concurrency: 1 });
    await queue.add(request('before'));
    await until(queue, 'before');
    await redis?.stop();
    // A worker asks for so long at a time, and looks a second later why there is no answer.
    await wait(1000 * (PACE.ask + 1) + 2 * PACE.retry);
    await redis?.start();
    await eventually(() => succeeds(queue.add(request('after'))));
    expect((await until(queue, 'after')).state).toBe('done');
    await worker.close(1);
    await queue.close();
  });

  it.skipIf(!hasRedis)('can be left while Redis is away; what was running goes to the next worker', async () => {
    const queue = await open();
    const stopped: string[] = [];
    const worker = await queue.work((job, hooks) => endless(job, hooks).finally(() => stopped.push(job.id)), {
      concurrency: 2,
    });
    await queue.add(request('a'));
    await eventually(async () => (await queue.get('a'))?.state === 'running');
    await redis?.stop();
    const started = performance.now();
    await worker.close(1);
    expect(stopped).toEqual(['a']);
    await queue.close();
    // The grace, and twice the time that closing takes at most; a busy machine may be as late again several times over.
    expect((performance.now() - started) / 1000).toBeLessThan(5 * (1 + 2 * FAREWELL));
    await redis?.start();
    // Nobody tries to come back.
    await wait(3 * PACE.retry);
    const client = new Redis(redis?.url ?? '');
    expect(
      String(await client.client('LIST'))
        .trim()
        .split('\n'),
    ).toHaveLength(1);
    await client.quit();
    const again = await open(count);
    const next = await again.work(async () => result(), { concurrency: 1 });
    expect((await until(again, 'a')).state).toBe('done');
    await next.close(1);
    await again.close();
  });

  it.skipIf(!hasRedis)('does what is new under the id of a job that was cancelled', async () => {
    const queue = await open();
    const worker = await queue.work(
      async (job, hooks) => (job.kind === 'inspection' ? result() : endless(job, hooks)),
      {
        concurrency: 1,
      },
    );
    await queue.add(request('a'));
    await eventually(async () => (await queue.get('a'))?.state === 'running');
    await queue.cancel('a');
    // It is locked until the worker has stopped.
    await eventually(async () => {
      await queue.remove('a');
      return (await queue.get('a')) === undefined;
    });
    await queue.add({ id: 'a', kind: 'inspection', limits: { maxMegapixels: 1, seconds: 10 } });
    expect(await until(queue, 'a')).toMatchObject({ state: 'done' });
    await worker.close(1);
    await queue.close();
  });

  it.skipIf(!hasRedis)('that has lost a job says so to whoever waits for it; a batch gives it again', async () => {
    const queue = await open();
    const stores = await Promise.all(['in', 'out', 'work'].map((name) => openStore(join(folder, `lost-${name}`))));
    const [source, target, store] = stores as [ObjectStore, ObjectStore, ObjectStore];
    await source.put('photo.png', Buffer.from('photo'));
    const client = new Redis(redis?.url ?? '');
    let runs = 0;
    const worker = await queue.work(
      async ({ id }) => {
        if (++runs === 1) await client.flushall();
        const key = `jobs/${id}/restored`;
        await store.put(key, (await store.get(inputKey(id))) ?? Buffer.from('lost'));
        return { ...result(), files: [{ part: 'restored', key, format: 'png', bytes: 5 }] };
      },
      { concurrency: 1 },
    );
    await queue.add(request('other'));
    await expect(until(queue, 'other')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    runs = 0;
    const summary = await runBatch({
      ...{ queue, store, source, target, inFlight: 1, overwrite: false, retrySetAside: false },
      retry: { attempts: 1, backOff: 0 },
      parameters: { prompt: '' },
      limits: { maxMegapixels: 1, seconds: 5 },
      model: 'm'.repeat(64),
      signal: new AbortController().signal,
      onReport() {},
    });
    expect(summary).toEqual({ restored: 1, unchanged: 0, skipped: 0, 'set-aside': 0, failed: 0 });
    expect(Buffer.from((await target.get('photo.png')) ?? []).toString()).toBe('photo');
    expect(runs).toBe(2);
    await client.quit();
    await worker.close(1);
    await queue.close();
  });
});
