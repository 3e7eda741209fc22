/**
 * What a queue of jobs does, wherever it is kept.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import { isFinished, type JobProgress, type JobRequest, type JobResult, type JobStatus } from './job.ts';

export interface JobHooks {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: JobProgress) => void;
}

/** Does one job; rejects with CANCELLED when the signal is aborted. */
export type JobRunner = (request: JobRequest, hooks: JobHooks) => Promise<JobResult>;

/** Whoever takes jobs from a queue. */
export interface QueueWorker {
  /**
   * Takes no more jobs and waits for those that are running. What is not done after `graceSeconds` goes back to the queue,
   * and does not count as a try.
   */
  close(graceSeconds: number): Promise<void>;
}

export interface JobCounts {
  /** Waiting, for their first try or another one. */
  readonly queued: number;
  readonly running: number;
}

/** How often a job is tried. */
export interface RetrySettings {
  readonly attempts: number;
  /** Wait in seconds before the second try; twice as long before each further one. */
  readonly backOff: number;
}

/** All methods but `follow` fail with UNAVAILABLE when the queue cannot be reached. */
export interface JobQueue {
  /** The job with the request's id: a new one, or the one that exists, whatever its state. */
  add(request: JobRequest): Promise<JobStatus>;
  get(id: string): Promise<JobStatus | undefined>;
  /** Ends a job that is not finished: it is `cancelled` at once, and whoever works on it stops at the next step. */
  cancel(id: string): Promise<JobStatus | undefined>;
  /** Forgets a finished job. */
  remove(id: string): Promise<void>;
  /** Calls back when a job changes, until the returned function is called. A change may be missed; see `waitForJob`. */
  follow(id: string, listener: (status: JobStatus) => void): () => void;
  counts(): Promise<JobCounts>;
  work(run: JobRunner, settings: { readonly concurrency: number }): Promise<QueueWorker>;
  close(): Promise<void>;
}

/** A queue on another machine may be restarted with all that it would have told: it is asked now and then. */
const POLL_SECONDS = 5;
/** Questions in a row that may stay without an answer while someone waits: a minute for a queue to be restarted. */
const MOST_UNANSWERED = 12;

export interface WaitOptions {
  readonly onChange?: ((status: JobStatus) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly pollSeconds?: number;
}

/**
 * Waits until a job is finished.
 *
 * @throws ClearwordError CANCELLED if the signal is aborted (the job goes on), NOT_FOUND if the job is forgotten meanwhile,
 *   UNAVAILABLE if the queue cannot be reached for long
 */
export async function waitForJob(queue: JobQueue, id: string, options: WaitOptions = {}): Promise<JobStatus> {
  const { onChange, signal, pollSeconds = POLL_SECONDS } = options;
  const { promise, resolve, reject } = deferred<JobStatus>();
  let unanswered = 0;
  const look = (status: JobStatus | undefined) => {
    unanswered = 0;
    if (!status) return reject(new ClearwordError('NOT_FOUND', `expected a job ${id}, but it was forgotten`));
    onChange?.(status);
    if (isFinished(status)) resolve(status);
  };
  const ask = () =>
    queue.get(id).then(look, (error: unknown) => {
      if (++unanswered >= MOST_UNANSWERED) reject(error);
    });
  const abort = () => reject(new ClearwordError('CANCELLED', `waiting for job ${id} was cancelled`));
  const unfollow = queue.follow(id, look);
  const timer = setInterval(ask, pollSeconds * 1000);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    if (signal?.aborted) abort();
    else await ask();
    return await promise;
  } finally {
    unfollow();
    clearInterval(timer);
    signal?.removeEventListener('abort', abort);
  }
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  // Whoever waits is told; a rejection that nobody waits for any more is none.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
