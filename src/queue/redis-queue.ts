/**
 * A queue on Redis, by BullMQ: any number of servers and workers on any machines.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Job, Queue, QueueEvents, QueueEventsProducer } from 'bullmq';
import { ClearwordError } from '../errors.ts';
import { importOptional } from '../optional-package.ts';
import { isFinished, type JobRequest, type JobResult, type JobStatus } from './job.ts';
import type { JobCounts, JobQueue, JobRunner, QueueWorker } from './job-queue.ts';
import type { Log } from './log.ts';
import { ANSWER, connectionTo, FAREWELL, inTime, leave } from './redis-connection.ts';
import { CANCEL_EVENT, type QueuedData, type QueuedJob, statusOf } from './redis-job.ts';
import type { BullMq, RedisQueueSettings } from './redis-settings.ts';
import { RedisWorker } from './redis-worker.ts';

/** Seconds to wait for a connection at the start. */
const PATIENCE = 10;

/** Everything that tells of a change of a job. */
const EVENTS = ['active', 'completed', 'delayed', 'failed', 'progress', 'stalled', 'waiting', CANCEL_EVENT] as const;

export class RedisQueue implements JobQueue {
  readonly #settings: RedisQueueSettings;
  readonly #bullmq: BullMq;
  readonly #queue: Queue<QueuedData, JobResult, string>;
  readonly #events: QueueEvents;
  readonly #producer: QueueEventsProducer;
  readonly #followed = new Map<string, Followed>();

