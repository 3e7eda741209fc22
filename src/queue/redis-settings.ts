/**
 * What a queue on Redis and its workers are opened with.
 *
 * @module
 */
import type { RetrySettings } from './job-queue.ts';
import type { Log } from './log.ts';

export interface RedisQueueSettings extends RetrySettings {
  /** `redis://` or `rediss://`, with user, password and number of the database if needed. */
  readonly url: string;
  readonly name: string;
  /** Seconds after which the job of a worker that vanished goes back to the queue. */
  readonly lease: number;
  /** Seconds for which finished jobs are remembered. */
  readonly keepSeconds: number;
  readonly log: Log;
  /** How long things wait for Redis; default: `PACE`. */
  readonly pace?: Pace;
}

export interface Pace {
  /** Seconds for which a worker without a job asks for one at a time. */
  readonly ask: number;
  /** Milliseconds between two tries to reach Redis again, at most: whoever waits should not do so long after it is back. */
  readonly retry: number;
}

export const PACE: Pace = { ask: 5, retry: 3000 };

export type BullMq = typeof import('bullmq');
