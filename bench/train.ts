/**
 * Speed of a training step and of a forward pass, beside the same networks in PyTorch where that is installed: the
 * numbers of docs/performance.md.
 *
 *   npm run bench:train -- [--rounds 10] [--steps 3] [--threads 0] [--only step32,lite,forward32]
 *     [--python PATH] [--clock wall|cpu] [--batch 8] [--side 64] [--picture 256] [--json]
 *
 * Both sides get the same weights and inputs, and have to agree on the number of parameters and on the first step's loss
 * and gradient norm (on the output, for the forward pass) before anything is measured. Then they take turns of a few
 * steps, in one run, so that whatever else the machine does meets both. On a machine that cannot be quiet, `--threads 1
 * --clock cpu` counts the time spent computing instead of the time that passes. `--batch`, `--side` and `--picture` are for
 * trying the program itself.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Engine, float32, floats, type Session } from '../src/runtime/engine.ts';
import type { HostTensor } from '../src/runtime/protocol.ts';
import { describeMachine, machine } from './machine.ts';
import { findPython, PyTorch } from './pytorch-process.ts';
import type { Runs } from './runs-process.ts';
import { median, quantile } from './statistics.ts';
import { markdownTable } from './table.ts';
import {
  type Bench,
  forwardPass,
  networkStep,
  presetOf,
  residentValues,
  type StepBench,
  scalarFeeds,
  systemStep,
} from './train-cases.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    steps: { type: 'string', default: '3' },
    threads: { type: 'string', default: '0' },
    only: { type: 'string' },
    python: { type: 'string' },
    batch: { type: 'string', default: '8' },
    side: { type: 'string', default: '64' },
    picture: { type: 'string', default: '256' },
    clock: { type: 'string', default: 'wall' },
    json: { type: 'boolean', default: false },
  },
});
const [batch, side, picture] = [values.batch, values.side, values.picture].map(Number) as [number, number, number];
const [rounds, steps] = [Number(values.rounds), Number(values.steps)];
const threads = Number(values.threads) || availableParallelism();
const clock = values.clock === 'cpu' ? 'cpu' : 'wall';
/** Milliseconds. */
const now = () => {
  if (clock === 'wall') return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const CASES: Readonly<Record<string, { readonly title: string; readonly build: () => Bench | StepBench }>> = {
  step32: {
    title: `training step, 32 channels wide, ${batch} x ${side} x ${side}`,
    build: () => networkStep(presetOf('bench32'), batch, side),
  },
  lite: {
    title: `training step, lite with its encoders, ${batch} x ${side} x ${side}`,
    build: () => systemStep(presetOf('lite'), batch, side),
  },
  forward32: {
    title: `forward pass, 32 channels wide, ${picture} x ${picture}`,
    build: () => forwardPass(presetOf('bench32'), picture, picture),
  },
};
const chosen = values.only?.split(',') ?? Object.keys(CASES);
const unknown = chosen.filter((name) => !(name in CASES));
if (unknown.length > 0)
  throw new Error(`--only: expected some of ${Object.keys(CASES).join(', ')}, received ${unknown}`);

/** Largest relative differences between the sides at the first step, and absolute ones of a forward pass. */
const AGREEMENT = { loss: 1e-4, gradientNorm: 1e-3, difference: 1e-3 } as const;

/** Our side, with the interface of the other. */
class Ours {
  readonly #session: Session;
  readonly #bench: Bench | StepBench;
  #step = 0;
  /** Output of the last forward pass. */
  output: HostTensor | undefined;

  private constructor(session: Session, bench: Bench | StepBench) {
    this.#session = session;
    this.#bench = bench;
  }

  static async load(engine: Engine, bench: Bench | StepBench): Promise<Ours> {
    if (!('optimiser' in bench)) return new Ours(await engine.load(bench.model), bench);
    const session = await engine.load(bench.model, { resident: bench.resident });
    const vectors = Object.entries(residentValues(bench));
    await session.write(Object.fromEntries(vectors.map(([name, data]) => [name, float32(data, [data.length])])));
    return new Ours(session, bench);
  }

  async run(count: number): Promise<Runs> {
    const ms: number[] = [];
    let last: Omit<Runs, 'ms'> = {};
    for (let i = 0; i < count; i++) {
      const start = now();
      const { outputs } = await this.#session.run({ ...this.#bench.feeds, ...this.#scalars() });
      ms.push(now() - start);
      const scalar = (name: string) => floats(outputs, name)[0] ?? Number.NaN;
      if ('optimiser' in this.#bench) last = { loss: scalar('loss'), gradientNorm: scalar('gradientNorm') };
      else this.output = outputs.prediction;
    }
    return { ms, ...last };
  }

  #scalars() {
    if (!('optimiser' in this.#bench)) return {};
    return scalarFeeds(this.#bench, ++this.#step);
  }
}

/** Fails unless both sides computed the same. */
function compare(name: string, ours: Runs, theirs: Runs): Readonly<Record<string, readonly number[]>> {
  const seen: Record<string, readonly number[]> = {};
  const refuse = (what: string, received: string) => {
    throw new Error(`${name}: expected the same ${what} on both sides, received ${received}`);
  };
  for (const key of ['loss', 'gradientNorm'] as const) {
    const [a, b] = [ours[key], theirs[key]];
    if (a === undefined || b === undefined) continue;
    seen[key] = [a, b];
    if (!(Math.abs(a - b) <= AGREEMENT[key] * Math.abs(b))) refuse(key, `${a} and ${b}`);
  }
  const { difference } = theirs;
  if (difference !== undefined) {
    seen.difference = [difference];
    if (!(difference <= AGREEMENT.difference)) refuse('output', `a difference of ${difference}`);
  }
  if (Object.keys(seen).length === 0) refuse('results', 'none to compare');
  return seen;
}

interface Times {
  readonly median: number;
  readonly quartiles: readonly [number, number];
  readonly fastest: number;
  readonly count: number;
}

function summarise(ms: readonly number[]): Times {
  const quartiles = [quantile(ms, 0.25), quantile(ms, 0.75)] as const;
  return { median: median(ms), quartiles, fastest: Math.min(...ms), count: ms.length };
}

interface Result {
  readonly name: string;
  readonly title: string;
  readonly parameters: number;
  /** Milliseconds. */
  readonly ours: Times;
  readonly pytorch?: Times;
  /** Their time over ours; above 1 we are faster. `byRound`: quartiles of the ratio within each round. */
  readonly ratio?: { readonly ofMedians: number; readonly byRound: readonly [number, number, number] };
  /** What both sides computed before the measurement, ours first. */
  readonly agreement?: Readonly<Record<string, readonly number[]>>;
}

async function measure(name: string, python: string | undefined): Promise<{ result: Result; torch?: string }> {
  const { title, build } = CASES[name] ?? { title: name, build: () => forwardPass(presetOf(name), side, side) };
  console.error(`${name}: ${title}`);
  const bench = build();
  const engine = new Engine({ threads });
  let pytorch: PyTorch | undefined;
  try {
    const ours = await Ours.load(engine, bench);
    const first = await ours.run(1);
    const known = { name, title, parameters: bench.layout.size };
    if (python === undefined) {
      const ms: number[] = [];
      await ours.run(1);
      for (let round = 0; round < rounds; round++) ms.push(...(await ours.run(steps)).ms);
      return { result: { ...known, ours: summarise(ms) } };
    }
    pytorch = await PyTorch.start(python, bench, { threads, clock, expected: ours.output });
    if (pytorch.loaded.parameters !== bench.layout.size) {
      const received = `${bench.layout.size} and ${pytorch.loaded.parameters}`;
      throw new Error(`${name}: expected the same number of parameters on both sides, received ${received}`);
    }
    const agreement = compare(name, first, await pytorch.run(1));
    await Promise.all([ours.run(1), pytorch.run(1)]);
    const turns: { ours: readonly number[]; pytorch: readonly number[] }[] = [];
    for (let round = 0; round < rounds; round++) {
      // Who begins changes from round to round.
      const order = round % 2 === 0 ? ([ours, pytorch] as const) : ([pytorch, ours] as const);
      const [a, b] = [(await order[0].run(steps)).ms, (await order[1].run(steps)).ms];
      turns.push(round % 2 === 0 ? { ours: a, pytorch: b } : { ours: b, pytorch: a });
      const last = turns.at(-1);
      console.error(
        `  round ${round + 1}: ${median(last?.ours ?? []).toFixed(0)} ms, PyTorch ${median(last?.pytorch ?? []).toFixed(0)} ms`,
      );
    }
    const [mine, theirs] = [summarise(turns.flatMap((t) => t.ours)), summarise(turns.flatMap((t) => t.pytorch))];
    const ratios = turns.map((turn) => median(turn.pytorch) / median(turn.ours));
    const byRound = [quantile(ratios, 0.25), median(ratios), quantile(ratios, 0.75)] as const;
    const ratio = { ofMedians: theirs.median / mine.median, byRound };
    const torch = `${pytorch.loaded.versions.torch} (Python ${pytorch.loaded.versions.python})`;
    return { result: { ...known, ours: mine, pytorch: theirs, ratio, agreement }, torch };
  } finally {
    pytorch?.close();
    await engine.close();
  }
}

const python = findPython(values.python);
if (python === undefined)
  console.error('PyTorch: not found, so only this side is measured (--python names an interpreter)');
const results: Result[] = [];
const versions: Record<string, string> = { ...machine().versions };
for (const name of chosen) {
  const { result, torch } = await measure(name, python);
  results.push(result);
  if (torch !== undefined) versions.pytorch = torch;
}
const on = { ...machine(), versions };
if (values.json) {
  console.log(JSON.stringify({ machine: on, threads, clock, rounds, steps, results }, null, 2));
} else {
  const ms = (times: Times | undefined) =>
    times ? `${times.median.toFixed(0)} (${times.quartiles.map((q) => q.toFixed(0)).join('..')})` : '-';
  const rows = results.map(({ title, parameters, ours, pytorch, ratio }) => [
    title,
    `${(parameters / 1e6).toFixed(2)} M`,
    ms(ours),
    ms(pytorch),
    ratio ? `${ratio.ofMedians.toFixed(2)} (${ratio.byRound[0].toFixed(2)}..${ratio.byRound[2].toFixed(2)})` : '-',
  ]);
  console.log(`${describeMachine(on)}; ${threads} threads`);
  const what = clock === 'cpu' ? 'ms of computing' : 'ms';
  console.log(`Median (quartiles) in ${what}, of ${rounds * steps} runs.\n`);
  console.log(markdownTable(['What', 'Parameters', 'Clearword', 'PyTorch', 'PyTorch / Clearword'], rows));
}
