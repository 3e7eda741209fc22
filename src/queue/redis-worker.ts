/**
 * Taking jobs from a queue on Redis.
 *
 * @module
 */
import type { Worker } from 'bullmq';
import { ClearwordError } from '../errors.ts';
import { isWorthAnotherTry, type JobResult, jobErrorOf } from './job.ts';
import type { JobRunner, QueueWorker } from './job-queue.ts';
import { encodeError, type QueuedData, type QueuedJob } from './redis-job.ts';
import type { BullMq, RedisQueueSettings } from './redis-queue.ts';

/** Why a job that is running is stopped. */
type Stop = 'cancelled' | 'closing' | 'lost';

interface Running {
  readonly controller: AbortController;
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
    const { url, name, lease, attempts, log } = settings;
    this.#bullmq = bullmq;
    this.#settings = settings;
    this.#run = run;
    this.#worker = new bullmq.Worker(name, (job: QueuedJob, token?: string) => this.#process(job, token), {
      connection: { url },
      concurrency,
      lockDuration: lease * 1000,
      stalledInterval: lease * 1000,
      // A job whose worker vanishes each time takes workers down.
      maxStalledCount: attempts,
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
    const grace = setTimeout(() => {
      for (const id of this.#running.keys()) this.#stop(id, 'closing');
    }, graceSeconds * 1000);
    await this.#worker.close();
    clearTimeout(grace);
  }

  #stop(id: string, why: Stop): void {
    const running = this.#running.get(id);
    if (!running) return;
    running.stop ??= why;
    running.controller.abort();
  }

  async #process(job: QueuedJob, token: string | undefined): Promise<JobResult> {
    const { request, cancelled } = job.data;
    const { id } = request;
    if (cancelled !== undefined || this.#cancelled.has(id)) throw this.#final(cancelledError(id));
    const running: Running = { controller: new AbortController() };
    this.#running.set(id, running);
    try {
      return await this.#run(request, {
        signal: running.controller.signal,
        onProgress: (progress) => {
          // A message that is lost is made good by the next one.
          job.updateProgress(progress).catch(() => undefined);
        },
      });
    } catch (cause) {
      if (running.stop === 'closing') {
        await job.moveToWait(token);
        throw new this.#bullmq.WaitingError();
      }
      const error = jobErrorOf(running.stop === 'cancelled' ? cancelledError(id) : cause);
      // BullMQ itself sees that the job is no longer this worker's, and keeps nothing of this.
      if (running.stop === 'lost') throw new Error(encodeError(error));
      const again = isWorthAnotherTry(error) && job.attemptsMade + 1 < this.#settings.attempts;
      this.#settings.log.warn({ job: id, attempts: job.attemptsMade + 1, code: error.code, again }, 'job failed');
      throw isWorthAnotherTry(error) ? new Error(encodeError(error)) : this.#final(cause);
    } finally {
      this.#running.delete(id);
    }
  }

  /** An error after which BullMQ does not try again. */
  #final(cause: unknown): Error {
    return new this.#bullmq.UnrecoverableError(encodeError(jobErrorOf(cause)));
  }
}

function cancelledError(id: string): ClearwordError {
  return new ClearwordError('CANCELLED', `job ${id} was cancelled`);
}
