/**
 * The bundled network beside plain networks of known sizes in the same runtime, beside the same network in PyTorch and OpenVINO,
 * and as a share of the fastest that the machine was seen to compute: the first table of docs/performance.md.
 *
 *   npm run bench:peers -- [--side 512] [--rounds 5] [--threads 0] [--pytorch PYTHON] [--openvino PYTHON]
 *     [--precisions float32,bfloat16] [--json]
 *
 * Every contender is a process of its own. They take turns, one pass each, so that whatever else the machine does meets all of
 * them, and those that compute the same network have to agree with the first before they are measured. `--pytorch` and
 * `--openvino` name interpreters that can import them; without them these rows are left out. bfloat16 takes long on processors that
 * do not compute with it. The last column is the share of the highest rate that any of them reached in this run, dense
 * convolutions and a product of two large matrices among them.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { countGraph } from '../src/graph/count.ts';
import { loadFloats, readSafetensors } from '../src/models/safetensors.ts';
import { float32 } from '../src/runtime/session.ts';
import { describeMachine, machine } from './machine.ts';
import { graphOf, PEER_NETWORKS } from './peer-networks.ts';
import { PyTorch } from './pytorch-process.ts';
import { type Runs, RunsProcess } from './runs-process.ts';
import { median, quantile } from './statistics.ts';
import { markdownTable } from './table.ts';
import { forwardInputs, networkValues, presetOf } from './train-cases.ts';

const { values } = parseArgs({
  options: {
    side: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '0' },
    pytorch: { type: 'string' },
    openvino: { type: 'string' },
    precisions: { type: 'string', default: 'float32' },
    json: { type: 'boolean', default: false },
  },
});
const [side, rounds] = [Number(values.side), Number(values.rounds)];
const threads = Number(values.threads) || availableParallelism();
/** Largest difference between outputs, which are of the order of 1: rounding, and that of half the digits. */
const AGREEMENT = { float32: 1e-3, bfloat16: 0.2 } as const;
type Precision = keyof typeof AGREEMENT;

interface Contender {
  readonly title: string;
  /** Of {@link PEER_NETWORKS}. */
  readonly network: string;
  start(folder: string): Promise<Process>;
}

type Process = RunsProcess<unknown>;

/** Fails where the output is another than that of the first contender. */
async function agreeing(process: Process, title: string, precision: Precision): Promise<Process> {
  const { difference = Number.NaN } = await process.run(1);
  console.error(`${title}: largest difference of the output ${difference.toExponential(1)}`);
  if (difference <= AGREEMENT[precision]) return process;
  process.close();
  throw new Error(`${title}: expected the same output, received a difference of ${difference}`);
}

function ours(network: string): Contender {
  const script = fileURLToPath(new URL('peer-child.ts', import.meta.url));
  const { title } = PEER_NETWORKS[network] ?? { title: network };
  return {
    title: `Clearword: ${title}`,
    network,
    start: async (folder) => {
      const given = ['--import', import.meta.resolve('tsx'), script, network, String(side), String(threads), folder];
      const process_ = await RunsProcess.start(title, process.execPath, given);
      await process_.run(1);
      return process_;
    },
  };
}

function pytorch(python: string, precision: Precision, compile: boolean): Contender {
  const title = `PyTorch: \`lite\`, ${precision}${compile ? ', compiled' : ''}`;
  return {
    title,
    network: 'lite',
    start: async (folder) => {
      const preset = presetOf('lite');
      const { layout, parameters } = networkValues(preset, side, side);
      const bench = { preset, batch: 1, height: side, width: side, layout, parameters, model: new Uint8Array() };
      const feeds = forwardInputs(preset, side, side);
      const expected = float32(await expectedOf(folder), [1, 3, side, side]);
      const options = [...(compile ? ['compile' as const] : []), ...(precision === 'bfloat16' ? [precision] : [])];
      const running = await PyTorch.start(python, { ...bench, feeds }, { threads, clock: 'wall', expected, options });
      console.error(`PyTorch ${running.loaded.versions.torch}`);
      return agreeing(running, title, precision);
    },
  };
}

