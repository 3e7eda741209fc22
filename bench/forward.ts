/**
 * Time and memory of one forward pass of a network over a picture, beside the same network in PyTorch: the numbers of
 * docs/performance.md and docs/paper-scale.md for the paper's network.
 *
 *   npm run bench:forward -- [--preset paper] [--side 256] [--rounds 5] [--threads 0] [--python PATH] [--json]
 *
 * Each side is a process of its own. Both have the same weights and inputs, and the same number of parameters and the same
 * output before anything is measured. Then they take turns, one pass each, so that whatever else the machine does meets
 * both. PyTorch is tuned for time, which costs it memory; its memory is that of a third process, without the tuning.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { float32 } from '../src/runtime/session.ts';
import { describeMachine, machine } from './machine.ts';
import { findPython, PyTorch } from './pytorch-process.ts';
import { type Runs, RunsProcess } from './runs-process.ts';
import { median, quantile } from './statistics.ts';
import { markdownTable } from './table.ts';
import { forwardInputs, networkValues, presetOf } from './train-cases.ts';

const { values } = parseArgs({
  options: {
    preset: { type: 'string', default: 'paper' },
    side: { type: 'string', default: '256' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '0' },
    python: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const [side, rounds] = [Number(values.side), Number(values.rounds)];
const threads = Number(values.threads) || availableParallelism();
const preset = presetOf(values.preset);
/** Largest difference between the outputs, which are of the order of 1. */
const AGREEMENT = 1e-3;

interface OursLoaded {
  readonly parameters: number;
  readonly memory?: number | null;
}
type Ours = RunsProcess<OursLoaded>;

function startOurs(output: string): Promise<Ours> {
  const script = fileURLToPath(new URL('forward-child.ts', import.meta.url));
  const given = ['--import', import.meta.resolve('tsx'), script, preset.name, String(side), String(threads), output];
  return RunsProcess.start('Clearword', process.execPath, given);
}

interface Measured {
  readonly ms: readonly number[];
  /** MiB: while loading, and during the passes after the first. */
  readonly memory: { readonly loading: number | null; readonly passes: number | null };
}

async function measure(python: string | undefined, folder: string): Promise<{ ours: Measured; pytorch?: Measured }> {
  const output = join(folder, 'output.f32');
  const ours = await startOurs(output);
  let theirs: PyTorch | undefined;
  try {
    await ours.run(1);
    const mine: Runs[] = [];
    const others: Runs[] = [];
    if (python !== undefined) {
      const { buffer, byteOffset, byteLength } = await readFile(output);
      const expected = float32(new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength)), [1, 3, side, side]);
      const { layout, parameters } = networkValues(preset, side, side);
      const feeds = forwardInputs(preset, side, side);
      const bench = { preset, batch: 1, height: side, width: side, layout, parameters, feeds, model: new Uint8Array() };
      const start = (tuned: boolean) => PyTorch.start(python, bench, { threads, clock: 'wall', expected, tuned });
      theirs = await start(true);
      if (theirs.loaded.parameters !== ours.loaded.parameters) {
        const received = `${ours.loaded.parameters} and ${theirs.loaded.parameters}`;
        throw new Error(`expected the same number of parameters on both sides, received ${received}`);
      }
      const { difference = Number.NaN } = await theirs.run(1);
      if (!(difference <= AGREEMENT))
        throw new Error(`expected the same output, received a difference of ${difference}`);
      console.error(`PyTorch ${theirs.loaded.versions.torch}; largest difference of the output: ${difference}`);
      for (let round = 0; round < rounds; round++) {
        // Who begins changes from round to round.
        const turns = round % 2 === 0 ? ([ours, theirs] as const) : ([theirs, ours] as const);
        for (const turn of turns) (turn === ours ? mine : others).push(await turn.run(1));
        const seconds = [mine, others].map((runs) => ((runs.at(-1)?.ms[0] ?? Number.NaN) / 1000).toFixed(2));
        console.error(`  round ${round + 1}: ${seconds[0]} s, PyTorch ${seconds[1]} s`);
      }
      const tuned = Math.max(...others.map(({ memory }) => memory ?? Number.NaN));
      console.error(`  memory of PyTorch's pass as tuned: ${tuned.toFixed(0)} MiB`);
      theirs.close();
      theirs = await start(false);
      await theirs.run(1);
      const passes = (await theirs.run(1)).memory ?? null;
      const pytorch = { ms: others.flatMap(({ ms }) => ms), memory: { loading: theirs.loaded.memory ?? null, passes } };
      return { ours: measured(ours, mine), pytorch };
    }
    for (let round = 0; round < rounds; round++) mine.push(await ours.run(1));
    return { ours: measured(ours, mine) };
  } finally {
    ours.close();
    theirs?.close();
  }
}

function measured({ loaded }: Ours, runs: readonly Runs[]): Measured {
  const peaks = runs.map(({ memory }) => memory ?? Number.NaN);
  const passes = Math.max(...peaks);
  return {
    ms: runs.flatMap(({ ms }) => ms),
    memory: { loading: loaded.memory ?? null, passes: Number.isFinite(passes) ? passes : null },
  };
}

const python = findPython(values.python);
if (python === undefined) console.error('PyTorch: not found (--python names an interpreter)');
const folder = await mkdtemp(join(tmpdir(), 'clearword-forward-'));
try {
  const { ours, pytorch } = await measure(python, folder);
  if (values.json) {
    console.log(JSON.stringify({ machine: machine(), preset: preset.name, side, threads, ours, pytorch }, null, 2));
  } else {
    const seconds = (ms: number) => (ms / 1000).toFixed(2);
    const times = ({ ms }: Measured) =>
      `${seconds(median(ms))} (${seconds(quantile(ms, 0.25))}..${seconds(quantile(ms, 0.75))}), best ${seconds(Math.min(...ms))}`;
    const mebibytes = (value: number | null) => value?.toFixed(0) ?? '-';
    const row = (name: string, side: Measured) => [
      name,
      times(side),
      mebibytes(side.memory.passes),
      mebibytes(side.memory.loading),
    ];
    console.log(`${describeMachine(machine())}; ${threads} threads; preset ${preset.name}, ${side} x ${side}\n`);
    const header = ['', 'Seconds: median (quartiles)', 'Memory of a pass, MiB', 'While loading, MiB'];
    console.log(markdownTable(header, [row('Clearword', ours), ...(pytorch ? [row('PyTorch', pytorch)] : [])]));
    if (pytorch) {
      const ratio = (a: number | null, b: number | null) => ((a ?? Number.NaN) / (b ?? Number.NaN)).toFixed(2);
      const time = ratio(median(ours.ms), median(pytorch.ms));
      const [pass, load] = [
        ratio(ours.memory.passes, pytorch.memory.passes),
        ratio(ours.memory.loading, pytorch.memory.loading),
      ];
      console.log(`\nClearword / PyTorch: time ${time}, memory of a pass ${pass}, while loading ${load}`);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
