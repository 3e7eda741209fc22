/**
 * One network of `bench/peers.ts` in this program's engine, in a process of its own:
 *
 *   peer-child.ts NETWORK SIDE THREADS FOLDER
 *
 * Answers as bench/pytorch/measure.py does: a line when the network is loaded, then one for each number of runs asked for. Leaves
 * the network as it is before any rewriting, its inputs and its output in the folder, for others to compute the same.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { emitModel } from '../src/graph/onnx/emit.ts';
import { rewritten } from '../src/graph/rewrite.ts';
import { rewriteRules } from '../src/graph/rewrites/index.ts';
import { writeSafetensors } from '../src/models/safetensors.ts';
import { Engine, float32, floats } from '../src/runtime/engine.ts';
import { graphOf, PEER_NETWORKS } from './peer-networks.ts';
import { stored } from './pytorch-process.ts';
import { answerRuns } from './runs-process.ts';

const [name = '', side = '', threads = '', folder = ''] = process.argv.slice(2);
const network = PEER_NETWORKS[name]?.at(Number(side));
if (!network) throw new Error(`expected one of ${Object.keys(PEER_NETWORKS).join(', ')}, received ${name}`);
const engine = new Engine({ threads: Number(threads) });
const { feeds } = network;
const values = network.values();
const session = await engine.load(emitModel(rewritten(graphOf(network), rewriteRules), values));
await answerRuns(
  {},
  () => session.run(feeds),
  async ({ outputs }) => {
    const expected = Float32Array.from(floats(outputs, 'prediction'));
    const all = { ...feeds, expected: float32(expected, [expected.length]) };
    const tensors = new Map(Object.entries(all).map(([key, tensor]) => [key, stored(tensor)] as const));
    await writeFile(join(folder, `${name}.safetensors`), writeSafetensors({ tensors, metadata: {} }));
    await writeFile(join(folder, `${name}.onnx`), emitModel(graphOf(network), values));
  },
);
await engine.close();
