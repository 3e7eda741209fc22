/**
 * A queue inside this process, with a journal in the store: a server that is killed goes on where it was.
 *
 * @module
 */
import { z } from 'zod';
import type { ObjectStore } from '../store/object-store.ts';
import {
  FINISHED,
  isFinished,
  isWorthAnotherTry,
  type JobError,
  type JobRequest,
  type JobStatus,
  jobErrorOf,
  jobPrefix,
  NOT_BEGUN,
} from './job.ts';
import type { JobCounts, JobQueue, JobRunner, QueueWorker, RetrySettings } from './job-queue.ts';
import type { Log } from './log.ts';

const JOURNAL = 'job.json';

/** What the queue itself needs of a journal; what is asked for is checked by whoever does it. */
const journalSchema = z.looseObject({
  request: z.looseObject({ id: z.string(), kind: z.enum(['restoration', 'inspection']) }),
  state: z.enum(['queued', 'running', ...FINISHED]),
  progress: z.object({ stage: z.enum(['read', 'inspect', 'restore']), fraction: z.number() }),
  attempts: z.int().min(0),
  created: z.number(),
});

const isJournal = (value: unknown): value is JobStatus => journalSchema.safeParse(value).success;

interface Entry {
  status: JobStatus;
  /** While it is running. */
  controller?: AbortController;
  /** While it waits for another try. */
  timer?: NodeJS.Timeout;
  /** Writes of the journal happen one after the other. */
  written: Promise<void>;
}

export interface EmbeddedQueueSettings extends RetrySettings {
  readonly log: Log;
}

export class EmbeddedQueue implements JobQueue {
  readonly #store: ObjectStore;
  readonly #settings: EmbeddedQueueSettings;
  readonly #entries = new Map<string, Entry>();
  /** Ids of jobs to take, in the order in which they came. */
  readonly #waiting = new Set<string>();
  readonly #listeners = new Map<string, Set<(status: JobStatus) => void>>();
  readonly #running = new Map<string, Promise<void>>();
  #worker: { readonly run: JobRunner; readonly concurrency: number } | undefined;

  private constructor(store: ObjectStore, settings: EmbeddedQueueSettings) {
    this.#store = store;
    this.#settings = settings;
  }

  /** Opens the queue with the jobs that the store has a journal of; those that were not finished are queued again. */
  static async open(store: ObjectStore, settings: EmbeddedQueueSettings): Promise<EmbeddedQueue> {
    const queue = new EmbeddedQueue(store, settings);
    const found: JobStatus[] = [];
    for await (const { key } of store.list('jobs/')) {
      if (!key.endsWith(`/${JOURNAL}`)) continue;
      const status = parseJournal(await store.get(key));
      if (status) found.push(status);
      else settings.log.warn({ key }, 'journal of a job cannot be read, the job is forgotten');
    }
    for (const status of found.sort((a, b) => a.created - b.created)) queue.#recover(status);
    return queue;
  }

  async add(request: JobRequest): Promise<JobStatus> {
    const { id } = request;
    const known = this.#entries.get(id);
    if (known) {
      await known.written;
      return known.status;
    }
    const status: JobStatus = { request, state: 'queued', progress: NOT_BEGUN, attempts: 0, created: Date.now() };
    const entry: Entry = { status, written: Promise.resolve() };
    this.#entries.set(id, entry);
    this.#write(entry);
    try {
      // What is answered to a client has to survive a crash.
      await entry.written;
    } catch (error) {
      this.#entries.delete(id);
      throw error;
    }
    if (entry.status.state === 'queued') this.#enqueue(id);
    return entry.status;
  }

  async get(id: string): Promise<JobStatus | undefined> {
    return this.#entries.get(id)?.status;
  }

  async cancel(id: string): Promise<JobStatus | undefined> {
    const entry = this.#entries.get(id);
    if (!entry || isFinished(entry.status)) return entry?.status;
    clearTimeout(entry.timer);
    this.#waiting.delete(id);
    this.#finish(entry, 'cancelled');
    entry.controller?.abort();
    await entry.written;
    return entry.status;
  }

