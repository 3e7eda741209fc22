/** Batches on the embedded queue, with a runner of the test's own; Redis and real workers are in test/e2e/queue.test.ts. */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { ClearwordError, type ErrorCode } from '../errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { openStore } from '../store/open-store.ts';
import { type BatchReport, type BatchSettings, runBatch } from './batch.ts';
import { inputKey, type JobRequest, type JobResult } from './job.ts';
import type { JobRunner } from './job-queue.ts';
import { silentLog } from './log.ts';
import { openQueue } from './open-queue.ts';

const folder = await temporaryFolder();
let count = 0;

const degradations = {
  noise: { probability: 1, strength: 0.5, verdict: 'found' },
  rain: { probability: 0, strength: 0, verdict: 'absent' },
  haze: { probability: 0, strength: 0, verdict: 'absent' },
} as const;

/** A place for everything of one test. `restore` writes the picture's own bytes with an exclamation mark. */
async function setUp(pictures: Readonly<Record<string, string>>) {
  const root = join(folder, String(count++));
  const [source, target, store] = (await Promise.all(
    ['source', 'target', 'store'].map((name) => openStore(join(root, name))),
  )) as [ObjectStore, ObjectStore, ObjectStore];
  for (const [key, text] of Object.entries(pictures)) await source.put(key, Buffer.from(text));
  /** Pictures in the order of their restoration. */
  const restored: string[] = [];
  const restore = async (request: JobRequest): Promise<JobResult> => {
    const text = Buffer.from((await store.get(inputKey(request.id))) ?? []).toString();
    restored.push(text);
    if (text.startsWith('bad')) throw new ClearwordError(text.split(' ')[1] as ErrorCode, 'it is bad');
    const samples = request.kind === 'restoration' ? (request.parameters.samples ?? 1) : 1;
    const parts = samples > 1 ? ['restored', 'uncertainty', 'comparison'] : ['restored'];
    const files: JobResult['files'][number][] = [];
    for (const part of parts) {
      const key = `jobs/${request.id}/${part}`;
      await store.put(key, Buffer.from(`${text}! ${part}`));
      files.push({ part, key, format: part === 'uncertainty' ? 'png' : 'jpeg', bytes: 1 });
    }
    const status = text.startsWith('clean') ? 'unchanged' : 'restored';
    return { status, degradations, seconds: 0.5, files };
  };
  const open = async (runner: JobRunner = restore) => {
    const queue = await openQueue({
      ...{
        address: 'embedded',
        name: 'x',
        store,
        lease: 1,
        attempts: 2,
        backOff: 0.01,
        keepSeconds: 60,
        log: silentLog,
      },
    });
    const worker = await queue.work(runner, { concurrency: 2 });
    const close = async () => {
      await worker.close(1);
      await queue.close();
    };
    return { queue, close };
  };
  const run = async (more: Partial<BatchSettings> = {}, runner?: JobRunner) => {
    const { queue, close } = await open(runner);
    const reports: BatchReport[] = [];
    try {
      const summary = await runBatch({
        ...{ queue, store, source, target, inFlight: 4, overwrite: false, retrySetAside: false },
        retry: { attempts: 2, backOff: 0.01 },
        parameters: { prompt: '' },
        limits: { maxMegapixels: 1, seconds: 5 },
        model: 'm'.repeat(64),
        signal: new AbortController().signal,
        onReport: (report) => reports.push(report),
        ...more,
      });
      return { summary, reports };
    } finally {
      await close();
    }
  };
  const list = async (of: ObjectStore) => {
    const keys: string[] = [];
    for await (const { key } of of.list('')) keys.push(key);
    return keys.sort();
  };
  const results = async () => (await list(target)).filter((key) => !key.startsWith('.clearword-batch/'));
  const read = async (key: string) => Buffer.from((await target.get(key)) ?? []).toString();
  return { root, source, target, store, restored, restore, run, list, results, read };
}

