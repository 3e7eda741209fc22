import { describe, expect, it } from 'vitest';
import { filled } from '../../test/support/gradient-check.ts';
import { graphRunner, hostTensor } from '../../test/support/graph-run.ts';
import * as f from './functions.ts';
import { Graph } from './graph.ts';
import { type RewriteRule, rewritten } from './rewrite.ts';
import { joinedConvolution } from './rewrites/joined-convolution.ts';
import { upsampledConvolution } from './rewrites/upsampled-convolution.ts';
import { sizeOf, type Tensor } from './tensor.ts';

const run = graphRunner();
/** Relative to the largest value: sums of a few hundred products in another order. */
const TOLERANCE = 1e-5;

/** Largest difference between what a graph gives as it is and rewritten, relative to its largest value. */
async function difference(graph: Graph, rules: readonly RewriteRule[]): Promise<number> {
  const inputs = graph.inputs.map(({ name, shape }, i) => [
    name,
    hostTensor(filled([...shape], -1, 1, 0.1 * i).data, shape),
  ]);
  const parameters = new Map(
    [...graph.parameters.values()].map(({ name, shape }, i) => [
      name,
      Float32Array.from(filled([...shape], -1, 1, 0.07 * i + 0.03).data),
    ]),
  );
  const feeds = Object.fromEntries(inputs);
  const [before, after] = [await run(graph, feeds, parameters), await run(rewritten(graph, rules), feeds, parameters)];
  expect(Object.keys(after)).toEqual(Object.keys(before));
  let [largest, most] = [0, 0];
  for (const [name, { shape, data }] of Object.entries(before)) {
    expect(after[name]?.shape).toEqual(shape);
    data.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(value));
      most = Math.max(most, Math.abs(value - (after[name]?.data[i] ?? Number.NaN)));
    });
  }
  return most / largest;
}

/** The operators that the outputs of a graph depend on, each with its number. */
function operators(graph: Graph): Record<string, number> {
  const needed = new Set<Tensor>(graph.outputs.values());
  const counts: Record<string, number> = {};
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    counts[node.op] = (counts[node.op] ?? 0) + 1;
    for (const input of node.inputs) needed.add(input);
  }
  return counts;
}

const parameter = (graph: Graph, name: string, shape: readonly number[]) =>
  graph.parameter(name, shape, { kind: 'zeros' });

describe('rewritten', () => {
  it('without rules: the same nodes, inputs, outputs, constants and parameters', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2, 6]);
    const [a, b] = f.split(x, 1, [2, 4]) as [Tensor, Tensor];
    graph.scope('inner', () => {
      graph.output('a', f.mul(a, parameter(graph, 'weight', [2, 2])));
      graph.output('b', f.add(f.gelu(b), 0.5));
    });
    graph.output('same', x);
    const copy = rewritten(graph, []);
    expect(copy.nodes.map(({ op, path, attributes }) => ({ op, path, attributes }))).toEqual(
      graph.nodes.map(({ op, path, attributes }) => ({ op, path, attributes })),
    );
    expect([...copy.parameters.keys()]).toEqual(['inner.weight']);
    expect(await difference(graph, [])).toBe(0);
  });

  it('puts what the first rule makes where the node was', async () => {
    const graph = new Graph();
    const x = graph.input('x', [3]);
    graph.output('y', f.exp(f.square(x)));
    const doubled: RewriteRule = (node, { written }) =>
      node.op === 'exp' ? f.square(f.exp(f.mul(written(node.inputs[0] as Tensor), 0.5))) : undefined;
    const never: RewriteRule = () => {
      throw new Error('the second rule is not asked where the first has answered');
    };
    expect(await difference(graph, [doubled])).toBeLessThan(TOLERANCE);
    expect(() =>
      rewritten(graph, [(node, all) => doubled(node, all) ?? all.written(node.inputs[0] as Tensor), never]),
    ).not.toThrow();
  });
});

