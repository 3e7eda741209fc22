/**
 * Where the time of a training step goes, by operator.
 *
 *   npx tsx bench/profile-step.ts [--preset lite] [--batch 8] [--side 64] [--steps 8] [--threads 0]
 *     [--by type|shape|node] [--ops Mul,Add] [--top 30] [--best] [--forward] [--optimiser adamw]
 *
 * `--by shape` tells the shapes of the first two inputs apart, `--by node` lists single nodes. Times are sums over a step
 * of each node's median over the steps, or of its shortest time with `--best`, which is the one to take on a machine that
 * is busy with other things. `--forward` profiles one pass of the network over a picture instead of a step.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { float32 } from '../src/runtime/engine.ts';
import { onnxRuntime } from '../src/runtime/onnx-runtime.ts';
import type { HostTensors } from '../src/runtime/protocol.ts';
import { OPTIMISER_NAMES } from '../src/train/optimisers/index.ts';
import { median } from './statistics.ts';
import { type Bench, forwardPass, presetOf, residentValues, scalarFeeds, stepOf } from './train-cases.ts';

const ort = await onnxRuntime();

const { values } = parseArgs({
  options: {
    preset: { type: 'string', default: 'lite' },
    batch: { type: 'string', default: '8' },
    side: { type: 'string', default: '64' },
    steps: { type: 'string', default: '8' },
    threads: { type: 'string', default: '0' },
    by: { type: 'string', default: 'type' },
    ops: { type: 'string' },
    top: { type: 'string', default: '30' },
    best: { type: 'boolean', default: false },
    forward: { type: 'boolean', default: false },
    optimiser: { type: 'string', default: 'adamw' },
  },
});
const groupings = ['type', 'shape', 'node'] as const;
const by = groupings.find((name) => name === values.by);
if (!by) throw new Error(`--by: expected one of ${groupings.join(', ')}, received ${values.by}`);
const optimiser = OPTIMISER_NAMES.find((name) => name === values.optimiser);
if (!optimiser)
  throw new Error(`--optimiser: expected one of ${OPTIMISER_NAMES.join(', ')}, received ${values.optimiser}`);
const side = Number(values.side);
const wanted = values.ops?.split(',');

/** One event of the runtime's trace. */
interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

const toRuntime = ({ dtype, data, shape }: HostTensors[string]) =>
  new ort.Tensor(dtype as 'float32', data as Float32Array, [...shape]);

function inputs(bench: Bench): HostTensors {
  if (!('optimiser' in bench)) return bench.feeds;
  const step = bench as ReturnType<typeof stepOf>;
  const vectors = Object.entries(residentValues(step)).map(([name, data]) => [name, float32(data, [data.length])]);
  return { ...step.feeds, ...Object.fromEntries(vectors), ...scalarFeeds(step, 1) };
}

/** The runtime's trace of `steps` runs. The first run, which allocates, is left out. */
async function trace(bench: Bench, steps: number): Promise<TraceEvent[]> {
  const folder = await mkdtemp(join(tmpdir(), 'clearword-profile-'));
  try {
    const session = await ort.InferenceSession.create(bench.model, {
      intraOpNumThreads: Number(values.threads) || availableParallelism(),
      graphOptimizationLevel: 'all',
      logSeverityLevel: 4,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'trace'),
    });
    const known = Object.entries(inputs(bench)).filter(([name]) => session.inputNames.includes(name));
    const feeds = Object.fromEntries(known.map(([name, value]) => [name, toRuntime(value)]));
    for (let i = 0; i <= steps; i++) await session.run(feeds);
    session.endProfiling();
    const [file] = await readdir(folder);
    const events = JSON.parse(await readFile(join(folder, file ?? ''), 'utf8')) as TraceEvent[];
    // A run's own event follows those of its nodes.
    return events.slice(events.findIndex(({ name }) => name === 'model_run') + 1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function keyOf({ name, args }: TraceEvent): string {
  const type = args.op_name ?? '';
  if (by === 'type') return type;
  const shapes = (args.input_type_shape ?? []).slice(0, 2).map((entry) => `[${Object.values(entry)[0] ?? ''}]`);
  const shaped = `${type} ${shapes.join(' ')}`;
  return by === 'shape' ? shaped : `${shaped} ${name.replace(/_kernel_time$/, '')}`;
}

const preset = presetOf(values.preset);
const bench = values.forward ? forwardPass(preset, side, side) : stepOf(preset, Number(values.batch), side, optimiser);
const times = new Map<string, { key: string; ms: number[] }>();
for (const event of await trace(bench, Number(values.steps))) {
  if (event.cat !== 'Node' || !event.name.endsWith('_kernel_time')) continue;
  if (wanted && !wanted.includes(event.args.op_name ?? '')) continue;
  const entry = times.get(event.name) ?? { key: keyOf(event), ms: [] };
  entry.ms.push(event.dur / 1000);
  times.set(event.name, entry);
}
const groups = new Map<string, { ms: number; count: number }>();
for (const { key, ms } of times.values()) {
  const group = groups.get(key) ?? { ms: 0, count: 0 };
  groups.set(key, { ms: group.ms + (values.best ? Math.min(...ms) : median(ms)), count: group.count + 1 });
}
const total = [...groups.values()].reduce((sum, { ms }) => sum + ms, 0);
const rows = [...groups].sort(([, a], [, b]) => b.ms - a.ms).slice(0, Number(values.top));
console.log('     ms   share  nodes');
for (const [key, { ms, count }] of rows) {
  const share = `${((100 * ms) / total).toFixed(1)} %`;
  console.log(`${ms.toFixed(2).padStart(7)} ${share.padStart(7)} ${String(count).padStart(6)}  ${key}`);
}
console.log(`${total.toFixed(1).padStart(7)} ms in all, ${bench.layout.size} parameters`);
