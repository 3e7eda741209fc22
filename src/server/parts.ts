/**
 * What a server and a worker both open: a queue, and processes that restore.
 *
 * @module
 */
import type { Logger } from 'pino';
import type { InferenceSettings } from '../queue/inference-protocol.ts';
import type { JobQueue } from '../queue/job-queue.ts';
import { openQueue } from '../queue/open-queue.ts';
import { ProcessPool } from '../queue/process-pool.ts';
import { threadsFor } from '../queue/threads.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { BACK_OFF, type ServerSettings } from './settings.ts';

/** Things that were opened one after the other, to be closed in the opposite order. */
export class Closing {
  readonly #steps: (() => Promise<unknown> | undefined)[] = [];

  push(close: () => Promise<unknown> | undefined): void {
    this.#steps.push(close);
  }

  /** Each is closed once, however often this is called. */
  async closeAll(): Promise<void> {
    for (const close of this.#steps.splice(0).reverse()) await close();
  }
}

/** Which model, and where to compute. */
export type ModelSettings = Omit<InferenceSettings, 'store' | 'threads'>;

/** Errors: those of `openQueue`. */
export function openQueueOf(
  {
    queue,
    queueName,
    attempts,
    lease,
    keepHours,
  }: Pick<ServerSettings, 'queue' | 'queueName' | 'attempts' | 'lease' | 'keepHours'>,
  store: ObjectStore,
  log: Logger,
): Promise<JobQueue> {
  const times = { attempts, lease, backOff: BACK_OFF, keepSeconds: keepHours * 3600 };
  return openQueue({ address: queue, name: queueName, store, ...times, log });
}

/** Errors: those of loading the model. */
export function startPool(
  { processes, threads }: Pick<ServerSettings, 'processes' | 'threads'>,
  inference: ModelSettings,
  store: ObjectStore,
  log: Logger,
): Promise<ProcessPool> {
  const settings = { ...inference, store: store.address, threads: threadsFor(threads, processes) };
  return ProcessPool.start({ ...settings, processes, log });
}
