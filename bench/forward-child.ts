/**
 * Our side of `bench/forward.ts`, in a process of its own so that its memory is its own:
 *
 *   forward-child.ts PRESET SIDE THREADS OUTPUT_FILE
 *
 * Answers as bench/pytorch/measure.py does: a line when the network is loaded, then one for each number of runs asked for.
 * The first pass writes its output to the file.
 */
import { writeFile } from 'node:fs/promises';
import { layoutOf } from '../src/graph/parameters.ts';
import { predictionGraph } from '../src/models/networks.ts';
import { Sessions } from '../src/models/sessions.ts';
import { Engine, floats } from '../src/runtime/engine.ts';
import { answerRuns } from './runs-process.ts';
import { forwardInputs, networkValues, presetOf } from './train-cases.ts';

const [name = '', side = '', threads = '', output = ''] = process.argv.slice(2);
const preset = presetOf(name);
const pixels = Number(side);
const engine = new Engine({ threads: Number(threads) });
const feeds = forwardInputs(preset, pixels, pixels);
// As a large model does it: the weights are read for each session, and kept by it alone.
const values = async () => networkValues(preset, pixels, pixels).values;
const session = await new Sessions(engine, values).get('predict', (graph) =>
  predictionGraph(graph, preset, pixels, pixels),
);
const { size } = layoutOf((graph) => predictionGraph(graph, preset, pixels, pixels));
await answerRuns(
  { parameters: size },
  () => session.run(feeds),
  ({ outputs }) => writeFile(output, floats(outputs, 'prediction')),
);
await engine.close();
