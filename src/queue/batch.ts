/**
 * Many pictures: from a store, through a queue, into another store.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { ClearwordError } from '../errors.ts';
import { EXTENSIONS, formatOfName, type ImageFormat } from '../image/image-signature.ts';
import { getExisting, type ObjectStore, removeAll, type StoredObject } from '../store/object-store.ts';
import { VERSION } from '../version.ts';
import { BATCH_PREFIX, BatchLedger, type BatchRecord } from './batch-ledger.ts';
import {
  errorOfJob,
  idOfWork,
  inputKey,
  isOfService,
  isWorthAnotherTry,
  type JobError,
  type JobStatus,
  jobErrorOf,
  jobPrefix,
  type RestorationRequest,
  type ResultFile,
} from './job.ts';
import { type JobQueue, type RetrySettings, waitForJob } from './job-queue.ts';

export interface BatchSettings {
  readonly queue: JobQueue;
  /** Shared with whoever does the jobs. */
  readonly store: ObjectStore;
  readonly source: ObjectStore;
  readonly target: ObjectStore;
  readonly parameters: RestorationRequest['parameters'];
  readonly limits: RestorationRequest['limits'];
  /** Identity of the model that every worker has to have, see `identityOf`. */
  readonly model: string;
  /** Pictures in the queue at a time. */
  readonly inFlight: number;
  /** Also use a target that holds something else. */
  readonly overwrite: boolean;
  /** Try those again that an earlier run has set aside. */
  readonly retrySetAside: boolean;
  /** How often a picture is tried while the queue or a store fails. */
  readonly retry: RetrySettings;
  readonly signal: AbortSignal;
  readonly onReport: (report: BatchReport) => void;
}

export interface BatchReport {
  readonly status: BatchRecord['status'] | 'skipped' | 'failed';
  readonly input: string;
  readonly output?: string;
  readonly seconds?: number;
  readonly error?: JobError;
}

export type BatchSummary = Record<BatchReport['status'], number>;

/** What batches have in place of an API key's name, so that no client of a server gets at their jobs. */
const OWNER = ':batch';

/**
 * Restores every picture of the source that the ledger of the target does not have yet.
 *
 * A job's id is the hash of picture and settings: a run that was stopped, or a second one beside it, finds the jobs of the
 * first. A result counts once it is in the target and in the ledger; only then is its job forgotten. What cannot be
 * restored is set aside; what failed for reasons of the service (store, queue) is reported as failed, and tried by the next
 * run.
 *
 * Errors: INVALID_OPTION, OUTPUT_EXISTS, STORE_FAILED, CANCELLED (what is queued stays queued).
 */
export async function runBatch(settings: BatchSettings): Promise<BatchSummary> {
  const { source, target, signal, overwrite } = settings;
  const excluded = excludedPrefix(source.address, target.address);
  const ledger = await BatchLedger.open(target, { overwrite });
  const batch = new Batch(settings, ledger);
  // One listener for each picture in flight, which is no leak.
  setMaxListeners(0, signal);
  const running = new Set<Promise<void>>();
  try {
    for await (const object of source.list('')) {
      if (signal.aborted) break;
      const hidden = object.key.startsWith(BATCH_PREFIX) || (excluded !== '' && object.key.startsWith(excluded));
      const format = formatOfName(object.key);
      if (hidden || format === undefined) continue;
      const done = batch.restore(object, format).finally(() => running.delete(done));
      running.add(done);
      if (running.size >= settings.inFlight) await Promise.race(running);
    }
  } finally {
    await Promise.all(running);
    await ledger.close();
  }
  if (signal.aborted) throw new ClearwordError('CANCELLED', 'the batch was stopped; the same command goes on with it');
  return batch.summary;
}

/** Part of the source that is the target. */
function excludedPrefix(source: string, target: string): string {
  const inside = (place: string) => `${place.replace(/\/+$/, '')}/`;
  if (inside(source) === inside(target)) {
    throw new ClearwordError('INVALID_OPTION', 'expected another place for the results than that of the pictures');
  }
  return inside(target).startsWith(inside(source)) ? inside(target).slice(inside(source).length) : '';
}

class Batch {
  readonly summary: BatchSummary = { restored: 0, unchanged: 0, skipped: 0, 'set-aside': 0, failed: 0 };
  readonly #settings: BatchSettings;
  readonly #ledger: BatchLedger;
  readonly #identity: string;
  /** How many pictures wait for a job: copies of a picture share one. */
  readonly #users = new Map<string, number>();

