import { describe, expect, it } from 'vitest';
import { graphRunner, hostTensor } from '../../test/support/graph-run.ts';
import * as f from './functions.ts';
import { gradients, unbroadcast } from './gradient.ts';
import { Graph } from './graph.ts';
import type { Shape, Tensor } from './tensor.ts';

const run = graphRunner();

/** Values of the gradients of `build`'s loss by its inputs. */
async function gradientsOf(
  inputs: Readonly<Record<string, readonly number[]>>,
  build: (graph: Graph, ...tensors: Tensor[]) => Tensor,
): Promise<Record<string, number[]>> {
  const graph = new Graph();
  const sources = Object.entries(inputs).map(([name, values]) => graph.input(name, [values.length]));
  const found = gradients(build(graph, ...sources), sources);
  sources.forEach(({ name }, i) => {
    graph.output(`d${name}`, found[i] as Tensor);
  });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, values]) => [name, hostTensor(values, [values.length])]),
  );
  const results = await run(graph, feeds);
  return Object.fromEntries(Object.keys(inputs).map((name) => [name, [...(results[`d${name}`]?.data ?? [])]]));
}

const invalid = (message: string) => expect.objectContaining({ code: 'GRAPH_INVALID', message });

describe('accumulation', () => {
  it('adds up over all uses of a tensor', async () => {
    // x^2 + 3 x + x y: an intermediate with two uses, a source with five.
    const { x, y } = await gradientsOf({ x: [2, -1], y: [5, 4] }, (_, a, b) => {
      const [p, q] = [a as Tensor, b as Tensor];
      return f.reduceSum(f.add(f.add(f.mul(p, p), f.mul(p, 3)), f.mul(p, q)));
    });
    expect(x).toEqual([2 * 2 + 3 + 5, 2 * -1 + 3 + 4]);
    expect(y).toEqual([2, -1]);
  });

  it('where one operator takes a tensor several times', async () => {
    const { x } = await gradientsOf({ x: [1, 2] }, (graph, a) => {
      const p = a as Tensor;
      const weights = graph.constant(Float32Array.of(1, 10, 100, 1000, 10000, 100000), [6], 'float32');
      return f.reduceSum(f.mul(f.concat([p, p, f.add(p, p)], 0), weights));
    });
    expect(x).toEqual([1 + 100 + 2 * 10000, 10 + 1000 + 2 * 100000]);
  });

  it('through an intermediate that several branches share', async () => {
    // u = x^2, loss = u^2 + 2 u: d/dx = (2 u + 2) 2 x.
    const { x } = await gradientsOf({ x: [3] }, (_, a) => {
      const u = f.square(a as Tensor);
      return f.reduceSum(f.add(f.square(u), f.mul(u, 2)));
    });
    expect(x).toEqual([(2 * 9 + 2) * 2 * 3]);
  });

  it('of a source that depends on another source: each is a total derivative', async () => {
    const graph = new Graph();
    const x = graph.input('x', [1]);
    const u = f.mul(x, 3);
    const loss = f.reduceSum(f.mul(u, x));
    const [du, dx] = gradients(loss, [u, x]) as [Tensor, Tensor];
    graph.output('du', du);
    graph.output('dx', dx);
    const results = await run(graph, { x: hostTensor([2], [1]) });
    expect([...(results.du?.data ?? [])]).toEqual([2]);
    expect([...(results.dx?.data ?? [])]).toEqual([12]);
  });

  it('is made of operators that can be differentiated again', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const [first] = gradients(f.reduceSum(f.mul(f.square(x), x)), [x]) as [Tensor];
    const [second] = gradients(f.reduceSum(first), [x]) as [Tensor];
    graph.output('first', first);
    graph.output('second', second);
    const results = await run(graph, { x: hostTensor([2, -3], [2]) });
    expect([...(results.first?.data ?? [])]).toEqual([12, 27]);
    expect([...(results.second?.data ?? [])]).toEqual([12, -18]);
  });
});

