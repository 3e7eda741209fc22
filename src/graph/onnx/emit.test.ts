import { describe, expect, it } from 'vitest';
import { emittedGraph } from '../../../test/support/emitted-graph.ts';
import { graphRunner, hostTensor } from '../../../test/support/graph-run.ts';
import * as f from '../functions.ts';
import { Graph } from '../graph.ts';
import type { Shape } from '../tensor.ts';
import { emitModel } from './emit.ts';

const run = graphRunner();
const invalid = (message: string) => expect.objectContaining({ code: 'GRAPH_INVALID', message });

const emitted = (graph: Graph, parameters?: ReadonlyMap<string, Float32Array>) =>
  emittedGraph(emitModel(graph, parameters));

describe('the emitted model', () => {
  it('has only what its outputs need', () => {
    const graph = new Graph((g, spec) => g.placeholder(spec.name, spec.shape, 'float32'));
    const [x, unused] = [graph.input('x', [2]), graph.input('unused', [2])];
    f.mul(f.exp(unused), graph.constant(Float32Array.of(3, 4), [2], 'float32'));
    f.neg(graph.parameter('dead', [2], { kind: 'zeros' }));
    graph.output('y', f.sin(x));
    // The parameter without use needs no value either.
    const model = emitted(graph);
    expect(model.node.map(({ opType }) => opType)).toEqual(['Sin']);
    expect(model.input.map(({ name }) => name)).toEqual(['x']);
    expect(model.initializer).toEqual([]);
  });

  it('stores equal small constants once, and tells types and shapes apart', () => {
    const graph = new Graph();
    const constant = (shape: Shape, ...values: number[]) => graph.constant(Float32Array.from(values), shape, 'float32');
    expect(constant([2], 1, 2)).toBe(constant([2], 1, 2));
    expect(constant([2], 1, 2)).not.toBe(constant([1, 2], 1, 2));
    expect(constant([2], 1, 2)).not.toBe(constant([2], 1, 3));
    expect(constant([1], 1)).not.toBe(graph.constant(BigInt64Array.of(1n), [1], 'int64'));
    const x = graph.input('x', [2]);
    const there = () => f.neg(f.reshape(x, [1, 2]));
    graph.output('y', f.mul(f.add(f.mul(x, 2), 2), f.reshape(there(), [2])));
    graph.output('z', f.reshape(there(), [2]));
    // The factor 2, and the two shapes of the four reshapes.
    expect(emitted(graph).initializer.length).toBe(3);
  });

  it('gives results their names, whatever they are', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const y = f.neg(x);
    graph.output('negative', y);
    graph.output('again', y);
    graph.output('same', x);
    graph.output('fixed', graph.constant(Float32Array.of(7, 8), [2], 'float32'));
    // The first name's tensor is still of use inside.
    graph.output('positive', f.neg(y));
    const model = emitted(graph);
    expect(model.output.map(({ name }) => name)).toEqual(['negative', 'again', 'same', 'fixed', 'positive']);
    expect(model.node.filter(({ opType }) => opType === 'Identity').map(({ output }) => output[0])).toEqual([
      'again',
      'same',
      'fixed',
    ]);
    const results = await run(graph, { x: hostTensor([1, -2], [2]) });
    const values = Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...data]]));
    expect(values).toEqual({ negative: [-1, 2], again: [-1, 2], same: [1, -2], fixed: [7, 8], positive: [1, -2] });
  });

  it('takes parameters as initialisers and says which one has no value', async () => {
    const graph = new Graph();
    const weight = graph.scope('layer', () => graph.parameter('weight', [2], { kind: 'ones' }));
    graph.output('y', f.mul(graph.input('x', [2]), weight));
    graph.output('weight', weight);
    expect(() => emitModel(graph)).toThrow(invalid('parameter layer.weight: expected 2 values, received none'));
    expect(() => emitModel(graph, new Map([['layer.weight', Float32Array.of(1, 2, 3)]]))).toThrow(
      invalid('parameter layer.weight: expected 2 values, received 3'),
    );
    const results = await run(
      graph,
      { x: hostTensor([2, 3], [2]) },
      new Map([['layer.weight', Float32Array.of(5, 7)]]),
    );
    expect([...(results.y?.data ?? [])]).toEqual([10, 21]);
    expect([...(results.weight?.data ?? [])]).toEqual([5, 7]);
  });

  it('needs an output', () => {
    const graph = new Graph();
    f.neg(graph.input('x', [2]));
    expect(() => emitModel(graph)).toThrow(invalid('model expected at least one output, received none'));
  });

  it('carries constants of every element type', async () => {
    const graph = new Graph();
    const halves = graph.constant(Uint16Array.of(0x3c00, 0xc100), [2], 'float16');
    graph.output('float16', f.cast(halves, 'float32'));
    graph.output('int64', graph.constant(BigInt64Array.of(-3n, 2n ** 40n), [2], 'int64'));
    graph.output('int32', graph.constant(Int32Array.of(-3, 70000), [2], 'int32'));
    graph.output('uint8', graph.constant(Uint8Array.of(0, 255), [2], 'uint8'));
    graph.output('bool', graph.constant(Uint8Array.of(1, 0), [2], 'bool'));
    // Scalars are made by a cast where the type has none of its own.
    graph.output('scalar', graph.scalar(3, 'int32'));
    const results = await run(graph);
    const values = Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...data]]));
    expect(values).toEqual({
      float16: [1, -2.5],
      int64: [-3, 2 ** 40],
      int32: [-3, 70000],
      uint8: [0, 255],
      bool: [1, 0],
      scalar: [3],
    });
    expect(Object.entries(results).map(([name, { dtype }]) => [name, dtype])).toEqual([
      ['float16', 'float32'],
      ['int64', 'int64'],
      ['int32', 'int32'],
      ['uint8', 'uint8'],
      ['bool', 'bool'],
      ['scalar', 'int32'],
    ]);
  });
});