  constructor(settings: BatchSettings, ledger: BatchLedger) {
    const { parameters, model } = settings;
    this.#settings = settings;
    this.#ledger = ledger;
    const identity = JSON.stringify([Object.entries(parameters).sort(), model, VERSION]);
    this.#identity = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  }

  /** Never rejects: failures are reported. Trying again finds whatever the try before has done. */
  async restore(object: StoredObject, format: ImageFormat): Promise<void> {
    const { signal, retry } = this.#settings;
    for (let tries = 1; !signal.aborted; tries++) {
      const error = await this.#try(object, format);
      if (!error || signal.aborted) return;
      if (tries >= retry.attempts || !isWorthAnotherTry(error)) {
        this.#report({ status: 'failed', input: object.key, error });
        return;
      }
      await delay(retry.backOff * 2 ** (tries - 1) * 1000, undefined, { signal }).catch(() => undefined);
    }
  }

  async #try(object: StoredObject, format: ImageFormat): Promise<JobError | undefined> {
    const { key } = object;
    try {
      const known = this.#ledger.find(object, this.#identity);
      if (known && (await this.#stillHolds(known))) {
        const { status, outputs, error } = known;
        if (status === 'set-aside') this.#report({ status, input: key, ...(error && { error }) });
        else this.#report({ status: 'skipped', input: key, ...outputOf(outputs) });
        return undefined;
      }
      const picture = await getExisting(this.#settings.source, key);
      await this.#restore(object, format, picture);
      return undefined;
    } catch (error) {
      return jobErrorOf(error);
    }
  }

  async #stillHolds({ status, outputs }: BatchRecord): Promise<boolean> {
    if (status === 'set-aside') return !this.#settings.retrySetAside;
    const found = await Promise.all(outputs.map((output) => this.#settings.target.stat(output)));
    return found.every((output) => output !== undefined);
  }

  async #restore(object: StoredObject, format: ImageFormat, picture: Uint8Array): Promise<void> {
    const { parameters, model } = this.#settings;
    const id = idOfWork(picture, { settings: this.#identity, format, parameters, model });
    this.#users.set(id, (this.#users.get(id) ?? 0) + 1);
    const { key } = object;
    let job: JobStatus;
    let outputs: string[];
    try {
      job = await this.#finished(id, format, picture);
      if (job.error && isOfService(job.error)) throw errorOfJob(job.error);
      outputs = await this.#deliver(key, job.result?.files ?? []);
    } finally {
      // Before the ledger, which forgets jobs that nobody uses.
      this.#users.set(id, (this.#users.get(id) ?? 1) - 1);
    }
    const { bytes, modified } = object;
    const { result, error } = job;
    const common = { key, id, bytes, modified: modified.getTime(), settings: this.#identity, outputs };
    const forget = () => this.#forget(id);
    if (result) {
      const { status = 'restored', seconds } = result;
      await this.#ledger.add({ ...common, status, seconds }, forget);
      this.#report({ status, input: key, seconds, ...outputOf(outputs) });
    } else if (error) {
      await this.#ledger.add({ ...common, status: 'set-aside', error }, forget);
      this.#report({ status: 'set-aside', input: key, error });
    }
  }

  /** The job once it is done or has failed, with its results in the store. */
  async #finished(id: string, format: ImageFormat, picture: Uint8Array): Promise<JobStatus> {
    const { queue, store, signal, parameters, limits, model } = this.#settings;
    const request: RestorationRequest = { kind: 'restoration', id, parameters, format, limits, model, owner: OWNER };
    for (let tries = 0; ; tries++) {
      const before = await queue.get(id);
      const again = before?.state === 'cancelled' || (before?.state === 'failed' && this.#isTriedAgain(before, tries));
      if (again) await queue.remove(id);
      if (!before || again) await store.put(inputKey(id), picture);
      await queue.add(request);
      const job = await waitForJob(queue, id, { signal }).catch(unlessForgotten);
      const gone = job?.result && !(await this.#hasAll(job.result.files));
      if (job && job.state !== 'cancelled' && !gone) return job;
      if (tries === 2) throw new ClearwordError('STORE_FAILED', `job ${id} or its results vanish`);
      // Cleared away by the retention of a server, cancelled by an operator, taken by a batch beside this one, or lost by a
      // queue that keeps nothing: the work is done again.
      await queue.remove(id);
    }
  }

  #isTriedAgain({ error }: JobStatus, tries: number): boolean {
    return (error !== undefined && isOfService(error)) || (this.#settings.retrySetAside && tries === 0);
  }

  async #hasAll(files: readonly ResultFile[]): Promise<boolean> {
    const found = await Promise.all(files.map(({ key }) => this.#settings.store.stat(key)));
    return found.every((file) => file !== undefined);
  }

  async #deliver(key: string, files: readonly ResultFile[]): Promise<string[]> {
    const { store, target } = this.#settings;
    const outputs = files.map((file) => outputKey(key, file));
    // The result last: whoever sees it sees everything that belongs to it.
    for (const [i, file] of [...files.entries()].reverse()) {
      await target.put(outputs[i] ?? key, await getExisting(store, file.key));
    }
    return outputs;
  }

  async #forget(id: string): Promise<void> {
    if ((this.#users.get(id) ?? 0) > 0) return;
    this.#users.delete(id);
    await this.#settings.queue.remove(id);
    await removeAll(this.#settings.store, jobPrefix(id));
  }

  #report(report: BatchReport): void {
    this.summary[report.status]++;
    this.#settings.onReport(report);
  }
}

/** The picture's own key for its result, `photo.uncertainty.png` and so on for what belongs to it. */
function outputKey(key: string, { part, format }: ResultFile): string {
  if (part === 'restored') return key;
  const dot = key.lastIndexOf('.');
  const extension = formatOfName(key) === format ? key.slice(dot) : EXTENSIONS[format][0];
  return `${key.slice(0, dot)}.${part === 'comparison' ? 'compare' : part}${extension}`;
}

/** Nothing in place of a job that the queue does not know any more. */
function unlessForgotten(error: unknown): undefined {
  if (error instanceof ClearwordError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}

function outputOf([output]: readonly string[]) {
  return output === undefined ? {} : { output };
}
