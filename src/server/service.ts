/**
 * What the routes have in common: taking a job in, finding it again, and saying no.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { ClearwordError } from '../errors.ts';
import type { ImageFormat } from '../image/image-signature.ts';
import { idOfWork, inputKey, type JobRequest, type JobStatus, jobPrefix, requestKey } from '../queue/job.ts';
import { type JobQueue, waitForJob } from '../queue/job-queue.ts';
import type { ProcessPool } from '../queue/process-pool.ts';
import { type ObjectStore, removeAll } from '../store/object-store.ts';
import type { ApiKeys } from './api-keys.ts';
import type { Metrics } from './metrics.ts';
import { RetryLater } from './problem.ts';
import type { ServerSettings } from './settings.ts';
import { withAny } from './signals.ts';
import { Uploads } from './uploads.ts';

export interface ServiceParts {
  readonly settings: ServerSettings;
  readonly formats: readonly ImageFormat[];
  readonly queue: JobQueue;
  readonly store: ObjectStore;
  readonly metrics: Metrics;
  /** Undefined: anyone may use the server. */
  readonly keys: ApiKeys | undefined;
  /** Undefined: others do the jobs. */
  readonly pool: ProcessPool | undefined;
}

/** Guess of the seconds of a job before any is done. */
const FIRST_GUESS = 5;
/** Share of the latest job in the mean. */
const LATEST = 0.2;
/** Longest time in seconds that a client is sent away for. */
const LONGEST = 600;
/** Milliseconds for which an upload waits for others of its client. */
const UPLOAD_PATIENCE = 3000;
/** Ids of jobs; others are never looked up. */
const ID = /^[0-9a-f]{40}$/;

type NewJob = Omit<Extract<JobRequest, { kind: 'restoration' }>, 'id' | 'limits'> | { readonly kind: 'inspection' };

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export class Service {
  readonly settings: ServerSettings;
  readonly formats: readonly ImageFormat[];
  readonly queue: JobQueue;
  readonly store: ObjectStore;
  readonly metrics: Metrics;
  readonly keys: ApiKeys | undefined;
  readonly pool: ProcessPool | undefined;
  /** Aborted when the server shuts down: nothing new is taken in. */
  readonly draining = new AbortController();
  /** Aborted when waiting for results has to end. */
  readonly leaving = new AbortController();
  readonly #uploads: Uploads;
  #meanSeconds = FIRST_GUESS;
  /** Requests that wait for the end of a job. */
  readonly #waits = new Set<Promise<unknown>>();

  constructor({ settings, formats, queue, store, metrics, keys, pool }: ServiceParts) {
    this.settings = settings;
    this.formats = formats;
    this.queue = queue;
    this.store = store;
    this.metrics = metrics;
    this.keys = keys;
    this.pool = pool;
    const { maxUploads, maxUploadsEach } = settings;
    this.#uploads = new Uploads({ all: maxUploads, each: maxUploadsEach, patience: UPLOAD_PATIENCE });
    // One listener for each request that waits, which is no leak.
    setMaxListeners(0, this.draining.signal, this.leaving.signal);
  }

  /**
   * Takes in a picture of a client: receives it only if there is room for its job.
   *
   * Errors: UNAVAILABLE, QUEUE_FULL with the seconds to wait, and those of `receive`.
   */
  admit<T>(client: string, receive: () => Promise<T>): Promise<T> {
    return this.#uploads.within(client, async () => {
      if (this.draining.signal.aborted) throw new RetryLater('UNAVAILABLE', 'the server is shutting down', 5);
      const { maxQueued } = this.settings;
      const { queued, running } = await this.queue.counts();
      if (queued >= maxQueued) {
        const after = Math.min(LONGEST, (this.#meanSeconds * (queued + 1)) / Math.max(1, running));
        throw new RetryLater('QUEUE_FULL', `expected at most ${maxQueued} waiting restorations`, after);
      }
      return receive();
    });
  }

  /**
   * Puts a picture into the store and a job into the queue.
   *
   * @param idempotencyKey a client's own name for its request: the same picture, fields and key are one job
   */
  async submit(job: NewJob, picture: Buffer, owner?: string, idempotencyKey?: string): Promise<JobStatus> {
    const { maxMegapixels, timeout } = this.settings;
    const key = idempotencyKey === undefined ? undefined : hashOf(JSON.stringify([owner ?? null, idempotencyKey]));
    const id = key === undefined ? randomBytes(20).toString('hex') : idOfWork(picture, { ...job, owner, key });
    if (key !== undefined) {
      const known = await this.#jobOfKey(key, id);
      if (known) return known;
    }
    await this.store.put(inputKey(id), picture);
    return this.queue.add({
      ...job,
      id,
      limits: { maxMegapixels, seconds: timeout },
      ...(owner !== undefined && { owner }),
    });
  }

  /**
   * The job of a client's own name for its request, which is remembered if it is new.
   *
   * Errors: KEY_REUSED if it is the name of another job.
   */
  async #jobOfKey(key: string, id: string): Promise<JobStatus | undefined> {
    const found = await this.store.get(requestKey(key));
    const first = found === undefined ? id : Buffer.from(found).toString();
    const known = await this.queue.get(first);
    if (known && first !== id) {
      const message = 'expected the picture and fields that the Idempotency-Key came with before, received others';
      throw new ClearwordError('KEY_REUSED', message);
    }
    // One whose job was forgotten is new.
    if (!known) await this.store.put(requestKey(key), Buffer.from(id));
    return known;
  }

  /** A job of this owner. Errors: NOT_FOUND, UNAVAILABLE. */
  async find(id: string, owner: string | undefined): Promise<JobStatus> {
    const job = ID.test(id) ? await this.queue.get(id) : undefined;
    if (job?.request.kind === 'restoration' && job.request.owner === owner) return job;
    throw new ClearwordError(
      'NOT_FOUND',
      `expected the id of a restoration, received ${JSON.stringify(id.slice(0, 80))}`,
    );
  }

  /** Waits until a job is finished. Errors: CANCELLED when one of the signals is aborted, NOT_FOUND, UNAVAILABLE. */
  async finished(id: string, ...signals: readonly AbortSignal[]): Promise<JobStatus> {
    const all = [...signals, this.leaving.signal];
    const waiting = withAny(all, (signal) => waitForJob(this.queue, id, { signal }));
    this.#waits.add(waiting);
    const job = await waiting.finally(() => this.#waits.delete(waiting));
    if (job.result) this.#meanSeconds += LATEST * (job.result.seconds - this.#meanSeconds);
    return job;
  }

  /** Until nobody waits for a job any more. */
  async waitedFor(): Promise<void> {
    while (this.#waits.size > 0) await Promise.allSettled([...this.#waits]);
  }

  /** Forgets a finished job and everything that the store has of it. */
  async forget(id: string): Promise<void> {
    await this.queue.remove(id);
    await removeAll(this.store, jobPrefix(id));
  }
}
