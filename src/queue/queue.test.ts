/** What every queue has to do, for both of them; Redis is a real one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { endless, eventually, failure, request, result, settings, until } from '../../test/support/jobs.ts';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { hasRedis, REDIS_NOTE, type RedisServer, startRedis } from '../../test/support/redis-server.ts';
import type { ErrorCode } from '../errors.ts';
import { openStore } from '../store/open-store.ts';
import type { JobStatus } from './job.ts';
import { type JobHooks, type JobQueue, waitForJob } from './job-queue.ts';
import { openQueue } from './open-queue.ts';

const folder = await temporaryFolder();
const redis: RedisServer | undefined = hasRedis ? await startRedis(folder) : undefined;
let count = 0;

interface Kind {
  readonly name: string;
  readonly skip: boolean;
  /** The queue `n`, opened by another process or another time. */
  open(n: number): Promise<JobQueue>;
  /** Where the queue `n` is: its address, name and store. */
  place(n: number): readonly string[];
}

const opened: JobQueue[] = [];

const KINDS: readonly Kind[] = [
  {
    name: 'embedded',
    skip: false,
    place: (n) => ['embedded', 'test', join(folder, `store-${n}`)],
    async open(n) {
      const store = await openStore(join(folder, `store-${n}`));
      return openQueue({ ...settings, address: 'embedded', store });
    },
  },
  {
    name: `on Redis${REDIS_NOTE}`,
    skip: !hasRedis,
    place: (n) => [redis?.url ?? '', `test-${n}`, join(folder, `store-${n}`)],
    async open(n) {
      const store = await openStore(join(folder, `store-${n}`));
      return openQueue({ ...settings, name: `test-${n}`, address: redis?.url ?? '', store });
    },
  },
];

