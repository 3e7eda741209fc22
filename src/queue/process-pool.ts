/**
 * Several processes that do jobs, each replaced when it ends.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ClearwordError } from '../errors.ts';
import { InferenceProcess } from './inference-process.ts';
import type { InferenceSettings, ModelIdentity } from './inference-protocol.ts';
import type { JobRequest, JobResult } from './job.ts';
import type { JobHooks } from './job-queue.ts';
import type { Log } from './log.ts';

/** Wait in seconds before a process that did not even start is replaced; doubles up to the last one. */
const RESTART = { first: 0.5, last: 30 } as const;

export interface PoolSettings extends InferenceSettings {
  readonly processes: number;
  readonly log: Log;
}

interface Waiting {
  readonly take: (process: InferenceProcess) => void;
  readonly refuse: (error: Error) => void;
}

export class ProcessPool {
  readonly #settings: PoolSettings;
  readonly #starting = new Set<InferenceProcess>();
  readonly #processes = new Set<InferenceProcess>();
  readonly #idle: InferenceProcess[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #closing = new AbortController();
  #model: ModelIdentity | undefined;
  #replaced = 0;

  private constructor(settings: PoolSettings) {
    this.#settings = settings;
  }

  /**
   * Starts the processes; resolves when all have their model.
   *
   * Errors: those of `Clearword.load`, STORE_FAILED, WORKER_CRASHED.
   */
  static async start(settings: PoolSettings): Promise<ProcessPool> {
    const pool = new ProcessPool(settings);
    try {
      // The first one alone: what is wrong with the model is then said once.
      await pool.#start();
      await Promise.all(Array.from({ length: settings.processes - 1 }, () => pool.#start()));
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  get model(): ModelIdentity {
    if (!this.#model) throw new Error('the pool has not started');
    return this.#model;
  }

  /** Processes that can take a job or are doing one. */
  get usable(): number {
    return this.#processes.size;
  }

  /** Processes that had to be replaced so far. */
  get replaced(): number {
    return this.#replaced;
  }

  get pids(): number[] {
    return [...this.#processes].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** Does a job in the next process that is free. Errors: those of `InferenceProcess.run`, UNAVAILABLE. */
  readonly run = async (request: JobRequest, hooks: JobHooks): Promise<JobResult> => {
    const process = await this.#take(request, hooks.signal);
    try {
      return await process.run(request, hooks);
    } finally {
      this.#give(process);
    }
  };

  /** Ends the processes, each after its job. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const { refuse } of this.#waiting.splice(0)) refuse(closed());
    await Promise.all([...this.#starting, ...this.#processes].map((process) => process.close()));
  }

  async #start(): Promise<void> {
    const { processes: _, log, ...settings } = this.#settings;
    const process = new InferenceProcess(settings);
    this.#starting.add(process);
    try {
      this.#model = await process.ready;
    } catch (error) {
      await process.ended;
      throw error;
    } finally {
      this.#starting.delete(process);
    }
    this.#processes.add(process);
    log.info({ pid: process.pid, model: this.#model.name }, 'process ready');
    void process.ended.then(() => this.#replace(process));
    this.#give(process);
  }

  async #replace(ended: InferenceProcess): Promise<void> {
    this.#processes.delete(ended);
    const at = this.#idle.indexOf(ended);
    if (at >= 0) this.#idle.splice(at, 1);
    const { signal } = this.#closing;
    for (let wait: number = RESTART.first; !signal.aborted; wait = Math.min(2 * wait, RESTART.last)) {
      this.#replaced++;
      this.#settings.log.warn({ pid: ended.pid }, 'process ended, starting another');
      try {
        await this.#start();
        return;
      } catch (error) {
        this.#settings.log.error({ err: error, wait }, 'process cannot start');
        await delay(wait * 1000, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #take(request: JobRequest, signal: AbortSignal): Promise<InferenceProcess> {
    const free = this.#idle.pop();
    if (free) return Promise.resolve(free);
    if (this.#closing.signal.aborted) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new ClearwordError('CANCELLED', `job ${request.id} was cancelled`));
      };
      const settled = () => signal.removeEventListener('abort', leave);
      const waiting: Waiting = {
        take(process) {
          settled();
          resolve(process);
        },
        refuse(error) {
          settled();
          reject(error);
        },
      };
      this.#waiting.push(waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #give(process: InferenceProcess): void {
    if (!process.alive) return;
    const next = this.#waiting.shift();
    if (next) next.take(process);
    else this.#idle.push(process);
  }
}

function closed(): ClearwordError {
  return new ClearwordError('UNAVAILABLE', 'the service is shutting down');
}