describe('a convolution over joined maps', () => {
  const build = (kernel: number, { channels = [16, 32, 16], group = 1, bias = true, axis = 1 } = {}) => {
    const graph = new Graph();
    const maps = channels.map((c, i) => graph.input(`x${i}`, [2, c, 5, 6]));
    const x = f.concat(maps, axis);
    const weight = parameter(graph, 'weight', [8, (x.shape[1] as number) / group, kernel, kernel]);
    const padding = (kernel - 1) / 2;
    return { graph, y: f.conv(x, weight, bias ? parameter(graph, 'bias', [8]) : undefined, { padding, group }) };
  };

  it.each([
    [3, true],
    [1, false],
  ])('of side %i is a sum over the maps', async (kernel, bias) => {
    const { graph, y } = build(kernel, { bias });
    graph.output('y', f.silu(y));
    expect(operators(rewritten(graph, [joinedConvolution]))).toEqual({ conv: 3, slice: 3, add: 2, silu: 1 });
    expect(await difference(graph, [joinedConvolution])).toBeLessThan(TOLERANCE);
  });

  it.each(['left', 'right'])('added on the %s to another map takes it up first', async (side) => {
    const { graph, y } = build(3);
    const other = f.silu(graph.input('other', [2, 8, 5, 6]));
    graph.output('y', side === 'left' ? f.add(y, other) : f.add(other, y));
    const after = rewritten(graph, [joinedConvolution]);
    expect(await difference(graph, [joinedConvolution])).toBeLessThan(TOLERANCE);
    const sums = after.nodes.filter(({ op }) => op === 'add').slice(-3);
    expect(after.producers.get(sums[0]?.inputs[0] as Tensor)?.op).toBe('silu');
    for (const sum of sums) expect(after.producers.get(sum.inputs[1] as Tensor)?.op).toBe('conv');
  });

  it('that others read, too, is computed once', async () => {
    const { graph, y } = build(3);
    graph.output('sum', f.add(y, graph.input('other', [2, 8, 5, 6])));
    graph.output('y', f.relu(y));
    expect(operators(rewritten(graph, [joinedConvolution]))).toMatchObject({ conv: 3 });
    expect(await difference(graph, [joinedConvolution])).toBeLessThan(TOLERANCE);
  });

  it.each([
    ['in groups', { channels: [16, 16], group: 2 }],
    ['of parts that are no whole blocks', { channels: [16, 12] }],
    ['along another axis', { channels: [16, 16], axis: 2 }],
  ])('%s stays', (_, options) => {
    const { graph, y } = build(3, options);
    graph.output('y', y);
    expect(operators(rewritten(graph, [joinedConvolution]))).toEqual({ concat: 1, conv: 1 });
  });
});

describe('a convolution over a doubled map', () => {
  const build = ({ scale = 2, kernel = 3, padding = 1, bias = true, group = 1 } = {}) => {
    const graph = new Graph();
    const x = graph.input('x', [2, 4, 5, 3]);
    const weight = parameter(graph, 'weight', [6, 4 / group, kernel, kernel]);
    const doubled = f.upsampleNearest(x, scale);
    const y = f.conv(doubled, weight, bias ? parameter(graph, 'bias', [6]) : undefined, { padding, group });
    return { graph, y, doubled };
  };

  it.each([true, false])('is four over the map (bias: %s), edges included', async (bias) => {
    const { graph, y } = build({ bias });
    graph.output('y', y);
    const after = rewritten(graph, [upsampledConvolution]);
    expect(operators(after)).toMatchObject({ conv: 4, depthToSpace: 1 });
    expect(operators(after)).not.toHaveProperty('upsampleNearest');
    const kernels = after.nodes
      .filter(({ op }) => op === 'conv')
      .map(({ inputs }) => sizeOf((inputs[1] as Tensor).shape));
    expect(kernels).toEqual(new Array(4).fill(6 * 4 * 2 * 2));
    expect(await difference(graph, [upsampledConvolution])).toBeLessThan(TOLERANCE);
  });

  it.each([
    ['of another scale', { scale: 3 }],
    ['with a kernel of 1', { kernel: 1, padding: 0 }],
    ['that makes the map smaller', { padding: 0 }],
    ['in groups', { group: 2 }],
  ])('%s stays', (_, options) => {
    const { graph, y } = build(options);
    graph.output('y', y);
    expect(operators(rewritten(graph, [upsampledConvolution]))).toEqual({ upsampleNearest: 1, conv: 1 });
  });

  it('that others read, too, stays', () => {
    const { graph, y, doubled } = build();
    graph.output('y', y);
    graph.output('doubled', f.relu(doubled));
    expect(operators(rewritten(graph, [upsampledConvolution]))).toMatchObject({ upsampleNearest: 1, conv: 1 });
  });
});
