/**
 * One measurement of `bench/beside.ts`, in a process of its own:
 *
 *   beside-child.ts '{"tree": "/a/checkout", "input": ..., "output": "result.png", "threads": 1}'
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface BesideTask {
  /** Folder of the checkout whose library is measured. */
  readonly tree: string;
  readonly input: string;
  readonly output: string;
  readonly threads: number;
  /** Weights; without them, each checkout's own. */
  readonly model?: string | undefined;
  /** What is asked for; without it, whatever is found is removed. */
  readonly prompt?: string | undefined;
}

export interface BesideMeasurement {
  /** Seconds of processor time, and of the clock, for loading the model and for the first restoration. */
  readonly load: Seconds;
  readonly restore: Seconds;
  /** Peak resident memory, MiB. */
  readonly peak: number;
}

interface Seconds {
  readonly cpu: number;
  readonly wall: number;
}

async function timed<T>(work: () => Promise<T>): Promise<[T, Seconds]> {
  const [used, start] = [process.cpuUsage(), performance.now()];
  const result = await work();
  const { user, system } = process.cpuUsage(used);
  return [result, { cpu: (user + system) / 1e6, wall: (performance.now() - start) / 1e3 }];
}

const [text] = process.argv.slice(2);
if (text === undefined) throw new Error('expected a task; run bench/beside.ts instead');
const { tree, input, output, threads, model, prompt } = JSON.parse(text) as BesideTask;
// Each checkout has its own library; this one's types stand for both.
const library = (await import(
  pathToFileURL(join(tree, 'src/clearword.ts')).href
)) as typeof import('../src/clearword.ts');
const [clearword, load] = await timed(() =>
  library.Clearword.load({ device: 'cpu', threads, ...(model !== undefined && { model }) }),
);
const [bytes, restore] = await timed(async () =>
  (await clearword.restore(input, { seed: 1, ...(prompt !== undefined && { prompt }) })).toBuffer({ format: 'png' }),
);
await writeFile(output, bytes);
await clearword.dispose();
const measurement: BesideMeasurement = { load, restore, peak: process.resourceUsage().maxRSS / 1024 };
console.log(JSON.stringify(measurement));
