/** A batch from bucket to bucket: Redis is a real one, processes and the official S3 client are, too; the model is not. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeImage } from '../../src/image/image-encode.ts';
import { readImage } from '../../src/image/image-file.ts';
import { type BatchReport, runBatch } from '../../src/queue/batch.ts';
import { silentLog } from '../../src/queue/log.ts';
import { openQueue } from '../../src/queue/open-queue.ts';
import { ProcessPool } from '../../src/queue/process-pool.ts';
import { openStore } from '../../src/store/open-store.ts';
import { loaderModule } from '../support/loaders.ts';
import { patternPicture, temporaryFolder } from '../support/pictures.ts';
import { hasRedis, REDIS_NOTE, startRedis } from '../support/redis-server.ts';
import { startS3Server } from '../support/s3-server.ts';

const folder = await temporaryFolder();
const redis = hasRedis ? await startRedis(folder) : undefined;
const s3 = await startS3Server();
const loader = loaderModule('fake-loader');

let pool: ProcessPool;

beforeAll(async () => {
  // From sources: on a busy machine processes take longer to start than all that follows.
  const common = { device: 'cpu', threads: 1, loader, processes: 2, log: silentLog } as const;
  pool = await ProcessPool.start({ ...common, store: 's3://bucket/work' });
});
afterAll(() => pool.close());

describe(`object storage and Redis${REDIS_NOTE}`, () => {
  it.skipIf(!hasRedis)(
    'take a bucket of photos through workers, though the storage fails and Redis is restarted meanwhile',
    async () => {
      const [source, target, store] = await Promise.all(
        ['photos', 'restored', 'work'].map((name) => openStore(`s3://bucket/${name}`)),
      );
      if (!source || !target || !store) throw new Error('expected three stores');
      for (let i = 0; i < 12; i++) {
        await source.put(`2024/${i}.png`, await encodeImage(patternPicture(70 + i, 50), { format: 'png' }));
      }
      await source.put('2024/damaged.jpg', Buffer.from([0xff, 0xd8, 0xff, 0xe0]));
      const queue = await openQueue({
        ...{ address: redis?.url ?? '', name: 's3', store, attempts: 5, backOff: 0.05, lease: 5, keepSeconds: 60 },
        log: silentLog,
      });
      const worker = await queue.work(pool.run, { concurrency: 2 });
      try {
        const reports: BatchReport[] = [];
        let restarted: Promise<void> | undefined;
        const run = () =>
          runBatch({
            ...{ queue, store, source, target, inFlight: 4, overwrite: false, retrySetAside: false },
            retry: { attempts: 7, backOff: 0.1 },
            parameters: { prompt: 'remove the rain' },
            limits: { maxMegapixels: 1, seconds: 20 },
            model: 'f'.repeat(64),
            signal: new AbortController().signal,
            onReport(report) {
              reports.push(report);
              if (reports.length === 3) s3.failNext(2, 503);
              if (reports.length === 5) restarted = redis?.stop().then(() => redis.start());
            },
          });
        expect(await run()).toEqual({ restored: 12, unchanged: 0, skipped: 0, 'set-aside': 1, failed: 0 });
        expect(restarted).toBeDefined();
        await restarted;
        const results = [...s3.objects.keys()].filter((key) => key.startsWith('restored/2024/'));
        expect(results).toHaveLength(12);
        expect([...s3.objects.keys()].filter((key) => key.startsWith('work/'))).toEqual([]);
        const { picture } = await readImage(s3.objects.get('restored/2024/5.png') as Buffer);
        expect(picture).toMatchObject({ width: 75, height: 50 });
        expect(await run()).toEqual({ restored: 0, unchanged: 0, skipped: 12, 'set-aside': 1, failed: 0 });
      } finally {
        await worker.close(5);
        await queue.close();
        for (const each of [source, target, store]) await each.close();
      }
    },
  );
});