function openvino(python: string, precision: Precision): Contender {
  const title = `OpenVINO: \`lite\`, ${precision}`;
  const script = fileURLToPath(new URL('openvino/measure.py', import.meta.url));
  return {
    title,
    network: 'lite',
    start: async (folder) => {
      const files = ['lite.onnx', 'lite.safetensors'].map((name) => join(folder, name));
      return agreeing(
        await RunsProcess.start(title, python, [script, ...files, String(threads), precision]),
        title,
        precision,
      );
    },
  };
}

/** What the first contender computed. */
async function expectedOf(folder: string): Promise<Float32Array<ArrayBuffer>> {
  const { tensors } = readSafetensors(await readFile(join(folder, 'lite.safetensors')), 'lite.safetensors');
  const expected = tensors.get('expected');
  if (!expected) throw new Error('lite.safetensors: expected a tensor named expected, received none');
  return loadFloats(expected);
}

const PRECISIONS = (['float32', 'bfloat16'] as const).filter((name) => values.precisions.split(',').includes(name));
const all: Contender[] = [
  // The first: others are held to its output.
  ours('lite'),
  ...Object.keys(PEER_NETWORKS)
    .filter((name) => name !== 'lite')
    .map(ours),
];
const { pytorch: torch, openvino: vino } = values;
if (torch) for (const precision of PRECISIONS) for (const c of [false, true]) all.push(pytorch(torch, precision, c));
if (vino) for (const precision of PRECISIONS) all.push(openvino(vino, precision));

interface Row {
  readonly title: string;
  /** 1e9 multiplications and additions of a pass. */
  readonly operations: number;
  readonly ms: readonly number[];
  /** MiB. */
  readonly memory: number;
}

const folder = await mkdtemp(join(tmpdir(), 'clearword-peers-'));
const running: { readonly contender: Contender; readonly process: Process; readonly runs: Runs[] }[] = [];
try {
  for (const contender of all) {
    try {
      running.push({ contender, process: await contender.start(folder), runs: [] });
    } catch (error) {
      // One that does not run here is no reason to measure none of the others.
      console.error(`${contender.title}: left out: ${error instanceof Error ? error.message : error}`);
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const { process, runs } of running) runs.push(await process.run(1));
    console.error(`round ${round + 1} of ${rounds}`);
  }
  const rows = running.map(({ contender: { title, network }, runs }): Row => {
    const built = PEER_NETWORKS[network]?.at(side);
    const operations = built ? (2 * countGraph(graphOf(built)).macs) / 1e9 : Number.NaN;
    const memory = Math.max(...runs.map(({ memory }) => memory ?? Number.NaN));
    return { title, operations, ms: runs.flatMap(({ ms }) => ms), memory };
  });
  if (values.json) console.log(JSON.stringify({ machine: machine(), side, threads, rows }, null, 2));
  else print(rows);
} finally {
  for (const { process } of running) process.close();
  await rm(folder, { recursive: true, force: true });
}

function print(rows: readonly Row[]): void {
  const rate = ({ operations, ms }: Row) => operations / (median(ms) / 1000);
  const isProduct = ({ title }: Row) => title.includes('product with');
  // The most that was seen: what other programs take away is no limit of the machine. Dense convolutions of many channels are
  // faster than a product of matrices on some processors.
  const peak = Math.max(...rows.map(({ operations, ms }) => operations / (Math.min(...ms) / 1000)));
  const megapixels = side ** 2 / 1e6;
  const cells = (row: Row): string[] => {
    const seconds = (ms: number) => (ms / 1000 / megapixels).toFixed(2);
    const { ms, operations, memory } = row;
    const each = isProduct(row)
      ? ['-', '-']
      : [
          `${seconds(median(ms))} (${seconds(quantile(ms, 0.25))}..${seconds(quantile(ms, 0.75))})`,
          (operations / megapixels).toFixed(0),
        ];
    return [row.title, ...each, rate(row).toFixed(0), `${((100 * rate(row)) / peak).toFixed(0)} %`, memory.toFixed(0)];
  };
  console.log(`${describeMachine(machine())}; ${threads} threads; ${side} x ${side}\n`);
  const header = [
    '',
    'Seconds a megapixel: median (quartiles)',
    'GFLOP a megapixel',
    'GFLOP/s',
    'Of the fastest',
    'Memory, MiB',
  ];
  console.log(markdownTable(header, rows.map(cells)));
}
