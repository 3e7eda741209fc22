/**
 * Steps a second of both engines, by precision and version of PyTorch: the table of docs/training.md.
 *
 *   npm run bench:engines -- [--config configs/lite.json] [--batch 8] [--patch 64] [--steps 10] [--threads 0]
 *     [--python /usr/bin/python3,.venv/bin/python] [--precision float32,bfloat16] [--compile no,yes]
 *
 * Every engine gets the same batch, made up, and takes its steps as a run does. They take turns, in `--rounds` rounds, so that
 * whatever else the machine does meets all of them; the fastest round counts.
 */
import { parseArgs } from 'node:util';
import { readTrainConfig, type TrainConfig } from '../src/train/config.ts';
import { initialValues } from '../src/train/initialise.ts';
import { openEngine } from '../src/train/open-engine.ts';
import { initialVectors } from '../src/train/optimisers/index.ts';
import { scalarsOf } from '../src/train/schedule.ts';
import { graphOptions } from '../src/train/start.ts';
import type { StepEngine } from '../src/train/step-engine.ts';
import { trainingLayout } from '../src/train/training-graph.ts';
import { describeMachine, machine } from './machine.ts';
import { madeUpBatch } from './made-up-batch.ts';
import { markdownTable } from './table.ts';

const { values } = parseArgs({
  options: {
    config: { type: 'string', default: 'configs/lite.json' },
    batch: { type: 'string', default: '8' },
    patch: { type: 'string', default: '64' },
    steps: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '0' },
    python: { type: 'string', default: '/usr/bin/python3' },
    precision: { type: 'string', default: 'float32,bfloat16' },
    compile: { type: 'string', default: 'no' },
  },
});
const [batch, patch, steps, rounds, threads] = [
  values.batch,
  values.patch,
  values.steps,
  values.rounds,
  values.threads,
].map(Number) as [number, number, number, number, number];

const read = await readTrainConfig(values.config);
const data = { ...read.data, patch, grid: 1 };
const common: TrainConfig = { ...read, batch, threads, echo: 1, data };
const options = graphOptions(common);
const vectors = () => initialVectors(common.optimiser.kind, initialValues(trainingLayout(options), 1));

/** Configurations of the engines that are compared. */
const engines: readonly TrainConfig[] = [
  { ...common, engine: 'built-in' },
  ...values.python.split(',').flatMap((python) =>
    values.precision.split(',').flatMap((precision) =>
      values.compile.split(',').map((compile): TrainConfig => {
        const chosen = precision === 'bfloat16' ? 'bfloat16' : 'float32';
        return { ...common, engine: 'pytorch', python, precision: chosen, compile: compile === 'yes' };
      }),
    ),
  ),
];

/**
 * Seconds that so many steps take; several are under way at once where the engine allows it. Batches are there before the clock
 * starts, but a step is prepared when the one before it has begun, as in a run: an engine keeps no more of them than a run uses.
 */
async function seconds(engine: StepEngine, first: number, count: number): Promise<number> {
  const uses = Array.from({ length: count }, (_, i) => ({ batch: madeUpBatch(options, first + i), step: first + i }));
  const start = performance.now();
  const underWay: Promise<unknown>[] = [];
  for (const use of uses) {
    const run = engine.prepare(use);
    if (underWay.length >= engine.ahead) await underWay.shift();
    underWay.push(run(scalarsOf(common, use.step, 0)));
  }
  await Promise.all(underWay);
  return (performance.now() - start) / 1000;
}

/** Steps before the clock starts: on a card PyTorch chooses kernels in four of them and records the fifth. */
const warmUp = ({ description }: StepEngine) => (/\bcpu\b/.test(description) ? 2 : 6);

process.stdout.write(`${describeMachine(machine())}\n${options.preset.name}, ${batch} patches of ${patch} pixels\n\n`);
const best = new Map<TrainConfig, { description: string; seconds: number }>();
for (let round = 0; round < rounds; round++) {
  for (const config of engines) {
    // One engine at a time has the memory and the threads.
    const engine = await openEngine(config, options, vectors());
    try {
      const before = warmUp(engine);
      await seconds(engine, 0, before);
      const taken = await seconds(engine, before, steps);
      const fastest = Math.min(best.get(config)?.seconds ?? Number.POSITIVE_INFINITY, taken);
      best.set(config, { description: engine.description, seconds: fastest });
    } finally {
      await engine.close();
    }
  }
}
const rows = [...best.values()].map(({ description, seconds: taken }) => [
  description,
  (steps / taken).toFixed(2),
  ((steps * batch * patch ** 2) / taken / 1e6).toFixed(3),
]);
process.stdout.write(`${markdownTable(['engine', 'steps a second', 'million training pixels a second'], rows)}\n`);
