/**
 * What every engine offers, wherever it runs: models are loaded into sessions, and sessions are run. Knows no runtime, so
 * that networks can be built and run by the same code in Node and in a browser.
 *
 * @module
 */
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import type { HostTensors, Request, RunReply } from './protocol.ts';

export interface LoadOptions {
  /** Resident values: each named input takes, in the next run, what the named output gave in this one. */
  readonly resident?: Readonly<Record<string, string>>;
  /** The model's bytes are not needed any more, and are freed once they are loaded. Default false. */
  readonly giveAway?: boolean;
}

/** Loads and runs models on one device. */
export interface InferenceEngine {
  /**
   * Loads a model.
   *
   * @throws ClearwordError RUNTIME_FAILED with the runtime's own words
   */
  load(model: Uint8Array, options?: LoadOptions): Promise<Session>;
  /** Ends the engine, after the run that it is in; its sessions are gone with it. May be called twice. */
  close(): Promise<void>;
}

/** A loaded model. Runs of one engine happen one after the other. */
export class Session {
  readonly #id: number;
  readonly #call: <T>(request: Request) => Promise<T>;

  constructor(id: number, call: <T>(request: Request) => Promise<T>) {
    this.#id = id;
    this.#call = call;
  }

  /**
   * One run. A signal is looked at before and after: a run itself cannot be stopped.
   *
   * @throws ClearwordError CANCELLED, or RUNTIME_FAILED with the runtime's own words
   */
  async run(feeds: HostTensors, signal?: AbortSignal): Promise<RunReply> {
    throwIfCancelled(signal, 'the run');
    const reply = await this.#call<RunReply>({ kind: 'run', session: this.#id, feeds });
    throwIfCancelled(signal, 'the run');
    return reply;
  }

  /** Sets resident values. */
  write(values: HostTensors): Promise<void> {
    return this.#call({ kind: 'write', session: this.#id, values });
  }

  /** Copies of the resident values. */
  read(): Promise<HostTensors> {
    return this.#call({ kind: 'read', session: this.#id });
  }

  /** Undoes the last run's change of the resident values. Once per run. */
  rollback(): Promise<void> {
    return this.#call({ kind: 'rollback', session: this.#id });
  }

  release(): Promise<void> {
    return this.#call({ kind: 'release', session: this.#id });
  }
}

/** Float32 tensor in main memory. */
export const float32 = (data: Float32Array, shape: readonly number[]) => ({ dtype: 'float32', shape, data }) as const;

/** The float32 values of an output. */
export function floats(outputs: HostTensors, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (!(data instanceof Float32Array))
    throw new ClearwordError('RUNTIME_FAILED', `output ${name}: expected float32 values`);
  return data;
}
