/**
 * Processes that measure runs for a bench: each line of their input is a number of runs, each line of their output is JSON. The
 * first line says what was loaded. bench/pytorch/measure.py and bench/openvino/measure.py speak so, too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { forgetPeak, peakMemory } from './memory.ts';

/** What a number of runs took and gave. */
export interface Runs {
  readonly ms: readonly number[];
  readonly loss?: number;
  readonly gradientNorm?: number;
  /** Largest difference of a forward pass from the expected output. */
  readonly difference?: number;
  /** Peak of resident memory in these runs, MiB; null where the system does not say. */
  readonly memory?: number | null;
}

/** The side that asks. `Loaded`: what the process says of what it loaded. */
export class RunsProcess<Loaded> {
  readonly loaded: Loaded;
  readonly #process: ChildProcess;
  readonly #next: () => Promise<unknown>;

  private constructor(process: ChildProcess, next: () => Promise<unknown>, loaded: Loaded) {
    this.#process = process;
    this.#next = next;
    this.loaded = loaded;
  }

  /** Starts it and waits until it has loaded. `name`: what to call it in messages. */
  static async start<Loaded>(
    name: string,
    command: string,
    given: readonly string[],
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<RunsProcess<Loaded>> {
    const child = spawn(command, given, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => {
      const { value, done } = await lines.next();
      if (done) throw new Error(`the process of ${name} ended; its message is above`);
      return JSON.parse(value);
    };
    return new RunsProcess(child, next, (await next()) as Loaded);
  }

  async run(count: number): Promise<Runs> {
    this.#process.stdin?.write(`${count}\n`);
    return (await this.#next()) as Runs;
  }

  close(): void {
    this.#process.stdin?.end();
  }
}

/**
 * The side that answers, until its input ends.
 *
 * @param loaded what to say of what was loaded; its peak of memory is added
 * @param run what is measured
 * @param first gets what the first run gave, outside of the measurement
 */
export async function answerRuns<T>(
  loaded: object,
  run: () => Promise<T>,
  first: (result: T) => Promise<void>,
): Promise<void> {
  const answer = (value: object) => console.log(JSON.stringify(value));
  answer({ ...loaded, memory: peakMemory() });
  let begun = false;
  for await (const line of createInterface({ input: process.stdin })) {
    forgetPeak();
    const ms: number[] = [];
    for (let i = 0; i < Number(line); i++) {
      const start = performance.now();
      const result = await run();
      ms.push(performance.now() - start);
      if (!begun) await first(result);
      begun = true;
    }
    answer({ ms, memory: peakMemory() });
  }
}
