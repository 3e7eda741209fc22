/**
 * What int8 would give and cost on this machine: the bundled network quantised by ONNX Runtime's own tools, beside float32.
 *
 *   npx tsx bench/int8.ts --python .venv/bin/python [--data data] [--pictures 4] [--operators Conv] [--keep-picture-layers]
 *     [--ranges widest|mean] [--rounds 7]
 *
 * The interpreter needs onnxruntime, onnx and NumPy. The middle of pictures of each held-back set is restored with either network,
 * asked for in words; ranges of activations come from as many other pictures of the same sets. A pass over such a middle is timed, in turns. The rest of the program is the same for both: the quantised network
 * takes the other's place in the engine.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { Clearword } from '../src/clearword.ts';
import type { PhotographSet } from '../src/evaluate/experiments/config.ts';
import { promptOf } from '../src/evaluate/experiments/photographs.ts';
import { openSet } from '../src/evaluate/experiments/sets.ts';
import type { EvaluationCase } from '../src/evaluate/sets/pictures.ts';
import { modelSource } from '../src/models/load.ts';
import { LoadedModel } from '../src/models/loaded-model.ts';
import { readModel } from '../src/models/model-file.ts';
import { writeSafetensors } from '../src/models/safetensors.ts';
import { Engine } from '../src/runtime/engine.ts';
import type { HostTensors } from '../src/runtime/protocol.ts';
import { type InferenceEngine, type LoadOptions, Session } from '../src/runtime/session.ts';
import { describeMachine, machine } from './machine.ts';
import { degradedSets, restoredPsnr } from './photograph-sets.ts';
import { stored } from './pytorch-process.ts';
import { median } from './statistics.ts';
import { markdownTable } from './table.ts';
import { passesInTurns } from './turns.ts';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    data: { type: 'string', default: 'data' },
    pictures: { type: 'string', default: '4' },
    operators: { type: 'string', default: 'Conv' },
    'keep-picture-layers': { type: 'boolean', default: false },
    ranges: { type: 'string', default: 'widest' },
    rounds: { type: 'string', default: '7' },
  },
});
const { python, ranges } = values;
if (ranges !== 'widest' && ranges !== 'mean') throw new Error(`--ranges: expected widest or mean, received ${ranges}`);
if (python === undefined) throw new Error('--python: expected an interpreter with onnxruntime and onnx, received none');

/** Side of the middle that is restored of each picture. */
const CENTRE = 256;
const SEED = 2026;

/** An engine whose restoration network can be watched, and replaced by another. */
class WatchedEngine implements InferenceEngine {
  readonly #inner = new Engine();
  readonly recorded: HostTensors[] = [];
  network: Uint8Array | undefined;
  replacement: Session | undefined;

  async load(model: Uint8Array, options?: LoadOptions): Promise<Session> {
    const copy = Uint8Array.from(model);
    const session = await this.#inner.load(model, options);
    return new Session(0, (request) => {
      if (request.kind !== 'run') throw new Error(`expected runs, received ${request.kind}`);
      const { feeds } = request;
      // The only network that is given two pictures.
      if (!('mu' in feeds)) return session.run(feeds) as Promise<never>;
      this.network ??= copy;
      this.recorded.push(feeds);
      return (this.replacement ?? session).run(feeds) as Promise<never>;
    });
  }

  loadPlain(model: Uint8Array): Promise<Session> {
    return this.#inner.load(model);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

const engine = new WatchedEngine();
const clearword = new Clearword(new LoadedModel(await readModel(modelSource()), engine, 'the bundled model'));

const sets = await degradedSets();

/** The pictures that are scored, or as many others of the same set. */
async function casesOf({ set }: PhotographSet, which: 'scored' | 'others'): Promise<readonly EvaluationCase[]> {
  const count = Number(values.pictures);
  const { cases } = await openSet({ ...set, limit: 2 * count, centre: CENTRE }, values.data, SEED);
  return which === 'scored' ? cases.slice(0, count) : cases.slice(count);
}

/** Mean PSNR in dB. */
async function score(set: PhotographSet, which: 'scored' | 'others'): Promise<{ mean: number; count: number }> {
  const cases = await casesOf(set, which);
  const scores: number[] = [];
  for (const { load } of cases) {
    const pair = await load();
    // A network is emitted, and so quantised, for one size: smaller pictures are left out.
    if (pair.input.width !== CENTRE || pair.input.height !== CENTRE) continue;
    scores.push(await restoredPsnr(clearword, pair, { prompt: promptOf(set), seed: SEED }));
  }
  return { mean: scores.reduce((sum, value) => sum + value, 0) / scores.length, count: scores.length };
}

const folder = await mkdtemp(join(tmpdir(), 'clearword-int8-'));
try {
  const before: number[] = [];
  for (const set of sets) before.push((await score(set, 'scored')).mean);
  engine.recorded.length = 0;
  for (const set of sets) await score(set, 'others');
  const { network, recorded } = engine;
  const [first] = recorded;
  if (!network || !first) throw new Error('expected pictures to restore, found none');

  const [model, quantised] = [join(folder, 'model.onnx'), join(folder, 'int8.onnx')];
  await writeFile(model, network);
  const files: string[] = [];
  for (const [i, feeds] of recorded.entries()) {
    const file = join(folder, `feeds-${i}.safetensors`);
    const tensors = new Map(Object.entries(feeds).map(([name, tensor]) => [name, stored(tensor)] as const));
    await writeFile(file, writeSafetensors({ tensors, metadata: {} }));
    files.push(file);
  }
  const script = fileURLToPath(new URL('int8/quantise.py', import.meta.url));
  const keep = values['keep-picture-layers'] ? 'yes' : 'no';
  const choices = [values.operators, keep, ranges];
  const { stdout } = await promisify(execFile)(python, [script, model, quantised, ...choices, ...files]);
  console.error(stdout.trim());

  const int8 = await engine.loadPlain(await readFile(quantised));
  engine.replacement = int8;
  const rows: string[][] = [];
  for (const [i, set] of sets.entries()) {
    const float = before[i] as number;
    const { mean: integer, count } = await score(set, 'scored');
    rows.push([set.set.name, String(count), float.toFixed(2), integer.toFixed(2), (integer - float).toFixed(2)]);
  }

  const contenders = [await engine.loadPlain(network), int8].map((session) => ({ session, feeds: first }));
  const times = await passesInTurns(contenders, Number(values.rounds));
  const [float = Number.NaN, integer = Number.NaN] = times.map(median);
  console.log(
    `${describeMachine(machine())}; ${values.operators}, ranges: ${ranges}, picture layers in float32: ${keep}\n`,
  );
  console.log(markdownTable(['PSNR in dB, asked for', 'Pictures', 'float32', 'int8', 'Difference'], rows));
  const seconds = (ms: number) => (ms / 1000 / (CENTRE ** 2 / 1e6)).toFixed(2);
  console.log(
    `\nSeconds a megapixel: float32 ${seconds(float)}, int8 ${seconds(integer)}, ${(float / integer).toFixed(2)} times as fast`,
  );
} finally {
  await clearword.dispose();
  await rm(folder, { recursive: true, force: true });
}
