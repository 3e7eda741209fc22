/**
 * What the designs of an experiment cost: the network of each run, as its `train.network` changes the preset.
 *
 *   npx tsx bench/designs.ts [configs/experiments/pilots.json] [--side 512] [--rounds 5] [--threads 0]
 *
 * One pass over side x side pixels with random weights; the networks take turns, and the fastest pass of each counts.
 */
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { parseExperiment, readJson } from '../src/evaluate/experiments/config.ts';
import { trainingOf } from '../src/evaluate/experiments/training.ts';
import { countGraph } from '../src/graph/count.ts';
import { emitModel } from '../src/graph/onnx/emit.ts';
import { rewritten } from '../src/graph/rewrite.ts';
import { rewriteRules } from '../src/graph/rewrites/index.ts';
import { isPlainPreset } from '../src/models/plain/presets.ts';
import { Engine } from '../src/runtime/engine.ts';
import { graphOptions } from '../src/train/start.ts';
import { describeMachine, machine } from './machine.ts';
import { graphOf, presetPeer } from './peer-networks.ts';
import { markdownTable } from './table.ts';
import { passesInTurns } from './turns.ts';

const { values, positionals } = parseArgs({
  options: {
    side: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '0' },
  },
  allowPositionals: true,
});
const file = positionals[0] ?? 'configs/experiments/pilots.json';
const experiment = parseExperiment(await readJson(file), file);
if (experiment.kind !== 'comparison' || !experiment.training) {
  throw new Error(`${file}: expected an experiment whose runs train, received one of kind ${experiment.kind}`);
}
const { training } = experiment;
const side = Number(values.side);
const megapixels = side ** 2 / 1e6;

const engine = new Engine({ threads: Number(values.threads) });
const designs = [];
for (const run of experiment.runs) {
  const { name } = run;
  const { preset } = graphOptions(await trainingOf(run, training, dirname(file)));
  if (isPlainPreset(preset)) throw new Error(`${name}: expected a network with prompts, received ${preset.name}`);
  // Runs that only train otherwise cost what the first one costs.
  if (designs.length > 0 && run.train?.network === undefined) continue;
  const network = presetPeer(preset, side);
  const { parameters, macs } = countGraph(graphOf(network));
  const session = await engine.load(emitModel(rewritten(graphOf(network), rewriteRules), network.values()));
  designs.push({ name, parameters, macs, session, feeds: network.feeds });
}
const times = await passesInTurns(designs, Number(values.rounds));
await engine.close();

const rows = designs.map(({ name, parameters, macs }, i) => {
  const best = Math.min(...(times[i] ?? []));
  return [
    name,
    (parameters / 1e6).toFixed(2),
    ((2 * macs) / 1e9 / megapixels).toFixed(0),
    (best / 1000 / megapixels).toFixed(2),
    ((2 * macs) / 1e6 / best).toFixed(0),
  ];
});
console.log(`${describeMachine(machine())}; ${side} x ${side} pixels\n`);
console.log(
  markdownTable(['Network', 'Parameters, million', 'GFLOP a megapixel', 'Seconds a megapixel', 'GFLOP/s'], rows),
);