describe('a batch', () => {
  it('restores every picture into the same place in the target, and leaves nothing else behind', async () => {
    const place = await setUp({ 'a.jpg': 'a', 'deep/er/b.PNG': 'b', 'notes.txt': 'x', 'c.webp': 'c' });
    const { summary, reports } = await place.run();
    expect(summary).toEqual({ restored: 3, unchanged: 0, skipped: 0, 'set-aside': 0, failed: 0 });
    expect(await place.results()).toEqual(['a.jpg', 'c.webp', 'deep/er/b.PNG']);
    expect(await place.read('deep/er/b.PNG')).toBe('b! restored');
    expect(reports).toContainEqual({ status: 'restored', input: 'a.jpg', output: 'a.jpg', seconds: 0.5 });
    expect(await place.list(place.store)).toEqual([]);
  });

  it('again does nothing, but what is new, changed, asked for otherwise or gone from the target', async () => {
    const place = await setUp({ 'a.jpg': 'a', 'b.jpg': 'b', 'c.jpg': 'c' });
    await place.run();
    expect((await place.run()).summary).toEqual({ restored: 0, unchanged: 0, skipped: 3, 'set-aside': 0, failed: 0 });
    await place.source.put('b.jpg', Buffer.from('b2'));
    await place.source.put('d.jpg', Buffer.from('d'));
    await place.target.remove('c.jpg');
    expect((await place.run()).summary).toEqual({ restored: 3, unchanged: 0, skipped: 1, 'set-aside': 0, failed: 0 });
    expect(place.restored.sort()).toEqual(['a', 'b', 'b2', 'c', 'c', 'd']);
    expect((await place.run({ parameters: { prompt: 'x' } })).summary.restored).toBe(4);
    expect((await place.run({ model: 'n'.repeat(64) })).summary.restored).toBe(4);
  });

  it('counts photos that are left unchanged apart from those that are restored, and skips both the next time', async () => {
    const place = await setUp({ 'a.jpg': 'a', 'b.jpg': 'clean' });
    const { summary, reports } = await place.run();
    expect(summary).toEqual({ restored: 1, unchanged: 1, skipped: 0, 'set-aside': 0, failed: 0 });
    expect(reports).toContainEqual({ status: 'unchanged', input: 'b.jpg', output: 'b.jpg', seconds: 0.5 });
    expect(await place.results()).toEqual(['a.jpg', 'b.jpg']);
    expect((await place.run()).summary).toEqual({ restored: 0, unchanged: 0, skipped: 2, 'set-aside': 0, failed: 0 });
  });

  it('does again what a damaged line of its ledger was about', async () => {
    const place = await setUp({ 'a.jpg': 'a', 'b.jpg': 'b' });
    await place.run();
    const [segment = ''] = (await place.list(place.target)).filter((key) => key.includes('/ledger/'));
    const lines = (await place.read(segment)).split('\n').filter((line) => line !== '');
    const damaged = lines.map((line) => (line.includes('"a.jpg"') ? line.slice(0, 40) : line));
    await place.target.put(segment, Buffer.from(damaged.join('\n')));
    expect((await place.run()).summary).toMatchObject({ restored: 1, skipped: 1 });
  });

  it('sets aside what cannot be restored, lists it, and tries it again when told', async () => {
    const place = await setUp({ 'a.jpg': 'a', 'b.jpg': 'bad IMAGE_DAMAGED', 'c.jpg': 'bad WORKER_CRASHED' });
    expect((await place.run()).summary).toEqual({ restored: 1, unchanged: 0, skipped: 0, 'set-aside': 2, failed: 0 });
    expect(place.restored.filter((text) => text === 'bad WORKER_CRASHED')).toHaveLength(2);
    const listed = (await place.read('.clearword-batch/set-aside.jsonl'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { key: string; error: { code: string } });
    expect(listed.map(({ key, error }) => `${key} ${error.code}`).sort()).toEqual([
      'b.jpg IMAGE_DAMAGED',
      'c.jpg WORKER_CRASHED',
    ]);
    const runs = place.restored.length;
    const again = await place.run();
    expect(again.summary).toEqual({ restored: 0, unchanged: 0, skipped: 1, 'set-aside': 2, failed: 0 });
    expect(again.reports).toContainEqual(expect.objectContaining({ input: 'b.jpg', error: expect.anything() }));
    expect(place.restored).toHaveLength(runs);
    await place.source.put('b.jpg', Buffer.from('mended'));
    expect((await place.run({ retrySetAside: true })).summary).toEqual({
      restored: 1,
      unchanged: 0,
      skipped: 1,
      'set-aside': 1,
      failed: 0,
    });
    await place.source.remove('c.jpg');
  });

  it('writes what belongs to a result beside it', async () => {
    const place = await setUp({ 'a.jpg': 'a' });
    await place.run({ parameters: { prompt: '', samples: 2 } });
    expect(await place.results()).toEqual(['a.compare.jpg', 'a.jpg', 'a.uncertainty.png']);
  });

  it('restores copies of a picture without doing the work of one for each at the same time', async () => {
    const pictures = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`${i}.jpg`, 'same']));
    const place = await setUp(pictures);
    expect((await place.run({ inFlight: 6 })).summary.restored).toBe(6);
    expect(await place.results()).toHaveLength(6);
    expect(place.restored).toEqual(['same']);
  });

  it('that is stopped goes on where it was; what was queued is not done twice', async () => {
    const place = await setUp(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`${i}.jpg`, `p${i}`])));
    const controller = new AbortController();
    const slow: JobRunner = async (request) => {
      const result = await place.restore(request);
      if (place.restored.length >= 3) controller.abort();
      await wait(20);
      return result;
    };
    await expect(place.run({ signal: controller.signal }, slow)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await place.results()).length).toBeLessThan(8);
    const { summary } = await place.run();
    expect(summary.restored + summary.skipped).toBe(8);
    expect(place.restored.sort()).toEqual(Array.from({ length: 8 }, (_, i) => `p${i}`));
    expect(await place.results()).toHaveLength(8);
  });

  it('does again what was cancelled, or cleared away before it was fetched', async () => {
    const place = await setUp({ 'a.jpg': 'a', 'b.jpg': 'b' });
    let first = true;
    const careless: JobRunner = async (request) => {
      const lose = first;
      first = false;
      const result = await place.restore(request);
      if (lose) await place.store.remove(result.files[0]?.key ?? '');
      return result;
    };
    expect((await place.run({}, careless)).summary.restored).toBe(2);
    expect(place.restored).toHaveLength(3);
  });

  it('reports failures of the target, and gets them right in the next run', async () => {
    const place = await setUp({ 'a.jpg': 'a', 'b.jpg': 'b' });
    // Where a result should go there is a folder with something in it.
    await place.target.put('.clearword-batch/batch.json', Buffer.from('{}'));
    await place.target.put('b.jpg/x', Buffer.from(''));
    const { summary, reports } = await place.run();
    expect(summary).toEqual({ restored: 1, unchanged: 0, skipped: 0, 'set-aside': 0, failed: 1 });
    expect(reports).toContainEqual(expect.objectContaining({ input: 'b.jpg', status: 'failed' }));
    await place.target.remove('b.jpg/x');
    expect((await place.run()).summary).toEqual({ restored: 1, unchanged: 0, skipped: 1, 'set-aside': 0, failed: 0 });
    expect(place.restored.sort()).toEqual(['a', 'b']);
  });

  it('does not set aside what failed because the store or the model of a worker did', async () => {
    const place = await setUp({ 'a.jpg': 'a', 'b.jpg': 'b' });
    let failures = 0;
    // More often than the queue tries by itself (2), then more often than a batch (2) does, too.
    const failing =
      (times: number, code: ErrorCode): JobRunner =>
      async (request) => {
        const text = Buffer.from((await place.store.get(inputKey(request.id))) ?? []).toString();
        if (text === 'b' && failures++ < times) throw new ClearwordError(code, 'it is away');
        return place.restore(request);
      };
    const hopeless = await place.run({}, failing(9, 'MODEL_MISMATCH'));
    expect(hopeless.summary).toEqual({ restored: 1, unchanged: 0, skipped: 0, 'set-aside': 0, failed: 1 });
    expect(hopeless.reports).toContainEqual(
      expect.objectContaining({ input: 'b.jpg', error: expect.objectContaining({ code: 'MODEL_MISMATCH' }) }),
    );
    expect(failures).toBe(4);
    failures = 0;
    const { summary } = await place.run({}, failing(3, 'STORE_FAILED'));
    expect(summary).toEqual({ restored: 1, unchanged: 0, skipped: 1, 'set-aside': 0, failed: 0 });
    expect(failures).toBe(4);
  });

  it('writes only into an empty place, or one of its own, or when told', async () => {
    const place = await setUp({ 'a.jpg': 'a' });
    await place.target.put('a.jpg', Buffer.from('precious'));
    await expect(place.run()).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(await place.read('a.jpg')).toBe('precious');
    expect((await place.run({ overwrite: true })).summary.restored).toBe(1);
    expect((await place.run()).summary.skipped).toBe(1);
    await expect(place.run({ target: place.source })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('does not take its results for pictures when they go into a folder of the source', async () => {
    const place = await setUp({ 'a.jpg': 'a' });
    const target = await openStore(join(place.root, 'source', 'restored'));
    expect((await place.run({ target })).summary.restored).toBe(1);
    expect((await place.run({ target })).summary).toEqual({
      restored: 0,
      unchanged: 0,
      skipped: 1,
      'set-aside': 0,
      failed: 0,
    });
  });
});
