/** That nothing of a picture has a size that is known before the run, and that results are the same. */
import { describe, expect, it } from 'vitest';
import { emittedGraph } from '../../../test/support/emitted-graph.ts';
import { graphRunner, hostTensor } from '../../../test/support/graph-run.ts';
import { predictionGraph } from '../../models/networks.ts';
import { presets } from '../../models/presets.ts';
import * as f from '../functions.ts';
import { Graph } from '../graph.ts';
import { sizeOf } from '../tensor.ts';
import { emitModel } from './emit.ts';

const run = graphRunner();

/** A picture through reshapes there and back, with a weight that is reshaped, too. */
function example(): Graph {
  const graph = new Graph();
  const x = graph.input('x', [1, 2, 4, 6]);
  const weight = graph.parameter('weight', [2, 1, 1, 2], { kind: 'zeros' });
  const rows = f.transpose(f.reshape(x, [1, 2, 24]), [0, 2, 1]);
  const product = f.matMul(rows, f.reshape(weight, [2, 2]));
  graph.output('y', f.reshape(f.transpose(product, [0, 2, 1]), [1, 2, 4, 6]));
  return graph;
}
const WEIGHTS = new Map([['weight', Float32Array.of(1, 2, -3, 0.5)]]);

describe('hidden sizes', () => {
  it('leave no Reshape of a picture with a shape that is known, and those of parameters with one', () => {
    const { node, initializer, input } = emittedGraph(emitModel(example(), WEIGHTS, { hideSizes: true }));
    const constants = new Set(initializer.map(({ name }) => name));
    const reshapes = node.filter(({ opType }) => opType === 'Reshape');
    const known = reshapes.filter(({ input: [, target = ''] }) => constants.has(target));
    expect(reshapes.length).toBe(3);
    expect(known.map(({ input: [values = ''] }) => constants.has(values))).toEqual([true]);
    expect(input[0]?.type.tensorType.shape.dim.slice(2)).toEqual([{ dimParam: 'height' }, { dimParam: 'width' }]);
  });

  it('change no model that sees no picture', () => {
    const graph = new Graph();
    graph.output('y', f.reshape(graph.input('x', [2, 3]), [6]));
    expect(emitModel(graph, new Map(), { hideSizes: true })).toEqual(emitModel(graph));
  });

  it('give the same results', async () => {
    const feeds = {
      x: hostTensor(
        Array.from({ length: 48 }, (_, i) => Math.sin(i)),
        [1, 2, 4, 6],
      ),
    };
    const plain = await run(example(), feeds, WEIGHTS);
    const hidden = await run(example(), feeds, WEIGHTS, { hideSizes: true });
    expect(hidden).toEqual(plain);
  });

  it.each(['lite', 'paper'])('are those of every reshaped picture in the network of preset %s', (name) => {
    const preset = presets[name];
    if (!preset) throw new Error(`expected the preset ${name}`);
    const graph = new Graph();
    predictionGraph(graph, preset, 64, 64);
    const values = new Map(
      [...graph.parameters.values()].map(({ name: parameter, shape }) => [parameter, new Float32Array(sizeOf(shape))]),
    );
    const { node, initializer } = emittedGraph(emitModel(graph, values, { hideSizes: true }));
    const constants = new Set(initializer.map(({ name: constant }) => constant));
    const spatial = new Set(['x', 'mu']);
    for (const { opType, input, output } of node) {
      if (!input.some((value) => spatial.has(value))) continue;
      for (const value of output) spatial.add(value);
      if (opType === 'Reshape' && spatial.has(input[0] ?? '')) expect(constants.has(input[1] ?? '')).toBe(false);
    }
    expect(spatial.size).toBeGreaterThan(100);
  });
});
