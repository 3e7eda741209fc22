/**
 * Taking jobs from a queue on Redis.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'bullmq';
import { ClearwordError } from '../errors.ts';
import { isWorthAnotherTry, type JobResult, jobErrorOf } from './job.ts';
import type { JobRunner, QueueWorker } from './job-queue.ts';
import { connectionTo, FAREWELL, leave } from './redis-connection.ts';
import {
  encodeError,
  encodeVanished,
  hasMoreTries,
  hasTries,
  type QueuedData,
  type QueuedJob,
  STALLS_FOR_EVER,
} from './redis-job.ts';
import { type BullMq, PACE, type RedisQueueSettings } from './redis-settings.ts';

/** Why a job that is running is stopped. */
type Stop = 'cancelled' | 'closing' | 'lost';

interface Running {
  readonly controller: AbortController;
  readonly work: Promise<unknown>;
  stop?: Stop;
}

/** Cancelled ids to remember: an event may come before the job that it is about. */
const MOST_CANCELLED = 1000;

export class RedisWorker implements QueueWorker {
  readonly #bullmq: BullMq;
  readonly #settings: RedisQueueSettings;
  readonly #run: JobRunner;
  readonly #worker: Worker<QueuedData, JobResult>;
  readonly #running = new Map<string, Running>();
  readonly #cancelled = new Set<string>();

  constructor(
    bullmq: BullMq,
    settings: RedisQueueSettings,
    { run, concurrency }: { readonly run: JobRunner; readonly concurrency: number },
  ) {
    const { url, name, lease, log, pace = PACE } = settings;
    this.#bullmq = bullmq;
    this.#settings = settings;
    this.#run = run;
    this.#worker = new bullmq.Worker(name, (job: QueuedJob, token?: string) => this.#process(job, token), {
      connection: connectionTo(url, pace),
      drainDelay: pace.ask,
      concurrency,
      lockDuration: lease * 1000,
      stalledInterval: lease * 1000,
      maxStalledCount: STALLS_FOR_EVER,
    });
    this.#worker.on('error', (error) => log.error({ err: error }, 'queue'));
    this.#worker.on('stalled', (id) => log.warn({ job: id }, 'worker vanished, its job is queued again'));
    // Another worker has the job by now, or soon.
    this.#worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) this.#stop(id, 'lost');
    });
  }

  async ready(): Promise<void> {
    await this.#worker.waitUntilReady();
  }

  cancel(id: string): void {
    this.#cancelled.add(id);
    const [oldest] = this.#cancelled;
    if (this.#cancelled.size > MOST_CANCELLED && oldest !== undefined) this.#cancelled.delete(oldest);
    this.#stop(id, 'cancelled');
  }

  async close(graceSeconds: number): Promise<void> {
    const settled = new AbortController();
    const patience = this.#settle(graceSeconds, settled.signal).catch(() => undefined);
    const closed = await leave(this.#worker, patience);
    settled.abort();
    if (!closed) {
      this.#settings.log.warn({}, 'queue away while closing: what it was not told is done again after the lease');
    }
  }

  /** Until everything that runs has ended, by itself within the grace or because it was stopped, and a little longer. */
  async #settle(graceSeconds: number, signal: AbortSignal): Promise<void> {
    await delay(graceSeconds * 1000, undefined, { signal });
    for (const id of this.#running.keys()) this.#stop(id, 'closing');
    await Promise.allSettled([...this.#running.values()].map(({ work }) => work));
    await delay(FAREWELL * 1000, undefined, { signal });
  }

  #stop(id: string, why: Stop): void {
    const running = this.#running.get(id);
    if (!running) return;
    running.stop ??= why;
    running.controller.abort();
  }

  async #process(job: QueuedJob, token: string | undefined): Promise<JobResult> {
    const { request } = job.data;
    const { id } = request;
    if (await this.#isCancelled(job)) throw this.#final(cancelledError(id));
    // A job whose worker vanishes each time takes workers down.
    if (!hasTries(job, this.#settings.attempts)) throw new this.#bullmq.UnrecoverableError(encodeVanished(job));
    const controller = new AbortController();
    const work = this.#run(request, {
      signal: controller.signal,
      onProgress: (progress) => {
        // A message that is lost is made good by the next one.
        job.updateProgress(progress).catch(() => undefined);
      },
    });
    const running: Running = { controller, work };
    this.#running.set(id, running);
    try {
      return await work;
    } catch (cause) {
      if (running.stop === 'closing') {
        await job.moveToWait(token);
        throw new this.#bullmq.WaitingError();
      }
      const error = jobErrorOf(running.stop === 'cancelled' ? cancelledError(id) : cause);
      // BullMQ itself sees that the job is no longer this worker's, and keeps nothing of this.
      if (running.stop === 'lost') throw new Error(encodeError(error));
      const again = isWorthAnotherTry(error) && hasMoreTries(job, this.#settings.attempts);
      this.#settings.log.warn({ job: id, code: error.code, again }, 'job failed');
      throw again ? new Error(encodeError(error)) : this.#final(cause);
    } finally {
      // A job that was lost may be back here before its first run has ended.
      if (this.#running.get(id) === running) this.#running.delete(id);
    }
  }

  /** What was cancelled after it was handed out says so only in Redis; what is new under an old id is not cancelled. */
  async #isCancelled({ data }: QueuedJob): Promise<boolean> {
    if (data.cancelled !== undefined) return true;
    const { id } = data.request;
    if (!this.#cancelled.delete(id)) return false;
    const latest: QueuedJob | undefined = await this.#bullmq.Job.fromId(this.#worker, id);
    return latest?.data.cancelled !== undefined;
  }

  /** An error after which BullMQ does not try again. */
  #final(cause: unknown): Error {
    return new this.#bullmq.UnrecoverableError(encodeError(jobErrorOf(cause)));
  }
}

function cancelledError(id: string): ClearwordError {
  return new ClearwordError('CANCELLED', `job ${id} was cancelled`);
}
