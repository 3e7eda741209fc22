/** A server whose queue is in a Redis that does not answer, or is gone. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeImage } from '../../src/image/image-encode.ts';
import { eventually } from '../support/jobs.ts';
import { patternPicture, temporaryFolder } from '../support/pictures.ts';
import { hasRedis, REDIS_NOTE, startRedis } from '../support/redis-server.ts';
import { expectProblem, formOf, testServer } from '../support/server.ts';

const folder = await temporaryFolder();
const png = await encodeImage(patternPicture(60, 40), { format: 'png' });
const MEANING = /^The server is starting or shutting down, or its queue cannot be reached\.$/;

describe.skipIf(!hasRedis)(`a server on Redis${REDIS_NOTE}`, async () => {
  if (!hasRedis) return;
  const redis = await startRedis(folder);
  const server = await testServer(join(folder, 'store'), { queue: redis.url });
  const post = () => fetch(`${server.url}/v1/restorations`, { method: 'POST', body: formOf({ image: png }) });
  const requests: readonly (() => Promise<Response>)[] = [
    post,
    () => fetch(`${server.url}/readyz`),
    () => fetch(`${server.url}/v1/restorations/${'a'.repeat(40)}`),
  ];
  const refused = async () => {
    for (const request of requests) {
      const started = performance.now();
      const response = await request();
      // Not when Redis is back, which is long after; a busy machine may be late.
      expect(performance.now() - started).toBeLessThan(15_000);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      // Neither the address of the queue nor the words of its client.
      await expectProblem(response, { code: 'UNAVAILABLE', detail: MEANING });
    }
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  };

  it('says soon that Redis does not answer, and works when it does', async () => {
    expect((await post()).status).toBe(200);
    redis.freeze();
    try {
      await refused();
    } finally {
      redis.thaw();
    }
    await eventually(async () => (await post()).status === 200);
  });

  it('says at once that Redis is away, and works when it is back', async () => {
    await redis.stop();
    await refused();
    await redis.start();
    await eventually(async () => (await post()).status === 200);
  });
});
