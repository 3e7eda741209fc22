/**
 * Inference sessions in a thread of their own, so that the caller's event loop stays free.
 *
 * @module
 */
import type { Worker } from 'node:worker_threads';
import { ClearwordError } from '../errors.ts';
import { fillsBuffer } from './discard.ts';
import { runtimeFailure } from './failure.ts';
import { disableTelemetryOfMainThread } from './onnx-runtime.ts';
import { type Device, FLAG, type Reply, type Request } from './protocol.ts';
import { type InferenceEngine, type LoadOptions, Session } from './session.ts';
import { startWorker } from './worker-url.ts';

export { float32, floats, type LoadOptions, Session } from './session.ts';

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** Flags of the threads that have not ended. */
const flagsOfThreads = new Set<Int32Array>();

/** Longest that the end of the process waits for a run. */
const PATIENCE = 60_000;

/** The end of the process ends the threads, and must not do so within a run. */
function waitForThreads(): void {
  for (const flags of flagsOfThreads) {
    Atomics.store(flags, FLAG.closing, 1);
    Atomics.wait(flags, FLAG.busy, 1, PATIENCE);
  }
}

/** A thread that loads and runs models on one device. */
export class Engine implements InferenceEngine {
  readonly device: Device;
  readonly threads: number;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #flags = new Int32Array(new SharedArrayBuffer(4 * Object.keys(FLAG).length));
  #nextId = 1;
  #failure: Error | undefined;
  #closed: Promise<void> | undefined;

  /** @param threads of one operator on the CPU; 0: one per core */
  constructor({ device = 'cpu', threads = 0 }: { device?: Device; threads?: number } = {}) {
    this.device = device;
    this.threads = threads;
    // The thread gets a copy of the environment as it is now.
    disableTelemetryOfMainThread();
    this.#worker = startWorker(import.meta.url, './session-worker', { workerData: { flags: this.#flags } });
    if (flagsOfThreads.size === 0) process.on('exit', waitForThreads);
    flagsOfThreads.add(this.#flags);
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => {
      this.#forget();
      this.#fail(new Error(`the engine's thread ended with code ${code}`));
    });
    // An idle engine must not keep the process alive; requests do (see #post). After the listeners, which undo it.
    this.#worker.unref();
  }

  /**
   * Loads a model.
   *
   * @throws ClearwordError RUNTIME_FAILED with the runtime's own words
   */
  async load(model: Uint8Array, { resident = {}, giveAway = false }: LoadOptions = {}): Promise<Session> {
    const { device, threads } = this;
    const moved = giveAway && fillsBuffer(model) ? [model.buffer as ArrayBuffer] : [];
    const id = await this.#call<number>({ kind: 'load', model, options: { device, threads, resident } }, moved);
    return new Session(id, (request) => this.#call(request));
  }

  /**
   * Ends the thread, after the run that it is in. What is under way is rejected at once; sessions of this engine are gone
   * with it.
   */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    const alive = this.#failure === undefined;
    Atomics.store(this.#flags, FLAG.closing, 1);
    this.#fail(new Error('the engine was closed'));
    // The last request is answered after the run, or fails with the thread.
    if (alive)
      await new Promise<void>((resolve) => this.#post({ kind: 'close' }, { resolve, reject: () => resolve() }));
    await this.#worker.terminate();
    this.#forget();
  }

  #forget(): void {
    flagsOfThreads.delete(this.#flags);
    if (flagsOfThreads.size === 0) process.off('exit', waitForThreads);
  }

  #call<T>(request: Request, moved: readonly ArrayBuffer[] = []): Promise<T> {
    const failure = this.#failure;
    if (failure)
      return Promise.reject(new ClearwordError('RUNTIME_FAILED', `the engine has stopped: ${failure.message}`));
    return new Promise<T>((resolve, reject) =>
      this.#post(request, { resolve: resolve as (value: never) => void, reject }, moved),
    );
  }

  #post(request: Request, pending: Pending, moved: readonly ArrayBuffer[] = []): void {
    const id = this.#nextId++;
    if (this.#pending.size === 0) this.#worker.ref();
    this.#pending.set(id, pending);
    this.#worker.postMessage({ id, request }, [...moved]);
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (reply.ok) pending?.resolve(reply.value as never);
    else pending?.reject(runtimeFailure(this.device, reply.message));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.values()) {
      reject(new ClearwordError('RUNTIME_FAILED', `the engine has stopped: ${error.message}`, { cause: error }));
    }
    this.#pending.clear();
  }
}
