/**
 * Foreign networks in the service: a server, batches and workers restore with an ONNX file as the library does, and no job is
 * done by the same file read in another way.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeImage } from '../../src/image/image-encode.ts';
import { readImage } from '../../src/image/image-file.ts';
import { Clearword } from '../../src/index.ts';
import { modelIdentity } from '../../src/models/load.ts';
import { type BatchReport, runBatch } from '../../src/queue/batch.ts';
import { inputKey, type RestorationRequest } from '../../src/queue/job.ts';
import { silentLog } from '../../src/queue/log.ts';
import { openQueue } from '../../src/queue/open-queue.ts';
import { ProcessPool } from '../../src/queue/process-pool.ts';
import { createLog } from '../../src/server/log.ts';
import { startWorker } from '../../src/server/work.ts';
import { openStore } from '../../src/store/open-store.ts';
import { pictureNetwork } from '../support/picture-network.ts';
import { largestDifference, patternPicture, temporaryFolder } from '../support/pictures.ts';
import { hasRedis, REDIS_NOTE, startRedis } from '../support/redis-server.ts';
import { runCli } from '../support/run-cli.ts';
import { expectProblem, type Fields, formOf, testServer } from '../support/server.ts';

const folder = await temporaryFolder();
const path = (...names: string[]) => join(folder, ...names);
const network = path('blur.onnx');
await writeFile(network, pictureNetwork({ noise: 'map' }));
const picture = patternPicture(70, 50);
const png = await encodeImage(picture, { format: 'png' });
await mkdir(path('photos'));
await writeFile(path('photos', 'a.png'), png);

/** How the network is read by everyone but those who are to be refused. */
const DESCRIPTOR = 'noiseLevel=30,halo=1';
const OTHER = 'noiseLevel=30,halo=1,range=-1..1';

/** The bytes that the library gives. */
const fromLibrary = await (async () => {
  const clearword = await Clearword.load({ model: network, descriptor: DESCRIPTOR, threads: 1 });
  try {
    const restored = await clearword.restore(png);
    return { bytes: await restored.toBuffer({ format: 'png' }), hash: clearword.model.hash };
  } finally {
    await clearword.dispose();
  }
})();

describe('a server with an ONNX network', async () => {
  const inference = { model: network, descriptor: DESCRIPTOR };
  const server = await testServer(path('store'), { processes: 1 }, undefined, inference);
  const post = (fields: Fields, where = 'restorations') =>
    fetch(`${server.url}/v1/${where}`, { method: 'POST', body: formOf({ image: png, ...fields }) });

  it('says which one it is', async () => {
    const response = await fetch(`${server.url}/v1/models`);
    expect(await response.json()).toEqual({ models: [{ name: 'blur', hash: fromLibrary.hash, guided: false }] });
  });

  it('restores with the bytes of the library, and records the network', async () => {
    const response = await post({});
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.status).toBe(200);
    expect(bytes.equals(fromLibrary.bytes)).toBe(true);
    const view = await (await fetch(server.url + response.headers.get('location'))).json();
    expect(view).toMatchObject({
      status: 'done',
      provenance: { model: 'blur', modelHash: fromLibrary.hash, sampler: 'none', reading: expect.any(String) },
    });
  });

  it('is told the noise level, and refuses what the network does not have', async () => {
    const told = await readImage(Buffer.from(await (await post({ strength: 'noise=55' })).arrayBuffer()));
    const usual = await readImage(fromLibrary.bytes);
    expect(largestDifference(told.picture.data, usual.picture.data)).toBeGreaterThan(3);
    await expectProblem(await post({ prompt: 'remove the rain' }), {
      code: 'INVALID_OPTION',
      detail: /expected no prompt/,
    });
    await expectProblem(await post({ samples: '2' }), { code: 'INVALID_OPTION', detail: /expected no samples/ });
    await expectProblem(await post({}, 'inspections'), { code: 'INVALID_OPTION', detail: /inspects pictures/ });
  });
});

