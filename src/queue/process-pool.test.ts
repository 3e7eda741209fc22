/** Real processes, with a stand-in for the model (test/support/fake-loader.ts). */

import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { loaderModule } from '../../test/support/loaders.ts';
import { patternPicture, temporaryFolder } from '../../test/support/pictures.ts';
import { encodeImage } from '../image/image-encode.ts';
import { readImage } from '../image/image-file.ts';
import { openStore } from '../store/open-store.ts';
import type { InferenceSettings } from './inference-protocol.ts';
import { inputKey, type JobProgress, type JobRequest, type RestorationRequest } from './job.ts';
import { silentLog } from './log.ts';
import { ProcessPool } from './process-pool.ts';

const store = await openStore(await temporaryFolder());
const loader = loaderModule('fake-loader');
const settings: InferenceSettings = { store: store.address, device: 'cpu', threads: 1, loader };
const picture = patternPicture(150, 100, { bits: 16 });
const png = await encodeImage(picture, { format: 'png' });
let count = 0;

async function job(prompt = '', more: Partial<RestorationRequest> = {}): Promise<RestorationRequest> {
  const id = `job-${count++}`;
  await store.put(inputKey(id), png);
  const limits = { maxMegapixels: 1, seconds: 20 };
  return { kind: 'restoration', id, parameters: { prompt }, format: 'png', limits, ...more };
}
const hooks = (signal = new AbortController().signal, onProgress: (progress: JobProgress) => void = () => {}) => ({
  signal,
  onProgress,
});

describe('a pool of processes', () => {
  const pools: ProcessPool[] = [];
  const start = async (processes = 1, more: Partial<InferenceSettings> = {}) => {
    const pool = await ProcessPool.start({ ...settings, ...more, processes, log: silentLog });
    pools.push(pool);
    return pool;
  };
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
  });

  it('restores, tells how far it is, and writes the results', async () => {
    const pool = await start();
    expect(pool.model).toEqual({ name: 'fake', hash: 'f'.repeat(64), identity: 'f'.repeat(64), guided: true });
    const progress: number[] = [];
    const parameters = { tile: 64, steps: 4, samples: 2, compare: true, saveStates: true, prompt: 'slow' };
    const request = await job('', { parameters, model: 'f'.repeat(64) });
    const result = await pool.run(
      request,
      hooks(undefined, ({ fraction }) => progress.push(fraction)),
    );
    expect(result).toMatchObject({ width: 150, height: 100, degradations: { noise: { probability: 0.97 } } });
    expect(result.provenance).toMatchObject({ model: 'fake', seed: 0, samples: 2 });
    expect(result.seconds).toBeGreaterThan(0);
    expect(result.files.map(({ part }) => part)).toEqual([
      'restored',
      'sample-1',
      'sample-2',
      'uncertainty',
      'comparison',
      'states',
    ]);
    for (const { key, bytes } of result.files) expect((await store.stat(key))?.bytes).toBe(bytes);
    const restored = await readImage((await store.get(`jobs/${request.id}/restored`)) as Uint8Array);
    expect(restored.picture).toMatchObject({ width: 150, height: 100 });
    expect(restored.source.bits).toBe(16);
    // Told at intervals: fewer steps were over after two of them on a fast machine.
    expect(progress.length).toBeGreaterThan(2);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);
  });

  it('writes the format that is asked for, and inspects', async () => {
    const pool = await start();
    const request = await job('', { format: 'webp', quality: 50 });
    const { files } = await pool.run(request, hooks());
    expect(files).toMatchObject([{ part: 'restored', format: 'webp' }]);
    const written = await readImage((await store.get(files[0]?.key ?? '')) as Uint8Array);
    expect(written.source.format).toBe('webp');
    const inspection: JobRequest = { kind: 'inspection', id: request.id, limits: request.limits };
    expect(await pool.run(inspection, hooks())).toMatchObject({
      files: [],
      degradations: { noise: { strength: 0.4 } },
    });
  });

  it('says what is wrong with a picture, and goes on', async () => {
    const pool = await start();
    const damaged = await job();
    await store.put(inputKey(damaged.id), png.subarray(0, 500));
    await expect(pool.run(damaged, hooks())).rejects.toMatchObject({ code: 'IMAGE_DAMAGED' });
    const large = await job('', { limits: { maxMegapixels: 0.01, seconds: 20 } });
    await expect(pool.run(large, hooks())).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    const gone = await job();
    await store.remove(inputKey(gone.id));
    await expect(pool.run(gone, hooks())).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect(pool.run(await job('', { model: 'a'.repeat(64) }), hooks())).rejects.toMatchObject({
      code: 'MODEL_MISMATCH',
    });
    expect((await pool.run(await job(), hooks())).width).toBe(150);
    expect(pool.replaced).toBe(0);
  });

  it('replaces a process that crashes or is killed, and fails its job only', async () => {
    const pool = await start(2);
    const [first] = pool.pids;
    const other = pool.run(await job('slow'), hooks());
    await expect(pool.run(await job('crash'), hooks())).rejects.toMatchObject({
      code: 'WORKER_CRASHED',
      message: expect.stringContaining('SIGKILL'),
    });
    expect((await other).width).toBe(150);
    expect((await pool.run(await job(), hooks())).width).toBe(150);
    for (let tries = 0; pool.usable < 2 && tries < 200; tries++) await wait(50);
    expect([pool.usable, pool.replaced]).toEqual([2, 1]);
    expect(new Set(pool.pids).size).toBe(2);
    expect(first).toBeGreaterThan(0);
  });

  it('kills a process that takes too long', async () => {
    const pool = await start();
    const request = await job('stuck', { limits: { maxMegapixels: 1, seconds: 0.5 } });
    await expect(pool.run(request, hooks())).rejects.toMatchObject({ code: 'TIMED_OUT' });
    expect((await pool.run(await job(), hooks())).width).toBe(150);
  });

  it('cancels at the next step, and while a job waits for a process', async () => {
    const pool = await start();
    const [running, waiting] = [new AbortController(), new AbortController()];
    const stopped = pool.run(await job('endless'), hooks(running.signal));
    const never = pool.run(await job(), hooks(waiting.signal));
    await wait(300);
    waiting.abort();
    await expect(never).rejects.toMatchObject({ code: 'CANCELLED' });
    running.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(pool.replaced).toBe(0);
    await expect(pool.run(await job(), hooks(AbortSignal.abort()))).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await pool.run(await job(), hooks())).width).toBe(150);
  });

  it('closes after the jobs that it has begun, and refuses the others', async () => {
    const pool = await start();
    const pids = pool.pids;
    const running = pool.run(await job('slow'), hooks());
    const waiting = pool.run(await job(), hooks());
    const refused = expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await wait(100);
    const closing = pool.close();
    await refused;
    expect((await running).width).toBe(150);
    await closing;
    await expect(pool.run(await job(), hooks())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
  });

  it('that cannot load its model says why, at once', async () => {
    const { loader: _, ...real } = settings;
    const broken = { ...real, model: join(store.address, 'none.safetensors'), processes: 2, log: silentLog };
    await expect(ProcessPool.start(broken)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(start(1, { loader: 'file:///none.js' })).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});
