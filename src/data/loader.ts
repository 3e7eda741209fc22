/**
 * Training batches, made ahead of the step by worker threads.
 *
 * @module
 */
import type { Worker } from 'node:worker_threads';
import { ClearwordError } from '../errors.ts';
import { startWorker } from '../runtime/worker-url.ts';
import type { Batch } from './batch.ts';
import type { DataConfig } from './config.ts';
import { type DatasetIndex, scanDataset } from './dataset.ts';
import type { LoaderWorkerData, LoaderWorkerReply } from './loader-worker.ts';
import { allocatePictures } from './picture-store.ts';
import { checkTasks, TrainingPictures } from './sample.ts';

export interface LoaderOptions {
  readonly config: DataConfig;
  /** What the model knows. */
  readonly degradations: readonly string[];
  /** Side of the reduced view, pixels, where the model looks at one. */
  readonly viewSide?: number;
  /** Samples in a batch, N. */
  readonly batchSize: number;
  /** First step to make; a resumed run gives the step where it stopped and gets the batches it would have got. */
  readonly firstStep?: number;
}

/** How well the workers keep up. */
export interface LoaderStatistics {
  /** Batches handed out. */
  readonly batches: number;
  /** Time that `next` kept its caller waiting, milliseconds in all. */
  readonly waitedMilliseconds: number;
}

/** A batch on order: a promise with its ends in reach. */
class Pending {
  resolve: (batch: Batch) => void = () => undefined;
  reject: (reason: unknown) => void = () => undefined;
  readonly promise = new Promise<Batch>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/**
 * Gives the batches of steps firstStep, firstStep + 1, ... in order.
 *
 * Every batch is a function of (data, config, degradations, step, batchSize) alone, so that the number of workers, their speed and an
 * interruption do not change it.
 *
 * @example
 * const loader = await BatchLoader.open({ config, degradations: ['noise', 'rain', 'haze'], batchSize: 16 });
 * try {
 *   const batch = await loader.next();
 * } finally {
 *   await loader.close();
 * }
 */
export class BatchLoader {
  /** What was found in the configured folders, with the held-back files. */
  readonly index: DatasetIndex;
  readonly #workers: Worker[];
  readonly #idle: Worker[];
  readonly #ahead: number;
  readonly #pending = new Map<number, Pending>();
  readonly #queue: number[] = [];
  #requested: number;
  #next: number;
  #batches = 0;
  #waited = 0;
  #closed = false;
  /** Why no further batch can come. */
  #ended: ClearwordError | undefined;

  private constructor(index: DatasetIndex, options: LoaderOptions) {
    const { config, degradations, viewSide, batchSize, firstStep = 0 } = options;
    this.index = index;
    const pictures = allocatePictures(TrainingPictures.slots(index), config.cacheMegabytes);
    const workerData: LoaderWorkerData = { index, config, degradations, viewSide, batchSize, pictures };
    this.#workers = Array.from({ length: config.workers }, () =>
      startWorker(import.meta.url, './loader-worker', { workerData }),
    );
    this.#idle = [...this.#workers];
    // A worker makes a batch by itself: with fewer on order some would have nothing to do.
    this.#ahead = Math.max(config.prefetch, config.workers + 1);
    this.#requested = firstStep;
    this.#next = firstStep;
    for (const worker of this.#workers) {
      worker.on('message', (reply: LoaderWorkerReply) => this.#receive(worker, reply));
      worker.on('error', (cause) => this.#fail(cause));
      worker.on('exit', () => {
        if (!this.#closed) this.#fail(new Error('a loader thread ended unexpectedly'));
      });
    }
    this.#request();
  }

  /** Lists the data set and starts the workers; DATA_INVALID where the data set is not as the configuration says. */
  static async open(options: LoaderOptions): Promise<BatchLoader> {
    checkTasks(options.config.tasks, options.degradations);
    return new BatchLoader(await scanDataset(options.config), options);
  }

  /** The batch of the next step. */
  async next(): Promise<Batch> {
    const step = this.#next++;
    this.#request();
    const pending = this.#pending.get(step);
    if (pending === undefined) throw this.#ended ?? new ClearwordError('CANCELLED', 'the batch loader is closed');
    const started = performance.now();
    const batch = await pending.promise;
    this.#waited += performance.now() - started;
    this.#batches++;
    this.#pending.delete(step);
    return batch;
  }

  statistics(): LoaderStatistics {
    return { batches: this.#batches, waitedMilliseconds: this.#waited };
  }

  /** Stops the workers; a `next` that still waits fails with CANCELLED. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#end(new ClearwordError('CANCELLED', 'the batch loader was closed'));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  /** Keeps batches on order beyond the one that is asked for. */
  #request(): void {
    while (this.#ended === undefined && this.#requested < this.#next + this.#ahead) {
      const step = this.#requested++;
      const pending = new Pending();
      // A batch made ahead may fail before anyone waits for it; `next` reports it.
      pending.promise.catch(() => undefined);
      this.#pending.set(step, pending);
      this.#queue.push(step);
    }
    this.#dispatch();
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop();
      if (worker === undefined) return;
      worker.postMessage(this.#queue.shift());
    }
  }

  #receive(worker: Worker, reply: LoaderWorkerReply): void {
    this.#idle.push(worker);
    this.#dispatch();
    if (reply.kind === 'batch') this.#pending.get(reply.batch.step)?.resolve(reply.batch);
    else this.#pending.get(reply.step)?.reject(revive(reply));
  }

  #fail(cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause);
    this.#end(
      new ClearwordError('RUNTIME_FAILED', `a thread that makes training batches failed: ${message}`, { cause }),
    );
  }

  #end(reason: ClearwordError): void {
    this.#ended ??= reason;
    for (const pending of this.#pending.values()) pending.reject(reason);
  }
}

/** The worker's error as it was thrown there; an error outside the catalogue is a fault of the program. */
function revive(reply: Extract<LoaderWorkerReply, { kind: 'error' }>): Error {
  if (reply.code === null) return new Error(`making batch ${reply.step} failed: ${reply.message}`);
  return new ClearwordError(reply.code, reply.message, { fix: reply.fix });
}
