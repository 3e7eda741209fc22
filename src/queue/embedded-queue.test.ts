/** What only the embedded queue does: a journal, and a folder to itself. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { request, result, settings, until } from '../../test/support/jobs.ts';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { openStore } from '../store/open-store.ts';
import { openQueue } from './open-queue.ts';

const folder = await temporaryFolder();

describe('the embedded queue', () => {
  it('goes on with what ran when the process was killed, and gives up what kills it each time', async () => {
    const address = join(folder, 'killed');
    const store = await openStore(address);
    const journal = (id: string, attempts: number) => ({
      request: request(id),
      state: 'running',
      progress: { stage: 'restore', fraction: 0.3 },
      attempts,
      created: attempts,
    });
    for (const [id, attempts] of [
      ['once', 1],
      ['always', 3],
    ] as const) {
      await store.put(`jobs/${id}/job.json`, Buffer.from(JSON.stringify(journal(id, attempts))));
    }
    await store.put('jobs/torn/job.json', Buffer.from('{"request":'));
    const queue = await openQueue({ ...settings, address: 'embedded', store });
    expect(await queue.get('always')).toMatchObject({ state: 'failed', error: { code: 'WORKER_CRASHED' } });
    expect(await queue.get('torn')).toBeUndefined();
    const worker = await queue.work(async () => result(), { concurrency: 1 });
    expect(await until(queue, 'once')).toMatchObject({ state: 'done', attempts: 2 });
    await worker.close(1);
    await queue.close();
  });

  it('has its folder to itself', async () => {
    const store = await openStore(join(folder, 'locked'));
    const lock = (holder: object) => store.put('.lock', Buffer.from(JSON.stringify(holder)));
    const open = () => openQueue({ ...settings, address: 'embedded', store });
    // A process that lives, of this machine: the one that started this one.
    const { hostname } = await import('node:os');
    await lock({ host: hostname(), pid: process.ppid });
    await expect(open()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining(`process ${process.ppid}`),
    });
    await lock({ host: 'elsewhere', pid: 1 });
    await expect(open()).rejects.toMatchObject({ code: 'STORE_FAILED' });
    // Processes that are gone: of this machine, of another one that gave no sign for long, and a lock cut off.
    await lock({ host: hostname(), pid: 2 ** 30 });
    await (await open()).close();
    await lock({ host: 'elsewhere', pid: 1 });
    const { utimes } = await import('node:fs/promises');
    const longAgo = new Date(Date.now() - 120_000);
    await utimes(join(store.address, '.lock'), longAgo, longAgo);
    await (await open()).close();
    await store.put('.lock', Buffer.from('{'));
    await (await open()).close();
    expect(await store.stat('.lock')).toBeUndefined();
  });

  it('wants a folder; other addresses are refused', async () => {
    const store = await openStore(folder);
    const elsewhere = { ...store, address: 's3://bucket' } as unknown as typeof store;
    await expect(openQueue({ ...settings, address: 'embedded', store: elsewhere })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
    for (const address of ['kafka://x', 'redis://', '']) {
      await expect(openQueue({ ...settings, address, store })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    }
  });
});
