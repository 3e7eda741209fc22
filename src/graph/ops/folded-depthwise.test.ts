import { describe, expect, it } from 'vitest';
import { emittedGraph } from '../../../test/support/emitted-graph.ts';
import { graphRunner, hostTensor } from '../../../test/support/graph-run.ts';
import { sizeOf, spread } from '../../../test/support/ndarray.ts';
import * as f from '../functions.ts';
import { Graph } from '../graph.ts';
import { emitModel } from '../onnx/emit.ts';
import type { Shape, Tensor } from '../tensor.ts';

const run = graphRunner();

interface Given {
  readonly x: Shape;
  readonly kernel: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
}

/** The convolution with its kernel as an input, and with the same kernel as the result of a node. */
function both({ x: shape, kernel, padding }: Given) {
  const graph = new Graph();
  const channels = shape[1] as number;
  const [x, weight, bias] = [
    graph.input('x', shape),
    graph.input('weight', [channels, 1, ...kernel]),
    graph.input('bias', [channels]),
  ] as [Tensor, Tensor, Tensor];
  const options = { padding, group: channels };
  graph.output('plain', f.conv(x, weight, bias, options));
  graph.output('folded', f.conv(x, f.neg(f.neg(weight)), bias, options));
  graph.output('without bias', f.conv(x, f.neg(f.neg(weight)), undefined, options));
  return { graph, inputs: { x, weight, bias } };
}

const kernelsOf = (graph: Graph): string[] =>
  emittedGraph(emitModel(graph))
    .node.filter(({ opType }) => opType === 'Conv')
    .map(({ attribute }) => String(attribute.find(({ name }) => name === 'kernel_shape')?.ints));

describe('a depthwise convolution whose kernel changes', () => {
  const cases: readonly (readonly [string, Given])[] = [
    ['7x7 that keeps the size', { x: [2, 3, 8, 6], kernel: [7, 7], padding: [3, 3, 3, 3] }],
    ['9x7, one fold of rows', { x: [1, 2, 4, 5], kernel: [9, 7], padding: [4, 3, 4, 3] }],
    ['11x3', { x: [1, 2, 12, 5], kernel: [11, 3], padding: [5, 1, 5, 1] }],
    ['padded asymmetrically', { x: [2, 2, 8, 7], kernel: [7, 5], padding: [5, 0, 1, 3] }],
    ['with fewer rows in the result', { x: [1, 2, 12, 8], kernel: [9, 7], padding: [2, 3, 2, 3] }],
    ['with more rows in the result', { x: [1, 2, 8, 8], kernel: [7, 7], padding: [6, 3, 4, 3] }],
  ];

  it.each(cases)('%s: folded, and the same', async (_, given) => {
    const { graph, inputs } = both(given);
    const [kh, kw] = given.kernel;
    const kernels = kernelsOf(graph);
    expect(kernels[0]).toBe(`${kh},${kw}`);
    expect(kernels[1]).not.toBe(`${kh},${kw}`);
    const values = (tensor: Tensor, phase: number) =>
      hostTensor(spread(sizeOf(tensor.shape), -1, 1, phase), tensor.shape);
    const bias = values(inputs.bias, 0.6);
    const results = await run(graph, { x: values(inputs.x, 0), weight: values(inputs.weight, 0.3), bias });
    const { plain, folded, 'without bias': bare } = results;
    expect(folded?.shape).toEqual(plain?.shape);
    const place = (plain?.data.length ?? 0) / (given.x[0] as number) / (given.x[1] as number);
    plain?.data.forEach((value, i) => {
      expect(Math.abs((folded?.data[i] ?? Number.NaN) - value)).toBeLessThan(1e-5);
      const channel = Math.floor(i / place) % (given.x[1] as number);
      const added = (bare?.data[i] ?? Number.NaN) + Number(bias.data[channel]);
      expect(Math.abs(added - value)).toBeLessThan(1e-5);
    });
  });

  it.each([
    ['a small kernel', { x: [1, 2, 8, 8], kernel: [5, 5], padding: [2, 2, 2, 2] }],
    ['rows that do not fold', { x: [1, 2, 10, 8], kernel: [7, 7], padding: [3, 3, 3, 3] }],
    ['a result whose rows do not fold', { x: [1, 2, 8, 8], kernel: [7, 7], padding: [3, 3, 2, 3] }],
  ] as const)('%s: left as it is', (_, given) => {
    const kernels = kernelsOf(both(given).graph);
    expect(new Set(kernels)).toEqual(new Set([`${given.kernel}`]));
  });
});