describe('un-broadcasting', () => {
  const shapes: readonly (readonly [Shape, Shape, number])[] = [
    [[2, 3], [2, 3], 1],
    [[2, 3], [3], 2],
    [[2, 3], [2, 1], 3],
    [[2, 3], [1, 1], 6],
    [[2, 3], [], 6],
    [[4, 2, 1, 3], [2, 1, 1], 12],
    [[1, 1, 3], [3], 1],
  ];
  it.each(shapes)('sums [%j] back to [%j]', async (from, to, copies) => {
    const graph = new Graph();
    const result = unbroadcast(f.expand(graph.scalar(1), from), to);
    expect(result.shape).toEqual(to);
    graph.output('y', result);
    const { y } = await run(graph);
    expect([...(y?.data ?? [])].every((value) => value === copies)).toBe(true);
  });

  // [gradient as it is kept, what was stretched, what it was stretched to, expected shape and value]
  const kept: readonly (readonly [Shape, Shape, Shape, Shape, number])[] = [
    [[2, 1], [1, 3], [2, 3], [1, 1], 2],
    [[1, 1], [2, 3], [2, 3], [1, 1], 1],
    [[1, 3], [2, 1], [2, 3], [1, 1], 3],
    [[3], [2, 1], [2, 3], [1], 3],
    [[], [3], [4, 2, 3], [], 8],
    [[4, 1, 3], [2, 3], [4, 2, 3], [1, 3], 4],
  ];
  it.each(kept)('sums [%j], short for equal values, back to [%j] from [%j]', async (from, to, full, shape, copies) => {
    const graph = new Graph();
    const result = unbroadcast(f.expand(graph.scalar(1), from), to, full);
    expect(result.shape).toEqual(shape);
    graph.output('y', result);
    const { y } = await run(graph);
    expect([...(y?.data ?? [])].every((value) => value === copies)).toBe(true);
  });

  it('costs nothing where nothing was stretched', () => {
    const graph = new Graph();
    const x = graph.input('x', [2, 3]);
    expect(unbroadcast(x, [2, 3])).toBe(x);
  });
});

describe('what a loss and its sources may be', () => {
  it('gives zeros for a source without influence', async () => {
    const { x, y } = await gradientsOf({ x: [1, 2, 3], y: [4] }, (_, a, b) => {
      f.exp(a as Tensor);
      return f.square(b as Tensor);
    });
    expect(x).toEqual([0, 0, 0]);
    expect(y).toEqual([8]);
  });

  it('gives zeros behind whole numbers: indices and casts carry no gradient', async () => {
    const { x } = await gradientsOf({ x: [1.2, 2.7] }, (graph, a) => {
      const table = graph.constant(Float32Array.of(5, 6, 7), [3], 'float32');
      const rows = f.cast(a as Tensor, 'int64');
      return f.reduceSum(f.mul(f.gather(table, rows), f.cast(rows, 'float32')));
    });
    expect(x).toEqual([0, 0]);
  });

  it('of the loss by itself is one', async () => {
    const graph = new Graph();
    const loss = f.reduceSum(graph.input('x', [2]));
    graph.output('d', gradients(loss, [loss])[0] as Tensor);
    expect([...((await run(graph)).d?.data ?? [])]).toEqual([1]);
  });

  it('takes one value of any rank', () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 1]);
    expect(gradients(f.square(x), [x])[0]?.shape).toEqual([1, 1]);
  });

  it('refuses a loss of several values', () => {
    const graph = new Graph();
    const x = graph.input('x', [2, 1]);
    expect(() => gradients(f.square(x), [x])).toThrow(invalid('gradients: loss expected a scalar, received [2,1]'));
  });

  it('starts from a seed: a vector-Jacobian product', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const seed = graph.input('seed', [2]);
    graph.output('d', gradients(f.square(x), [x], seed)[0] as Tensor);
    const { d } = await run(graph, { x: hostTensor([3, 5], [2]), seed: hostTensor([1, -10], [2]) });
    expect([...(d?.data ?? [])]).toEqual([6, -100]);
  });

  it('refuses a seed that is no gradient of the loss', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    expect(() => gradients(f.square(x), [x], graph.input('short', [1]))).toThrow(
      invalid('gradients: seed expected float32 [2], received float32 [1]'),
    );
    expect(() => gradients(f.square(x), [x], graph.input('whole', [2], 'int64'))).toThrow(
      invalid('gradients: seed expected float32 [2], received int64 [2]'),
    );
  });

  it('refuses what has no rule, though only where a gradient would pass', () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', [2]), graph.input('y', [2])];
    const signs = graph.scope('head', () => f.sign(x));
    const loss = f.reduceSum(f.mul(signs, y));
    expect(() => gradients(loss, [x])).toThrow(
      invalid(
        'gradients: sign at head cannot be differentiated: a step function: its derivative is zero wherever it exists',
      ),
    );
    expect(gradients(loss, [y])).toHaveLength(1);
  });
});

