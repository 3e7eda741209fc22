/**
 * The service's side of a process that does its jobs.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ClearwordError } from '../errors.ts';
import type { FromProcess, InferenceSettings, ModelIdentity, ToProcess } from './inference-protocol.ts';
import { errorOfJob, type JobRequest, type JobResult } from './job.ts';
import type { JobHooks } from './job-queue.ts';

/** Seconds that a process has for ending the step it is in, once it is told to stop. */
const PATIENCE = 10;

/** How much lower its priority is than that of the service: a third of its share of a core, if both want it. */
const NICER = 5;

interface Current {
  readonly hooks: JobHooks;
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: Error) => void;
}

/** One process; does one job at a time, and ends for good when anything goes wrong with it. */
export class InferenceProcess {
  /** Resolves once the model is loaded; rejects with the reason why it is not. */
  readonly ready: Promise<ModelIdentity>;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  #current: Current | undefined;
  #alive = true;
  /** Why this side ended it, if it did. */
  #reason: ClearwordError | undefined;

  constructor(settings: InferenceSettings) {
    this.#child = forkMain(settings);
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#alive = false;
        this.#settle((current) => current.reject(this.#reason ?? crashed(code, signal)));
        resolve();
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.#child.once('exit', (code, signal) => reject(crashed(code, signal)));
      this.#child.on('error', (cause) => reject(new ClearwordError('WORKER_CRASHED', cause.message, { cause })));
      this.#child.on('message', (message: FromProcess) => {
        if (message.kind === 'ready') resolve(message.model);
        else if (message.kind === 'unusable') reject(errorOfJob(message.error));
        else this.#receive(message);
      });
    });
    this.ready.catch(() => undefined);
  }

  get alive(): boolean {
    return this.#alive;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Does a job. When its time is over the process is killed, when it is cancelled only if it does not stop by itself.
   *
   * Errors: those of `performJob`, TIMED_OUT, WORKER_CRASHED.
   */
  async run(request: JobRequest, hooks: JobHooks): Promise<JobResult> {
    if (hooks.signal.aborted) throw cancelled(request);
    const { seconds } = request.limits;
    const timeout = setTimeout(() => {
      this.kill(new ClearwordError('TIMED_OUT', `expected the job to take at most ${seconds} s, it took longer`));
    }, seconds * 1000);
    let patience: NodeJS.Timeout | undefined;
    const abort = () => {
      this.#tell({ kind: 'cancel' });
      patience = setTimeout(() => this.kill(cancelled(request)), PATIENCE * 1000);
    };
    hooks.signal.addEventListener('abort', abort, { once: true });
    try {
      return await new Promise<JobResult>((resolve, reject) => {
        this.#current = { hooks, resolve, reject };
        this.#tell({ kind: 'job', request });
      });
    } finally {
      clearTimeout(timeout);
      clearTimeout(patience);
      hooks.signal.removeEventListener('abort', abort);
    }
  }

  /** Ends it after the job that it is in. */
  async close(): Promise<void> {
    if (!this.#alive) return;
    this.#tell({ kind: 'close' });
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE * 1000);
    await this.ended;
    clearTimeout(patience);
  }

  /** Ends it at once. */
  kill(reason: ClearwordError): void {
    this.#reason ??= reason;
    this.#child.kill('SIGKILL');
  }

  #receive(message: Exclude<FromProcess, { kind: 'ready' | 'unusable' }>): void {
    if (message.kind === 'progress') this.#current?.hooks.onProgress(message.progress);
    else if (message.kind === 'done') this.#settle((current) => current.resolve(message.result));
    else this.#settle((current) => current.reject(errorOfJob(message.error)));
  }

  #settle(how: (current: Current) => void): void {
    const current = this.#current;
    this.#current = undefined;
    if (current) how(current);
  }

  #tell(message: ToProcess): void {
    // A process that has just ended cannot be told; its exit settles what is under way.
    this.#child.send(message, () => undefined);
  }
}

function forkMain(settings: InferenceSettings): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const main = fileURLToPath(new URL(`./inference-main${fromSource ? '.ts' : '.js'}`, import.meta.url));
  const child = fork(main, [JSON.stringify(settings)], {
    // Sources need tsx, a development dependency; nothing of the parent's own flags is for this process.
    execArgv: fromSource ? ['--import', import.meta.resolve('tsx')] : [],
    // Standard output is the parent's log.
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  try {
    // When all cores compute, whoever answers requests comes first. Relative to this process, so that an operator's own
    // choice of priority holds for both.
    if (child.pid !== undefined)
      setPriority(child.pid, Math.min(getPriority() + NICER, constants.priority.PRIORITY_LOW));
  } catch {
    // It has ended already, which its exit says.
  }
  return child;
}

function crashed(code: number | null, signal: string | null): ClearwordError {
  const how = signal === null ? `code ${code}` : `signal ${signal}`;
  return new ClearwordError('WORKER_CRASHED', `the process that worked on the picture ended with ${how}`);
}

function cancelled({ id }: JobRequest): ClearwordError {
  return new ClearwordError('CANCELLED', `job ${id} was cancelled`);
}
