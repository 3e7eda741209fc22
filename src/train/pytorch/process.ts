/**
 * A running PyTorch process: requests and answers, and its end.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { ClearwordError } from '../../errors.ts';
import type { HostTensors } from '../../runtime/protocol.ts';
import { type Answer, AnswerReader, encodeMessage, failed } from './messages.ts';
import { INSTALL, pythonEnvironment } from './python.ts';

/** How the process ends where its PyTorch is too old; `__main__.py` knows it too. */
const TOO_OLD = 3;

/** Characters of the process's last words that an error repeats. */
const LAST_WORDS = 1500;

/** Lines that the process means for its user; the rest of its standard error is the libraries'. */
const NOTE = /^clearword_torch: (.*)$/;

/** Milliseconds that a process has to end by itself. */
const PATIENCE = 5000;

/**
 * Memory is not given back to the system between steps, and threads that wait do not spin against those that make the next
 * batch: with the defaults PyTorch is slower on a CPU.
 */
const TUNING = { MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: '17179869184', OMP_WAIT_POLICY: 'passive' };

export interface ProcessOptions {
  /** Threads on the CPU; 0: as PyTorch chooses. */
  readonly threads?: number;
  /** Called with what the process has to say: that it goes on without its compiler, or in smaller parts. */
  readonly onNote?: ((note: string) => void) | undefined;
}

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class PyTorchProcess {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  readonly #reader = new AnswerReader();
  #nextId = 1;
  #words = '';
  #failure: ClearwordError | undefined;

  constructor(python: string, { threads = 0, onNote }: ProcessOptions = {}) {
    const count = threads === 0 ? {} : { CLEARWORD_THREADS: `${threads}`, OMP_NUM_THREADS: `${threads}` };
    const env = { ...pythonEnvironment(), ...TUNING, ...count };
    // A group of its own: Ctrl-C is for the parent, which saves what the process holds before it ends it.
    const child = spawn(python, ['-u', '-m', 'clearword_torch'], { env, detached: true });
    this.#child = child;
    child.stdout.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    let begun = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-2 * LAST_WORDS);
      const lines = (begun + text).split('\n');
      // The pipe may cut a line anywhere: its rest is yet to come.
      begun = lines.pop() ?? '';
      for (const line of lines) {
        const note = NOTE.exec(line)?.[1];
        if (note !== undefined) onNote?.(note);
      }
    });
    // What cannot be written any more is reported by the end of the process, with its reason.
    child.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      child.on('error', (cause) => {
        this.#fail(new ClearwordError('RUNTIME_FAILED', `PyTorch process: ${python} did not start`, { cause }));
        resolve();
      });
      child.on('close', (code, signal) => {
        this.#fail(this.#reason(code, signal));
        resolve();
      });
    });
  }

  /** Its number in the system; 0 where it did not start. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends a request and waits for its answer. */
  ask(header: Readonly<Record<string, unknown>>, tensors: HostTensors = {}): Promise<Answer> {
    const failure = this.#failure;
    if (failure) return Promise.reject(failure);
    const id = this.#nextId++;
    const answer = new Promise<Answer>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.tell({ ...header, id }, tensors);
    return answer;
  }

  /** Sends a request that is not answered. */
  tell(header: Readonly<Record<string, unknown>>, tensors: HostTensors = {}): void {
    if (this.#failure) return;
    for (const part of encodeMessage(header, tensors)) if (part.length > 0) this.#child.stdin?.write(part);
  }

  /** Ends the process; what is under way is rejected. */
  async close(): Promise<void> {
    this.#fail(new ClearwordError('CANCELLED', 'the PyTorch process was closed'));
    this.#child.stdin?.end();
    const late = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE);
    await this.#ended;
    clearTimeout(late);
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const answer of this.#reader.push(chunk)) {
        const pending = this.#pending.get(answer.id);
        this.#pending.delete(answer.id);
        if (answer.error === undefined) pending?.resolve(answer);
        else pending?.reject(failed(`PyTorch: ${answer.error}`));
      }
    } catch (cause) {
      this.#fail(cause as ClearwordError);
      this.#child.kill('SIGKILL');
    }
  }

  #reason(code: number | null, signal: string | null): ClearwordError {
    const words = this.#words.trim().slice(-LAST_WORDS);
    if (code === TOO_OLD) return new ClearwordError('PACKAGE_MISSING', `engine pytorch: ${words}`, { fix: INSTALL });
    const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}, as for want of memory`;
    return failed(`the PyTorch process ${how}${words === '' ? '' : `; its last words:\n${words}`}`);
  }

  #fail(error: ClearwordError): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}