describe('work that is not done', () => {
  it('adds nodes only on the way from the loss to the sources', () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', [2, 2]), graph.input('y', [2, 2])];
    const loss = f.reduceSum(f.add(f.matMul(x, x), f.exp(f.matMul(y, y))));
    const before = graph.nodes.length;
    gradients(loss, [x]);
    const added = graph.nodes.slice(before);
    expect(added.filter(({ op }) => op === 'matMul')).toHaveLength(2);
    expect(added.some(({ inputs }) => inputs.includes(y))).toBe(false);
  });

  it('keeps equal values as one, through elementwise operators, until they meet something of full size', () => {
    const graph = new Graph();
    const x = graph.input('x', [4, 100]);
    const norms = f.sqrt(f.reduceSum(f.square(x), [1], true));
    const loss = f.reduceSum(f.exp(f.neg(norms)));
    const before = graph.nodes.length;
    const [gradient] = gradients(loss, [x]) as [Tensor];
    const added = graph.nodes.slice(before);
    // 2 g x: the one node of full size.
    expect(added.filter(({ outputs }) => outputs[0]?.shape[1] === 100).map(({ op }) => op)).toEqual(['mul']);
    expect(gradient.shape).toEqual([4, 100]);
  });

  it('names in the path of a gradient the layer that it belongs to', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const y = graph.scope('encoder', () => graph.scope('norm', () => f.sqrt(x)));
    const loss = f.reduceSum(y);
    const before = graph.nodes.length;
    gradients(loss, [x]);
    const paths = graph.nodes.slice(before).map(({ path }) => path);
    expect(paths).toContain('gradient of encoder.norm');
  });
});

describe('conventions where a derivative does not exist', () => {
  it('abs, relu: zero at zero', async () => {
    const { x } = await gradientsOf({ x: [0, 2] }, (_, a) => f.reduceSum(f.abs(a as Tensor)));
    expect(x).toEqual([0, 1]);
    const { y } = await gradientsOf({ y: [0, 2] }, (_, a) => f.reduceSum(f.relu(a as Tensor)));
    expect(y).toEqual([0, 1]);
  });

  it('maximum: the second operand where they are equal', async () => {
    const { x, y } = await gradientsOf({ x: [1, 3, 2], y: [1, 2, 4] }, (_, a, b) =>
      f.reduceSum(f.maximum(a as Tensor, b as Tensor)),
    );
    expect(x).toEqual([0, 1, 0]);
    expect(y).toEqual([1, 0, 1]);
  });

  it('reduceMax: the places that hold the maximum share it', async () => {
    const { x } = await gradientsOf({ x: [4, 1, 4, 4, 4] }, (_, a) => f.reduceMax(a as Tensor));
    expect(x).toEqual([0.25, 0, 0.25, 0.25, 0.25]);
  });
});
