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
import { createInterface } from 'node:readline';
import { emitModel } from '../src/graph/onnx/emit.ts';
import { rewritten } from '../src/graph/rewrite.ts';
import { rewriteRules } from '../src/graph/rewrites/index.ts';
import { writeSafetensors } from '../src/models/safetensors.ts';
import { Engine, float32, floats } from '../src/runtime/engine.ts';
import { forgetPeak, peakMemory } from './memory.ts';
import { graphOf, PEER_NETWORKS } from './peer-networks.ts';
import { stored } from './pytorch-process.ts';

const [name = '', side = '', threads = '', folder = ''] = process.argv.slice(2);
const network = PEER_NETWORKS[name]?.(Number(side));
if (!network) throw new Error(`expected one of ${Object.keys(PEER_NETWORKS).join(', ')}, received ${name}`);
const engine = new Engine({ threads: Number(threads) });
const { values, feeds } = network;
const session = await engine.load(emitModel(rewritten(graphOf(network), rewriteRules), values));
const answer = (value: object) => console.log(JSON.stringify(value));
answer({ memory: peakMemory() });

let written = false;
for await (const line of createInterface({ input: process.stdin })) {
  forgetPeak();
  const ms: number[] = [];
  for (let i = 0; i < Number(line); i++) {
    const start = performance.now();
    const { outputs } = await session.run(feeds);
    ms.push(performance.now() - start);
    if (written) continue;
    const expected = floats(outputs, 'prediction');
    const tensors = new Map(
      Object.entries({ ...feeds, expected: float32(Float32Array.from(expected), [expected.length]) }).map(
        ([key, tensor]) => [key, stored(tensor)] as const,
      ),
    );
    await writeFile(join(folder, `${name}.safetensors`), writeSafetensors({ tensors, metadata: {} }));
    await writeFile(join(folder, `${name}.onnx`), emitModel(graphOf(network), values));
    written = true;
  }
  answer({ ms, memory: peakMemory() });
}
await engine.close();
