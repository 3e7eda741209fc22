/**
 * Inference sessions in a browser, over ONNX Runtime's WebAssembly builds.
 *
 * A run on the CPU blocks its thread until it is done, so an engine belongs in a Web Worker. There it works in the worker's
 * own thread: unlike in Node, the tiles are prepared in that thread too, and a second worker would only add copies.
 *
 * @module
 */
import type * as ort from 'onnxruntime-common';
import { ClearwordError } from '../../errors.ts';
import { discard } from '../discard.ts';
import type { Request } from '../protocol.ts';
import { type InferenceEngine, type LoadOptions, Session } from '../session.ts';
import { SessionHost } from '../session-host.ts';

/** `wasm`: the CPU, by WebAssembly. */
export const WEB_DEVICES = ['wasm', 'webgpu'] as const;
export type WebDevice = (typeof WEB_DEVICES)[number];

export interface WebEngineOptions {
  readonly device: WebDevice;
  /** Threads on the CPU; more than 1 needs a cross-origin isolated page. 0: one per core, at most four. */
  readonly threads?: number;
  /** The runtime's .wasm file, where it is not to be found beside its script. */
  readonly wasm?: ArrayBuffer | undefined;
}

type RuntimeModule = Pick<typeof ort, 'Tensor' | 'InferenceSession' | 'env'>;

/** Beyond four, threads of a browser on a phone wait for its slow cores. */
const MOST_THREADS = 4;

/** Only the build that is needed is loaded: each comes with a .wasm file of its own. */
function importRuntime(device: WebDevice): Promise<RuntimeModule> {
  return device === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm');
}

/** Threads that the runtime will use: shared memory exists only where the page is cross-origin isolated. */
export function usableThreads(asked: number): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return asked > 0 ? asked : Math.min(MOST_THREADS, globalThis.navigator.hardwareConcurrency);
}

/** Lets the messages that came in meanwhile be received, a cancellation among them. */
const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

export class WebEngine implements InferenceEngine {
  readonly device: WebDevice;
  readonly threads: number;
  readonly #host: SessionHost;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(device: WebDevice, threads: number, host: SessionHost) {
    this.device = device;
    this.threads = threads;
    this.#host = host;
  }

  /**
   * Loads the runtime's script; its .wasm file follows with the first model.
   *
   * @throws ClearwordError RUNTIME_FAILED
   */
  static async open({ device, threads = 0, wasm }: WebEngineOptions): Promise<WebEngine> {
    const runtime = await importRuntime(device).catch((cause: unknown) => {
      throw failure(device, cause);
    });
    const used = usableThreads(threads);
    // Both have to be set before the first session of this build.
    runtime.env.wasm.numThreads = used;
    if (wasm !== undefined) runtime.env.wasm.wasmBinary = wasm;
    runtime.env.logLevel = 'error';
    const host = new SessionHost({
      Tensor: runtime.Tensor,
      create: (model, options) =>
        runtime.InferenceSession.create(model, {
          executionProviders: options.device === 'webgpu' ? ['webgpu', 'wasm'] : ['wasm'],
          graphOptimizationLevel: 'all',
          // Errors come back as exceptions.
          logSeverityLevel: 4,
        }),
    });
    return new WebEngine(device, used, host);
  }

  async load(model: Uint8Array, { resident = {}, giveAway = false }: LoadOptions = {}): Promise<Session> {
    const options = { device: this.device, threads: this.threads, resident };
    const id = await this.#call<number>({ kind: 'load', model, options });
    if (giveAway) discard(model);
    return new Session(id, (request) => this.#call(request));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#queue.catch(() => undefined);
  }

  #call<T>(request: Request): Promise<T> {
    const result = this.#queue.then(async () => {
      if (this.#closed) throw new ClearwordError('RUNTIME_FAILED', 'the engine has stopped: the engine was closed');
      try {
        return (await this.#host.handle(request)) as T;
      } catch (cause) {
        throw failure(this.device, cause);
      } finally {
        await nextTask();
      }
    });
    // A failed request must not stop those after it.
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function failure(device: WebDevice, cause: unknown): ClearwordError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ClearwordError('RUNTIME_FAILED', `${device}: ${reason}`, {
    cause,
    fix: 'Try the device wasm or a smaller tile; if it persists, report it with the message.',
  });
}
