/**
 * Jobs without pictures, and waiting for them, for tests of queues.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises';
import { ClearwordError, type ErrorCode } from '../../src/errors.ts';
import type { JobRequest, JobResult, JobStatus } from '../../src/queue/job.ts';
import { type JobQueue, type JobRunner, waitForJob } from '../../src/queue/job-queue.ts';
import { silentLog } from '../../src/queue/log.ts';

/** Of a queue, short enough for tests. */
export const settings = { name: 'test', attempts: 3, backOff: 0.02, lease: 1, keepSeconds: 60, log: silentLog };

export const request = (id: string): JobRequest => ({
  kind: 'restoration',
  id,
  parameters: { prompt: 'remove the rain' },
  format: 'png',
  limits: { maxMegapixels: 1, seconds: 10 },
});
export const result = (seconds = 1): JobResult => ({
  degradations: {
    noise: { probability: 1, strength: 0.5, verdict: 'found' },
    rain: { probability: 0, strength: 0, verdict: 'absent' },
    haze: { probability: 0, strength: 0, verdict: 'absent' },
  },
  seconds,
  files: [],
});
export const failure = (code: ErrorCode) => new ClearwordError(code, `it is ${code}`);
/** Runs until it is aborted. */
export const endless: JobRunner = (_, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(failure('CANCELLED'))));
export const until = (queue: JobQueue, id: string, onChange?: (status: JobStatus) => void) =>
  waitForJob(queue, id, { onChange, pollSeconds: 1, signal: AbortSignal.timeout(60_000) });
export async function eventually(check: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 2400; tries++) {
    if (await check()) return;
    await wait(25);
  }
  throw new Error('it did not happen');
}