describe('a job for an ONNX network', () => {
  it('is refused by the same file with another descriptor, and done with the same one', async () => {
    const store = await openStore(path('pool'));
    const settings = {
      store: store.address,
      device: 'cpu',
      threads: 1,
      model: network,
      descriptor: DESCRIPTOR,
    } as const;
    const pool = await ProcessPool.start({ ...settings, processes: 1, log: silentLog });
    try {
      const limits = { maxMegapixels: 1, seconds: 60 };
      const job = async (id: string, model: string): Promise<RestorationRequest> => {
        await store.put(inputKey(id), png);
        return { kind: 'restoration', id, parameters: {}, format: 'png', limits, model };
      };
      const hooks = { signal: new AbortController().signal, onProgress: () => undefined };
      const same = await modelIdentity(network, DESCRIPTOR);
      expect(pool.model).toMatchObject({ hash: fromLibrary.hash, identity: same });
      expect(same).not.toBe(fromLibrary.hash);
      expect(await pool.run(await job('same', same), hooks)).toMatchObject({ width: 70, height: 50 });
      for (const other of [await modelIdentity(network, OTHER), await modelIdentity(network), fromLibrary.hash]) {
        await expect(pool.run(await job('other', other), hooks)).rejects.toMatchObject({
          code: 'MODEL_MISMATCH',
          message: expect.stringContaining('read as nchw, rgb, 0..1'),
        });
      }
    } finally {
      await pool.close();
      await store.close();
    }
  });

  it('has its identity from everything that decides the pixels', async () => {
    const descriptors = [
      DESCRIPTOR,
      OTHER,
      'noiseLevel=31,halo=1',
      'noiseLevel=30,halo=2',
      'noiseLevel=30,halo=1,noiseScale=1',
      'noiseLevel=30,halo=1,mean=0.5',
      'noiseLevel=30,halo=1,mean=0.5,normalisedOutput=false',
      'noiseLevel=30,halo=1,residual=removed',
      'noiseLevel=30,halo=1,channels=bgr',
    ];
    const identities = await Promise.all(descriptors.map((descriptor) => modelIdentity(network, descriptor)));
    expect(new Set(identities).size).toBe(descriptors.length);
    expect(await modelIdentity(network, 'halo=1,noiseLevel=30,name=another')).toBe(identities[0]);
  });
});

describe('a batch with an ONNX network', () => {
  it('restores in processes of its own, and goes on only with the same reading', async () => {
    const common = ['--model', network, '--store', path('work'), '--threads', '1', '--json'];
    const batch = (descriptor: string) =>
      runCli(['batch', path('photos'), '-o', path('restored'), '--descriptor', descriptor, ...common]);
    const first = await batch(DESCRIPTOR);
    expect([first.code, first.stderr]).toEqual([0, expect.stringContaining('1 restored')]);
    expect((await readFile(path('restored', 'a.png'))).equals(fromLibrary.bytes)).toBe(true);
    expect((await batch(DESCRIPTOR)).stderr).toContain('0 restored, 0 unchanged, 1 skipped');
    expect((await batch(OTHER)).stderr).not.toContain('1 skipped');
  });
});

/** The photos through a queue on Redis, each tried once, for workers that have this model. */
async function batchOnce(address: string, model: string) {
  const store = await openStore(path('shared'));
  const [source, target] = [await openStore(path('photos')), await openStore(path(`once-${model.slice(0, 8)}`))];
  const common = { attempts: 1, lease: 5, backOff: 0.02, keepSeconds: 60, log: silentLog };
  const queue = await openQueue({ ...common, address, name: 'onnx', store });
  const reports: BatchReport[] = [];
  try {
    const summary = await runBatch({
      ...{ queue, store, source, target, model, inFlight: 1, overwrite: false, retrySetAside: false },
      retry: { attempts: 1, backOff: 0.02 },
      parameters: {},
      limits: { maxMegapixels: 1, seconds: 60 },
      signal: new AbortController().signal,
      onReport: (report) => reports.push(report),
    });
    return { reports, summary };
  } finally {
    await queue.close();
    await Promise.all([store.close(), source.close(), target.close()]);
  }
}

describe(`a worker with an ONNX network${REDIS_NOTE}`, () => {
  it.skipIf(!hasRedis)('does the jobs of a batch that names its network and reading, and no others', async () => {
    const redis = await startRedis(folder);
    const shared = { queue: redis.url, queueName: 'onnx', store: path('shared') };
    const stop = await startWorker({
      settings: {
        ...shared,
        attempts: 2,
        lease: 5,
        keepHours: 1,
        processes: 1,
        threads: 1,
        grace: 5,
        metricsHost: '127.0.0.1',
      },
      inference: { device: 'cpu', model: network, descriptor: DESCRIPTOR },
      log: createLog('error', { write: () => undefined }),
    });
    try {
      const places = ['--queue', shared.queue, '--queue-name', shared.queueName, '--store', shared.store];
      const batch = (output: string, descriptor: string) =>
        runCli([
          'batch',
          path('photos'),
          '-o',
          path(output),
          '--model',
          network,
          '--descriptor',
          descriptor,
          ...places,
        ]);
      const done = await batch('by-worker', DESCRIPTOR);
      expect([done.code, done.stderr]).toEqual([0, expect.stringContaining('1 restored')]);
      expect((await readFile(path('by-worker', 'a.png'))).equals(fromLibrary.bytes)).toBe(true);
      // The command would try for two minutes, in case that another worker comes.
      const { reports, summary } = await batchOnce(redis.url, await modelIdentity(network, OTHER));
      expect(summary).toMatchObject({ restored: 0, failed: 1 });
      expect(reports).toEqual([
        expect.objectContaining({ status: 'failed', error: expect.objectContaining({ code: 'MODEL_MISMATCH' }) }),
      ]);
      expect((await batchOnce(redis.url, await modelIdentity(network, DESCRIPTOR))).summary).toMatchObject({
        restored: 1,
      });
    } finally {
      await stop();
      await redis.stop();
    }
  });
});