  async remove(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry || !isFinished(entry.status)) return;
    this.#entries.delete(id);
    await entry.written.catch(() => undefined);
    await this.#store.remove(`${jobPrefix(id)}${JOURNAL}`);
  }

  follow(id: string, listener: (status: JobStatus) => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    };
  }

  async counts(): Promise<JobCounts> {
    const states = [...this.#entries.values()].map(({ status }) => status.state);
    const count = (wanted: JobStatus['state']) => states.filter((state) => state === wanted).length;
    return { queued: count('queued'), running: count('running') };
  }

  async work(run: JobRunner, { concurrency }: { concurrency: number }): Promise<QueueWorker> {
    this.#worker = { run, concurrency };
    this.#pump();
    return {
      close: async (graceSeconds) => {
        this.#worker = undefined;
        const grace = setTimeout(() => {
          for (const id of this.#running.keys()) this.#giveBack(id);
        }, graceSeconds * 1000);
        await Promise.all(this.#running.values());
        clearTimeout(grace);
      },
    };
  }

  async close(): Promise<void> {
    for (const { timer } of this.#entries.values()) clearTimeout(timer);
    await Promise.allSettled([...this.#entries.values()].map(({ written }) => written));
  }

  #recover(status: JobStatus): void {
    const { id } = status.request;
    const entry: Entry = { status, written: Promise.resolve() };
    this.#entries.set(id, entry);
    if (isFinished(status)) return;
    if (status.state === 'running' && status.attempts >= this.#settings.attempts) {
      // Each time it was tried the whole service ended: perhaps because of it.
      const message = 'the service ended while it worked on the picture';
      const error: JobError = { ...jobErrorOf(new Error(message)), code: 'WORKER_CRASHED' };
      this.#finish(entry, 'failed', { error });
      return;
    }
    entry.status = { ...status, state: 'queued', progress: NOT_BEGUN };
    this.#waiting.add(id);
  }

  #enqueue(id: string): void {
    this.#waiting.add(id);
    this.#pump();
  }

  #pump(): void {
    for (const id of this.#waiting) {
      if (!this.#worker || this.#running.size >= this.#worker.concurrency) return;
      const entry = this.#entries.get(id);
      this.#waiting.delete(id);
      if (entry?.status.state !== 'queued') continue;
      const done = this.#run(entry, this.#worker.run).finally(() => {
        this.#running.delete(id);
        this.#pump();
      });
      this.#running.set(id, done);
    }
  }

  async #run(entry: Entry, run: JobRunner): Promise<void> {
    const { request } = entry.status;
    const controller = new AbortController();
    entry.controller = controller;
    const attempts = entry.status.attempts + 1;
    this.#change(entry, { state: 'running', attempts, started: Date.now(), progress: NOT_BEGUN });
    // A job that takes the whole machine down has to be counted before it does.
    this.#write(entry);
    try {
      const result = await run(request, {
        signal: controller.signal,
        onProgress: (progress) => {
          if (entry.status.state === 'running') this.#change(entry, { progress });
        },
      });
      if (entry.status.state === 'running') {
        this.#finish(entry, 'done', { result, progress: { stage: 'restore', fraction: 1 } });
      }
    } catch (cause) {
      if (entry.status.state === 'running') this.#failed(entry, jobErrorOf(cause), controller.signal.aborted);
    } finally {
      delete entry.controller;
      await entry.written.catch((error: unknown) => this.#settings.log.error({ err: error }, 'journal not written'));
    }
  }

  /** @param givenBack it was stopped because the service is */
  #failed(entry: Entry, error: JobError, givenBack: boolean): void {
    const { attempts, request } = entry.status;
    if (givenBack) {
      this.#change(entry, { state: 'queued', attempts: attempts - 1, progress: NOT_BEGUN });
      this.#write(entry);
      this.#waiting.add(request.id);
      return;
    }
    if (!isWorthAnotherTry(error) || attempts >= this.#settings.attempts) {
      this.#finish(entry, 'failed', { error });
      return;
    }
    this.#change(entry, { state: 'queued', progress: NOT_BEGUN, error });
    this.#write(entry);
    const wait = this.#settings.backOff * 2 ** (attempts - 1) * 1000;
    this.#settings.log.warn({ job: request.id, attempts, code: error.code, wait }, 'job will be tried again');
    entry.timer = setTimeout(() => this.#enqueue(request.id), wait);
  }

  #giveBack(id: string): void {
    this.#entries.get(id)?.controller?.abort();
  }

  #finish(entry: Entry, state: JobStatus['state'], what: Partial<JobStatus> = {}): void {
    const { error: _, ...status } = entry.status;
    entry.status = status;
    this.#change(entry, { ...what, state, finished: Date.now() });
    this.#write(entry);
  }

  #change(entry: Entry, what: Partial<JobStatus>): void {
    entry.status = { ...entry.status, ...what };
    for (const listener of this.#listeners.get(entry.status.request.id) ?? []) listener(entry.status);
  }

  #write(entry: Entry): void {
    const key = `${jobPrefix(entry.status.request.id)}${JOURNAL}`;
    const data = Buffer.from(JSON.stringify(entry.status));
    entry.written = entry.written.catch(() => undefined).then(() => this.#store.put(key, data));
    // Whoever has to know waits for it.
    entry.written.catch(() => undefined);
  }
}

/** Undefined: not a journal, such as one cut off by a full disk of a store that does not write atomically. */
function parseJournal(data: Uint8Array | undefined): JobStatus | undefined {
  try {
    const status: unknown = JSON.parse(Buffer.from(data ?? []).toString());
    return isJournal(status) ? status : undefined;
  } catch {
    return undefined;
  }
}
