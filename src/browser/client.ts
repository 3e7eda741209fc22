/**
 * The page's side of the worker: requests, their progress, and their cancellation.
 *
 * @module
 */
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import type { FromWorker, LoadProgress, PartialPicture, Replies, ToWorker, WorkerRequest } from './protocol.ts';

/** Progress of any request. */
type AnyProgress = Extract<FromWorker, { progress: unknown }>['progress'];

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: ClearwordError) => void;
  readonly onProgress: ((progress: never) => void) | undefined;
  readonly onPartial: ((partial: PartialPicture) => void) | undefined;
}

export interface RequestOptions<Progress extends AnyProgress | LoadProgress> {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onPartial?: ((partial: PartialPicture) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class WorkerClient {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #failure: ClearwordError | undefined;

  /** @param start makes the worker */
  constructor(start: () => Worker) {
    this.#worker = start();
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#settle(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const reason = event.message || 'its script could not be loaded';
      this.end(new ClearwordError('RUNTIME_FAILED', `the worker has stopped: ${reason}`, { fix: RELOAD }));
    };
  }

  /**
   * Asks the worker. When the signal is aborted the promise is rejected at once; the worker stops at its next step.
   *
   * @throws ClearwordError what the worker threw, or CANCELLED
   */
  async ask<Request extends WorkerRequest, Progress extends AnyProgress>(
    request: Request,
    { onProgress, onPartial, signal }: RequestOptions<Progress> = {},
  ): Promise<Replies[Request['kind']]> {
    throwIfCancelled(signal, WORK[request.kind]);
    if (this.#failure) throw this.#failure;
    const id = this.#nextId++;
    const cancel = () => {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      this.#worker.postMessage({ id, cancel: true } satisfies ToWorker);
      pending?.reject(
        new ClearwordError('CANCELLED', `${WORK[request.kind]} was cancelled`, { cause: signal?.reason }),
      );
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await new Promise<Replies[Request['kind']]>((resolve, reject) => {
        this.#pending.set(id, { resolve: resolve as (value: never) => void, reject, onProgress, onPartial });
        this.#worker.postMessage({ id, request } satisfies ToWorker);
      });
    } finally {
      this.#pending.delete(id);
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** Ends the worker; what is under way and what comes after fails with the reason. */
  end(reason: ClearwordError): void {
    this.#failure ??= reason;
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
    this.#worker.terminate();
  }

  #settle(message: FromWorker): void {
    const pending = this.#pending.get(message.id);
    if ('progress' in message) pending?.onProgress?.(message.progress as never);
    else if ('partial' in message) pending?.onPartial?.(message.partial);
    else if ('value' in message) pending?.resolve(message.value as never);
    else pending?.reject(new ClearwordError(message.error.code, message.error.message, { fix: message.error.fix }));
  }
}

const RELOAD = 'Reload the page; if the problem persists, use a smaller picture or tile.';

const WORK: Readonly<Record<WorkerRequest['kind'], string>> = {
  load: 'loading the model',
  inspect: 'the inspection',
  restore: 'the restoration',
  estimate: 'the estimate',
};