/** A process of its own takes a job of the queue and is killed within it. */
async function vanish(place: readonly string[]): Promise<void> {
  const main = fileURLToPath(new URL('../../test/support/vanishing-worker.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main, ...place], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe.each(KINDS)('the queue $name', ({ open, place, skip }) => {
  let queue: JobQueue;
  const start = async () => {
    queue = await open(++count);
    opened.push(queue);
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
  });

  it.skipIf(skip)('keeps a job until someone takes it, and tells its progress and result', async () => {
    await start();
    expect(await queue.add(request('a'))).toMatchObject({
      state: 'queued',
      attempts: 0,
      progress: { fraction: 0 },
      request: request('a'),
    });
    expect(await queue.counts()).toEqual({ queued: 1, running: 0 });
    const seen: JobStatus[] = [];
    const finished = until(queue, 'a', (status) => seen.push(status));
    const worker = await queue.work(
      async (job, { onProgress }) => {
        expect(job).toEqual(request('a'));
        onProgress({ stage: 'restore', fraction: 0.5 });
        await wait(200);
        return result(2);
      },
      { concurrency: 1 },
    );
    expect(await finished).toMatchObject({ state: 'done', result: result(2), attempts: 1, progress: { fraction: 1 } });
    expect(seen).toContainEqual(
      expect.objectContaining({ state: 'running', progress: { stage: 'restore', fraction: 0.5 } }),
    );
    expect(await queue.counts()).toEqual({ queued: 0, running: 0 });
    const { created, started = 0, finished: end = 0 } = (await queue.get('a')) as JobStatus;
    expect(created <= started && started <= end && end <= Date.now()).toBe(true);
    await worker.close(1);
  });

  it.skipIf(skip)('does a job once, however often it is added', async () => {
    await start();
    let runs = 0;
    const worker = await queue.work(async () => result(++runs), { concurrency: 4 });
    await Promise.all(Array.from({ length: 5 }, () => queue.add(request('same'))));
    expect((await until(queue, 'same')).state).toBe('done');
    expect(await queue.add(request('same'))).toMatchObject({ state: 'done', result: result(1) });
    await wait(100);
    expect(runs).toBe(1);
    await worker.close(1);
  });

  it.skipIf(skip)('does as many at a time as it is told, in the order in which they came', async () => {
    await start();
    const order: string[] = [];
    let [now, most] = [0, 0];
    for (let i = 0; i < 8; i++) await queue.add(request(`job-${i}`));
    const worker = await queue.work(
      async ({ id }) => {
        order.push(id);
        most = Math.max(most, ++now);
        await wait(20);
        now--;
        return result();
      },
      { concurrency: 2 },
    );
    await Promise.all(Array.from({ length: 8 }, (_, i) => until(queue, `job-${i}`)));
    expect(most).toBe(2);
    expect(order).toEqual(Array.from({ length: 8 }, (_, i) => `job-${i}`));
    await worker.close(1);
  });

  it.skipIf(skip)('tries again what may succeed, a few times, and not what cannot', async () => {
    await start();
    const runs: Record<string, number> = {};
    const fails: Record<string, [ErrorCode, number]> = {
      flaky: ['WORKER_CRASHED', 2],
      hopeless: ['RUNTIME_FAILED', 9],
      damaged: ['IMAGE_DAMAGED', 9],
    };
    const worker = await queue.work(
      async ({ id }) => {
        runs[id] = (runs[id] ?? 0) + 1;
        const [code, times] = fails[id] ?? ['INTERNAL', 0];
        if ((runs[id] ?? 0) <= times) throw failure(code);
        return result();
      },
      { concurrency: 1 },
    );
    for (const id of Object.keys(fails)) await queue.add(request(id));
    expect(await until(queue, 'flaky')).toMatchObject({ state: 'done', attempts: 3 });
    expect(await until(queue, 'hopeless')).toMatchObject({
      state: 'failed',
      attempts: 3,
      error: { code: 'RUNTIME_FAILED', message: 'it is RUNTIME_FAILED', fix: failure('RUNTIME_FAILED').fix },
    });
    expect(await until(queue, 'damaged')).toMatchObject({
      state: 'failed',
      attempts: 1,
      error: { code: 'IMAGE_DAMAGED' },
    });
    expect((await until(queue, 'flaky')).error).toBeUndefined();
    expect(runs).toEqual({ flaky: 3, hopeless: 3, damaged: 1 });
    await worker.close(1);
  });

  it.skipIf(skip)('cancels what waits and what runs, and nothing that is finished', async () => {
    await start();
    const begun: string[] = [];
    const ended: string[] = [];
    const worker = await queue.work(
      async (job, hooks) => {
        begun.push(job.id);
        if (job.id === 'quick') return result();
        return endless(job, hooks).finally(() => ended.push(job.id));
      },
      { concurrency: 1 },
    );
    await queue.add(request('quick'));
    await until(queue, 'quick');
    await queue.add(request('running'));
    await eventually(() => begun.includes('running'));
    await queue.add(request('waiting'));
    expect((await queue.cancel('waiting'))?.state).toBe('cancelled');
    const told = until(queue, 'running');
    expect((await queue.cancel('running'))?.state).toBe('cancelled');
    expect(await told).toMatchObject({ state: 'cancelled' });
    await eventually(() => ended.includes('running'));
    expect((await queue.cancel('quick'))?.state).toBe('done');
    expect(await queue.cancel('unknown')).toBeUndefined();
    await queue.add(request('quick-2'));
    await eventually(async () => begun.includes('quick-2'));
    expect(begun).not.toContain('waiting');
    expect((await queue.get('running'))?.state).toBe('cancelled');
    expect((await queue.get('running'))?.error).toBeUndefined();
    await queue.cancel('quick-2');
    await worker.close(1);
  });

  it.skipIf(skip)('forgets finished jobs only', async () => {
    await start();
    await queue.add(request('a'));
    await queue.remove('a');
    expect((await queue.get('a'))?.state).toBe('queued');
    const worker = await queue.work(async () => result(), { concurrency: 1 });
    await until(queue, 'a');
    await queue.remove('a');
    expect(await queue.get('a')).toBeUndefined();
    await expect(until(queue, 'a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await queue.remove('never there');
    await queue.add(request('a'));
    expect((await until(queue, 'a')).state).toBe('done');
    await worker.close(1);
  });

  it.skipIf(skip)('gets back what is not done in time when a worker closes; it does not count as a try', async () => {
    await start();
    let began = 0;
    const worker = await queue.work(
      (job, hooks: JobHooks) => {
        began++;
        if (job.id !== 'slow') return wait(400).then(() => result());
        return endless(job, hooks);
      },
      { concurrency: 2 },
    );
    await queue.add(request('soon'));
    await queue.add(request('slow'));
    await queue.add(request('never begun'));
    await eventually(() => began >= 2);
    await worker.close(0.8);
    expect((await queue.get('soon'))?.state).toBe('done');
    expect(await queue.get('slow')).toMatchObject({ state: 'queued', attempts: 0 });
    expect((await queue.get('never begun'))?.state).toBe('queued');
    const next = await queue.work(async () => result(), { concurrency: 1 });
    expect(await until(queue, 'slow')).toMatchObject({ state: 'done', attempts: 1 });
    expect((await until(queue, 'never begun')).state).toBe('done');
    await next.close(1);
  });

  it.skipIf(skip)('goes on after it was closed and opened again', async () => {
    await start();
    await queue.add(request('waiting'));
    await queue.add(request('cancelled'));
    await queue.cancel('cancelled');
    await queue.close();
    const again = await open(count);
    opened.push(again);
    expect((await again.get('cancelled'))?.state).toBe('cancelled');
    const worker = await again.work(async () => result(), { concurrency: 1 });
    expect((await until(again, 'waiting')).state).toBe('done');
    await worker.close(1);
  });

  it.skipIf(skip)('counts tries whose worker was killed like those that failed, and no more than it may', async () => {
    await start();
    await queue.add(request('deadly'));
    for (let killed = 1; killed <= settings.attempts; killed++) {
      await queue.close();
      await vanish(place(count));
      queue = await open(count);
      opened.push(queue);
    }
    let runs = 0;
    const worker = await queue.work(async () => result(++runs), { concurrency: 1 });
    expect(await until(queue, 'deadly')).toMatchObject({
      state: 'failed',
      attempts: settings.attempts,
      error: { code: 'WORKER_CRASHED' },
    });
    expect(runs).toBe(0);
    await worker.close(1);
  });

  it.skipIf(skip)('counts a try whose worker was killed and one that failed together', async () => {
    await start();
    await queue.add(request('both'));
    await queue.close();
    await vanish(place(count));
    queue = await open(count);
    opened.push(queue);
    let runs = 0;
    const worker = await queue.work(
      async () => {
        runs++;
        throw failure('RUNTIME_FAILED');
      },
      { concurrency: 1 },
    );
    expect(await until(queue, 'both')).toMatchObject({
      state: 'failed',
      attempts: settings.attempts,
      error: { code: 'RUNTIME_FAILED' },
    });
    expect(runs).toBe(settings.attempts - 1);
    await worker.close(1);
  });

  it.skipIf(skip)('waiting for a job can be given up; the job goes on', async () => {
    await start();
    await queue.add(request('a'));
    const controller = new AbortController();
    const waiting = waitForJob(queue, 'a', { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await queue.get('a'))?.state).toBe('queued');
  });
});
