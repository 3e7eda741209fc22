/**
 * One measurement of `bench/restore.ts`, in a process of its own so that the peak of its memory is its own:
 *
 *   restore-child.ts '{"model": ..., "input": ..., "output": ..., "device": "cpu", "steps": 1, "repeat": 2, "tile": 512}'
 */
import { Clearword } from '../src/clearword.ts';
import type { DeviceChoice } from '../src/runtime/protocol.ts';
import { peakMemory } from './memory.ts';

export interface RestoreTask {
  readonly model?: string;
  readonly input: string;
  /** Start of the results' paths. */
  readonly output: string;
  readonly device: DeviceChoice;
  readonly steps: number;
  readonly tile?: number;
  /** Restorations after the first. */
  readonly repeat: number;
}

export interface RestoreMeasurement {
  /** Milliseconds to load the model. */
  readonly load: number;
  /** Milliseconds from file to file, the first time, when sessions are built, and afterwards. */
  readonly first: number;
  readonly again: readonly number[];
  readonly tile: number;
  /** Peak resident memory after loading and at the end, MiB. */
  readonly memory: { readonly loaded: number; readonly peak: number };
}

/** Peak resident memory so far, MiB. */
const peak = (): number => peakMemory() ?? Number.NaN;

async function measure({
  model,
  input,
  output,
  device,
  steps,
  tile,
  repeat,
}: RestoreTask): Promise<RestoreMeasurement> {
  const start = performance.now();
  const clearword = await Clearword.load({ device, ...(model !== undefined && { model }) });
  const load = performance.now() - start;
  const loaded = peak();
  const options = { steps, seed: 1, ...(tile !== undefined && { tile }) };
  let written = 0;
  const restore = async () => {
    const begin = performance.now();
    const result = await clearword.restore(input, options);
    await result.toFile(`${output}-${++written}.jpg`);
    return performance.now() - begin;
  };
  const first = await restore();
  const again: number[] = [];
  for (let i = 0; i < repeat; i++) again.push(await restore());
  const used = tile ?? clearword.model.defaultTile;
  const measurement = { load, first, again, tile: used, memory: { loaded, peak: peak() } };
  await clearword.dispose();
  return measurement;
}

const [task] = process.argv.slice(2);
if (task === undefined) throw new Error('expected a task; run bench/restore.ts instead');
console.log(JSON.stringify(await measure(JSON.parse(task) as RestoreTask)));