  private constructor(settings: RedisQueueSettings, bullmq: BullMq) {
    const { url, name, attempts, backOff, keepSeconds, log, pace } = settings;
    this.#settings = settings;
    this.#bullmq = bullmq;
    // Someone waits for an answer: an error at once is better than one after Redis has come back.
    const prompt = {
      connection: {
        ...connectionTo(url, pace),
        enableOfflineQueue: false,
        maxRetriesPerRequest: 1,
        // What was asked of a Redis that is stopped would otherwise be kept until it goes on.
        socketTimeout: 2 * ANSWER,
      },
    };
    this.#queue = new bullmq.Queue(name, {
      ...prompt,
      defaultJobOptions: {
        attempts,
        backoff: { type: 'exponential', delay: backOff * 1000 },
        removeOnComplete: { age: keepSeconds },
        removeOnFail: { age: keepSeconds },
      },
    });
    this.#producer = new bullmq.QueueEventsProducer(name, prompt);
    this.#events = new bullmq.QueueEvents(name, { connection: connectionTo(url, pace) });
    for (const part of [this.#queue, this.#producer, this.#events] as readonly NodeJS.EventEmitter[]) {
      part.on('error', (error: Error) => log.error({ err: error }, 'queue'));
    }
    for (const event of EVENTS) this.#onEvent(event, (id) => this.#followed.get(id)?.look());
  }

  /** Errors: PACKAGE_MISSING, UNAVAILABLE. */
  static async open(settings: RedisQueueSettings): Promise<RedisQueue> {
    const { bullmq, Redis } = await importOptional(
      'a queue on Redis',
      async () => ({ bullmq: await import('bullmq'), Redis: (await import('ioredis')).Redis }),
      ['bullmq', 'ioredis'],
    );
    // BullMQ waits for Redis for ever; whoever starts a server with a wrong address wants to know.
    const { url } = settings;
    const probe = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: PATIENCE * 1000 });
    // The error that matters is the one that `connect` rejects with.
    probe.on('error', () => {});
    try {
      await probe.connect();
      await probe.ping();
    } catch (cause) {
      throw unreachable(url, cause);
    } finally {
      probe.disconnect();
    }
    const queue = new RedisQueue(settings, bullmq);
    await Promise.all([queue.#queue, queue.#producer, queue.#events].map((part) => part.waitUntilReady()));
    return queue;
  }

  add(request: JobRequest): Promise<JobStatus> {
    return this.#attempt(async () => {
      // BullMQ adds nothing when the id exists.
      const job = await this.#queue.add(request.kind, { request }, { jobId: request.id });
      return (await this.#status(request.id)) ?? statusOf(job, 'waiting');
    });
  }

  get(id: string): Promise<JobStatus | undefined> {
    return this.#attempt(() => this.#status(id));
  }

  cancel(id: string): Promise<JobStatus | undefined> {
    return this.#attempt(async () => {
      const status = await this.#status(id);
      if (!status || isFinished(status)) return status;
      const job = (await this.#queue.getJob(id)) as QueuedJob | undefined;
      // First the mark, which every later try sees, then the event for whoever is working on it now.
      await job?.updateData({ ...job.data, cancelled: Date.now() });
      await this.#producer.publishEvent({ eventName: CANCEL_EVENT, jobId: id });
      return this.#status(id);
    });
  }

  remove(id: string): Promise<void> {
    return this.#attempt(async () => {
      const status = await this.#status(id);
      // A cancelled one that a worker still holds is locked, and stays until it is forgotten by its age.
      if (status && isFinished(status)) await this.#queue.remove(id);
    });
  }

  follow(id: string, listener: (status: JobStatus) => void): () => void {
    const followed = this.#followed.get(id) ?? new Followed(() => this.#status(id), this.#settings.log);
    this.#followed.set(id, followed);
    followed.listeners.add(listener);
    return () => {
      followed.listeners.delete(listener);
      if (followed.listeners.size === 0 && this.#followed.get(id) === followed) this.#followed.delete(id);
    };
  }

  counts(): Promise<JobCounts> {
    return this.#attempt(async () => {
      const { active = 0, ...waiting } = await this.#queue.getJobCounts('waiting', 'delayed', 'active');
      return { queued: Object.values(waiting).reduce((sum, count) => sum + count, 0), running: active };
    });
  }

  async work(run: JobRunner, { concurrency }: { concurrency: number }): Promise<QueueWorker> {
    const worker = new RedisWorker(this.#bullmq, this.#settings, { run, concurrency });
    this.#onEvent(CANCEL_EVENT, (id) => worker.cancel(id));
    await worker.ready();
    return worker;
  }

  async close(): Promise<void> {
    const patience = delay(FAREWELL * 1000, undefined, { ref: false });
    await Promise.all([this.#queue, this.#producer, this.#events].map((part) => leave(part, patience)));
  }

  async #status(id: string): Promise<JobStatus | undefined> {
    // State and job are read one after the other; a job that finishes in between is read again.
    for (let tries = 0; tries < 3; tries++) {
      const job = (await this.#queue.getJob(id)) as Job<QueuedData, JobResult> | undefined;
      if (!job) return undefined;
      const state = await job.getState();
      const finished = state === 'completed' || state === 'failed';
      if (state !== 'unknown' && finished === (job.finishedOn !== undefined)) return statusOf(job, state);
    }
    return undefined;
  }

  #onEvent(event: (typeof EVENTS)[number], listener: (id: string) => void): void {
    // The typed `on` knows the built-in events only.
    (this.#events as NodeJS.EventEmitter).on(event, ({ jobId }: { jobId: string }) => listener(jobId));
  }

  async #attempt<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await inTime(action(), () => new Error(`no answer in ${ANSWER} ms`));
    } catch (cause) {
      throw cause instanceof ClearwordError ? cause : unreachable(this.#settings.url, cause);
    }
  }
}

/** The listeners of one job. What they are told is read again at each event, never two readings at once. */
class Followed {
  readonly listeners = new Set<(status: JobStatus) => void>();
  readonly #read: () => Promise<JobStatus | undefined>;
  readonly #log: Log;
  #reading = false;
  #again = false;

  constructor(read: () => Promise<JobStatus | undefined>, log: Log) {
    this.#read = read;
    this.#log = log;
  }

  look(): void {
    this.#again = true;
    if (!this.#reading) void this.#readAll();
  }

  async #readAll(): Promise<void> {
    this.#reading = true;
    while (this.#again) {
      this.#again = false;
      try {
        const status = await this.#read();
        if (status) for (const listener of this.listeners) listener(status);
      } catch (error) {
        // Whoever waits asks again by itself.
        this.#log.warn({ err: error }, 'status of a followed job cannot be read');
      }
    }
    this.#reading = false;
  }
}

function unreachable(url: string, cause: unknown): ClearwordError {
  const { protocol, host } = new URL(url);
  const reason = cause instanceof Error ? cause.message : String(cause);
  // Without the password that the URL may have.
  return new ClearwordError('UNAVAILABLE', `expected a queue at ${protocol}//${host}: ${reason}`, { cause });
}
