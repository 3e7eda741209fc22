import { describe, expect, it } from 'vitest';
import { graphRunner, hostTensor } from '../../test/support/graph-run.ts';
import * as f from './functions.ts';
import { gradients } from './gradient.ts';
import { Graph } from './graph.ts';
import { flatProvider, flatten, layoutOf, unflatten } from './parameters.ts';
import type { Tensor } from './tensor.ts';

const run = graphRunner();

/** y = x W^T + b, and a parameter that the result does not use. */
function network(graph: Graph, x: Tensor): Tensor {
  return graph.scope('layer', () => {
    const weight = graph.parameter('weight', [2, 3], { kind: 'uniform', bound: 0.5 });
    const bias = graph.parameter('bias', [2], { kind: 'zeros' });
    graph.parameter('idle', [4], { kind: 'ones' });
    // Asked for again, it is the same parameter and has one place in the layout.
    graph.parameter('weight', [2, 3], { kind: 'uniform', bound: 0.5 });
    return f.add(f.matMul(x, f.transpose(weight, [1, 0])), bias);
  });
}

const layout = layoutOf((graph) => network(graph, graph.input('x', [1, 3])));
const values = new Map([
  ['layer.weight', Float32Array.of(1, 2, 3, 4, 5, 6)],
  ['layer.bias', Float32Array.of(10, 20)],
  ['layer.idle', Float32Array.of(7, 7, 7, 7)],
]);

describe('the layout', () => {
  it('puts parameters one after the other, in the order of their first use', () => {
    expect(layout.entries.map(({ name, shape, offset, size }) => ({ name, shape, offset, size }))).toEqual([
      { name: 'layer.weight', shape: [2, 3], offset: 0, size: 6 },
      { name: 'layer.bias', shape: [2], offset: 6, size: 2 },
      { name: 'layer.idle', shape: [4], offset: 8, size: 4 },
    ]);
    expect(layout.size).toBe(12);
    expect(layout.entries[0]?.initialiser).toEqual({ kind: 'uniform', bound: 0.5 });
  });

  it('of a graph without parameters is empty', () => {
    expect(layoutOf((graph) => graph.input('x', [1]))).toEqual({ entries: [], size: 0 });
  });
});

describe('the flat vector', () => {
  it('and named values turn into each other', () => {
    const flat = flatten(layout, values);
    expect([...flat]).toEqual([1, 2, 3, 4, 5, 6, 10, 20, 7, 7, 7, 7]);
    expect(unflatten(layout, flat)).toEqual(values);
  });

  it('is what the named values are views of', () => {
    const flat = flatten(layout, values);
    unflatten(layout, flat).get('layer.bias')?.fill(0);
    expect([...flat.subarray(5, 9)]).toEqual([6, 0, 0, 7]);
  });

  it('takes every parameter, in its own size', () => {
    const without = new Map([...values].filter(([name]) => name !== 'layer.bias'));
    expect(() => flatten(layout, without)).toThrow('parameter layer.bias: expected 2 values, received none');
    const longer = new Map(values).set('layer.bias', new Float32Array(3));
    expect(() => flatten(layout, longer)).toThrow('parameter layer.bias: expected 2 values, received 3');
  });

  it('is cut up inside a graph: same result, and one gradient for all parameters', async () => {
    const graph = new Graph();
    const flat = graph.input('parameters', [layout.size]);
    graph.provideParameters(flatProvider(layout, flat));
    const y = network(graph, graph.input('x', [1, 3]));
    graph.output('y', y);
    graph.output('gradient', gradients(f.reduceSum(y), [flat])[0] as Tensor);
    const feeds = { x: hostTensor([1, 10, 100], [1, 3]), parameters: hostTensor(flatten(layout, values), [12]) };
    const results = await run(graph, feeds);
    expect([...(results.y?.data ?? [])]).toEqual([321 + 10, 654 + 20]);
    // An unused parameter has a gradient of zero in its place.
    expect([...(results.gradient?.data ?? [])]).toEqual([1, 10, 100, 1, 10, 100, 1, 1, 0, 0, 0, 0]);
  });

  it('refuses a parameter that its layout does not know', () => {
    const graph = new Graph();
    graph.provideParameters(flatProvider(layout, graph.input('parameters', [layout.size])));
    const declare = () => graph.scope('other', () => graph.parameter('weight', [2], { kind: 'zeros' }));
    expect(declare).toThrow('parameter other.weight is not in the layout');
  });
});
