import { describe, expect, it } from 'vitest';
import { graphRunner, hostTensor } from '../../test/support/graph-run.ts';
import { ClearwordError } from '../errors.ts';
import * as f from './functions.ts';
import { Graph } from './graph.ts';
import type { DType, Shape, Tensor } from './tensor.ts';

const run = graphRunner();

/** The refusal of a call: code and message, to be compared as a whole. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof ClearwordError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('the verifier', () => {
  type Declare = (shape: Shape, dtype?: DType) => Tensor;
  const zeros = [0, 0] as const;
  const conv = (x: Tensor, weight: Tensor, bias?: Tensor) => f.conv(x, weight, bias, { group: 2, padding: 1 });

  /** Operator, call, and what its message says after "operator at encoder.block: ". */
  const refused: readonly (readonly [string, (t: Declare) => unknown, string])[] = [
    ['add', (t) => f.add(t([2, 3]), t([2, 4])), 'b expected a shape that broadcasts with a [2,3], received [2,4]'],
    ['mul', (t) => f.mul(t([3]), t([3], 'int64')), 'b expected float32, received int64'],
    ['add', (t) => t([1]).graph.apply('add', [t([1])], {}), 'inputs expected 2 tensors, received 1'],
    ['gelu', (t) => f.gelu(t([3], 'int64')), 'x expected float32 or float16, received int64'],
    ['where', (t) => f.where(t([3]), t([3]), t([3])), 'condition expected bool, received float32'],
    [
      'where',
      (t) => f.where(t([4], 'bool'), t([3]), t([3])),
      'condition expected a shape that broadcasts with [3], received [4]',
    ],
    ['matMul', (t) => f.matMul(t([2, 3]), t([4, 5])), 'b expected [...,3,N] to follow a [2,3], received [4,5]'],
    ['matMul', (t) => f.matMul(t([3]), t([3, 2])), 'a expected rank 2 or more, received [3]'],
    ['matMul', (t) => f.matMul(t([3, 2]), t([2])), 'b expected rank 2 or more, received [2]'],
    [
      'matMul',
      (t) => f.matMul(t([2, 3, 4]), t([3, 4, 5])),
      'b expected leading axes that broadcast with a [2,3,4], received [3,4,5]',
    ],
    ['conv', (t) => conv(t([4, 8, 8]), t([4, 2, 3, 3])), 'x expected rank 4, received [4,8,8]'],
    [
      'conv',
      (t) => conv(t([1, 4, 8, 8]), t([4, 4, 3, 3])),
      'weight expected [O,2,kh,kw] with O a multiple of 2 for x [1,4,8,8], received [4,4,3,3]',
    ],
    ['conv', (t) => conv(t([1, 4, 8, 8]), t([4, 2, 3, 3], 'float16')), 'weight expected float32, received float16'],
    ['conv', (t) => conv(t([1, 4, 8, 8]), t([4, 2, 3, 3]), t([3])), 'bias expected [4], received [3]'],
    [
      'conv',
      (t) => conv(t([1, 4, 8, 2]), t([4, 2, 3, 5])),
      'x expected at least 5 along axis 3 with padding, received [1,4,8,2]',
    ],
    [
      'convTranspose',
      (t) => f.convTranspose(t([1, 4, 8, 8]), t([2, 4, 3, 3])),
      'weight expected [4,O/1,kh,kw] for x [1,4,8,8], received [2,4,3,3]',
    ],
    [
      'convTranspose',
      (t) => f.convTranspose(t([1, 4, 8, 8]), t([4, 4, 3, 3], 'float16')),
      'weight expected float32, received float16',
    ],
    [
      'convTranspose',
      (t) => f.convTranspose(t([1, 1, 2, 2]), t([1, 1, 2, 2]), { padding: 2 }),
      'result expected positive whole dimensions, received [1,1,-1,-1]',
    ],
    ['softmax', (t) => f.softmax(t([2, 3]), 2), 'axis expected 0..1, received 2'],
    ['logSoftmax', (t) => f.logSoftmax(t([2, 3]), -3), 'axis expected 0..1, received -1'],
    ['layerNorm', (t) => f.layerNorm(t([2, 3]), t([2]), t([3]), 1e-5), 'scale expected [3], received [2]'],
    ['layerNorm', (t) => f.layerNorm(t([2, 3]), t([3]), t([1, 3]), 1e-5), 'bias expected [3], received [1,3]'],
    ['layerNorm', (t) => f.layerNorm(t([]), t([1]), t([1]), 1e-5), 'x expected rank 1 or more, received scalar'],
    [
      'layerNorm',
      (t) => f.layerNorm(t([2, 3]), t([3], 'float16'), t([3]), 1e-5),
      'scale expected float32, received float16',
    ],
    ['reduceSum', (t) => f.reduceSum(t([2, 3]), [0, 2]), 'axes expected 0..1 for [2,3], received [0,2]'],
    ['reduceMean', (t) => f.reduceMean(t([2, 3]), [1, -1]), 'axes expected each once, ascending, received [1,1]'],
    ['reshape', (t) => f.reshape(t([2, 3]), [4, 2]), 'shape expected 6 values as in [2,3], received [4,2]'],
    ['reshape', (t) => f.reshape(t([2, 3]), [4, -1]), 'result expected positive whole dimensions, received [4,1.5]'],
    [
      'transpose',
      (t) => f.transpose(t([2, 3]), [0, 0]),
      'perm expected a permutation of the 2 axes of [2,3], received [0,0]',
    ],
    [
      'transpose',
      (t) => f.transpose(t([2, 3]), [1, 0, 2]),
      'perm expected a permutation of the 2 axes of [2,3], received [1,0,2]',
    ],
    ['expand', (t) => f.expand(t([2, 3]), [3, 3]), 'shape expected a shape that [2,3] broadcasts to, received [3,3]'],
    ['expand', (t) => f.expand(t([2, 3]), [3]), 'shape expected a shape that [2,3] broadcasts to, received [3]'],
    ['slice', (t) => f.slice(t([2, 3]), 2, 0, 1), 'axis expected 0..1, received 2'],
    ['slice', (t) => f.slice(t([2, 3]), 1, 1, 4), 'range expected a non-empty part of 0..3, received 1:4:1'],
    ['slice', (t) => f.slice(t([2, 3]), 1, 2, 2), 'range expected a non-empty part of 0..3, received 2:2:1'],
    ['slice', (t) => f.slice(t([2, 3]), 1, 0, 2, -1), 'range expected a non-empty part of 0..3, received 0:2:-1'],
    ['slice', (t) => f.slice(t([2, 3]), 1, 0, 2, 0), 'range expected a non-empty part of 0..3, received 0:2:0'],
    ['split', (t) => f.split(t([2, 6]), 1, [2, 3]), 'sizes expected a sum of 6 for axis 1 of [2,6], received 5'],
    ['split', (t) => f.split(t([2, 6]), 1, [7, -1]), 'result expected positive whole dimensions, received [2,-1]'],
    [
      'concat',
      (t) => f.concat([t([2, 3]), t([2, 4])], 0),
      'input 1 expected [2,3] except along axis 0, received [2,4]',
    ],
    ['concat', (t) => f.concat([t([2, 3]), t([2])], 0), 'input 1 expected [2,3] except along axis 0, received [2]'],
    ['concat', (t) => f.concat([t([2]), t([2], 'int64')], 0), 'input 1 expected float32, received int64'],
    ['concat', (t) => f.concat([t([2, 3]), t([2, 3])], 2), 'axis expected 0..1, received 2'],
    [
      'concat',
      (t) => t([1]).graph.apply('concat', [], { axis: 0 }),
      'inputs expected at least one tensor, received none',
    ],
    [
      'pad',
      (t) => f.pad(t([1, 3]), zeros, [0, 3], 'reflect'),
      'before, after expected less than each dimension of [1,3], received [0,0] and [0,3]',
    ],
    ['pad', (t) => f.pad(t([1, 3]), zeros, [1]), 'before, after expected 2 values each, received 2 and 1'],
    [
      'pad',
      (t) => f.pad(t([1, 3]), [0, -1], zeros),
      'before, after expected whole numbers of 0 or more, received [0,-1] and [0,0]',
    ],
    [
      'depthToSpace',
      (t) => f.depthToSpace(t([1, 6, 2, 2]), 2),
      'x expected channels a multiple of 4, received [1,6,2,2]',
    ],
    [
      'spaceToDepth',
      (t) => f.spaceToDepth(t([1, 1, 4, 3]), 2),
      'x expected height and width multiples of 2, received [1,1,4,3]',
    ],
    ['spaceToDepth', (t) => f.spaceToDepth(t([4, 4]), 2), 'x expected rank 4, received [4,4]'],
    [
      'upsampleNearest',
      (t) => f.upsampleNearest(t([1, 1, 2, 2]), 1.5),
      'scale expected a whole number of 1 or more, received 1.5',
    ],
    ['gather', (t) => f.gather(t([4, 2]), t([3])), 'indices expected int64 or int32, received float32'],
    ['gather', (t) => f.gather(t([4, 2]), t([3], 'int64'), 2), 'axis expected 0..1, received 2'],
    ['scatterAdd', (t) => f.scatterAdd(t([3]), t([3], 'int64'), 4), 'updates expected rank 2, received [3]'],
    ['scatterAdd', (t) => f.scatterAdd(t([3, 2]), t([2], 'int64'), 4), 'indices expected [3], received [2]'],
    ['scatterAdd', (t) => f.scatterAdd(t([3, 2]), t([3], 'int32'), 4), 'indices expected int64, received int32'],
  ];

  it.each(refused.map(([op, call, said]) => ({ op, call, said })))('$op: $said', ({ op, call, said }) => {
    const graph = new Graph();
    let count = 0;
    const declare: Declare = (shape, dtype) => graph.input(`x${count++}`, shape, dtype);
    const build = () => graph.scope('encoder', () => graph.scope('block', () => call(declare)));
    expect(refusal(build)).toBe(`GRAPH_INVALID ${op} at encoder.block: ${said}`);
  });

  it('refuses a tensor of another graph', () => {
    const [a, b] = [new Graph(), new Graph()];
    const x = a.input('x', [2]);
    const y = b.input('y', [2]);
    expect(refusal(() => f.add(x, y))).toBe(
      'GRAPH_INVALID add at (top): input 1 expected a tensor of this graph, received y of another',
    );
    expect(refusal(() => a.output('result', y))).toBe(
      'GRAPH_INVALID output result: expected a tensor of this graph, received y of another',
    );
  });

  it('refuses shapes that hold nothing', () => {
    const graph = new Graph();
    for (const shape of [[0, 3], [2, -1], [1.5], [Number.NaN]]) {
      expect(refusal(() => graph.input('x', shape))).toBe(
        `GRAPH_INVALID x: expected positive whole dimensions, received [${shape}]`,
      );
    }
    expect(refusal(() => graph.scope('head', () => graph.constant(new Float32Array(3), [2], 'float32')))).toBe(
      'GRAPH_INVALID constant at head: expected 2 values for [2], received 3',
    );
  });

  it('goes back to the outer path after a scope, even one that failed', () => {
    const graph = new Graph();
    const fail = () =>
      graph.scope('inner', () => {
        throw new Error('stop');
      });
    expect(() => graph.scope('outer', fail)).toThrow('stop');
    expect(graph.path).toBe('');
  });
});

describe('names', () => {
  it('a name is used once, for inputs and outputs alike', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const twice = (name: string) => `GRAPH_INVALID ${name}: expected a name not used before, received it twice`;
    expect(refusal(() => graph.input('x', [3]))).toBe(twice('x'));
    expect(refusal(() => graph.output('x', f.neg(x)))).toBe(twice('output x'));
    graph.output('y', f.neg(x));
    expect(refusal(() => graph.output('y', x))).toBe(twice('output y'));
    expect(refusal(() => graph.input('y', [2]))).toBe(twice('y'));
  });

  it('an inner value makes way for a name that a user has taken', async () => {
    const graph = new Graph();
    // Inner values are numbered on from the inputs: these are the names that the next ones would get.
    const inputs = Array.from({ length: 6 }, (_, i) => graph.input(`neg_${6 + i}`, [1]));
    graph.output('y', inputs.map(f.neg).reduce(f.add));
    const feeds = Object.fromEntries(inputs.map(({ name }, i) => [name, hostTensor([i], [1])]));
    expect([...((await run(graph, feeds)).y?.data ?? [])]).toEqual([-15]);
  });

  it('parameters are named by their layer path and shared by name', () => {
    const graph = new Graph();
    const declare = (shape: Shape) =>
      graph.scope('down', () => graph.scope('0', () => graph.parameter('weight', shape, { kind: 'zeros' })));
    const first = declare([2, 3]);
    expect([...graph.parameters.keys()]).toEqual(['down.0.weight']);
    expect(declare([2, 3])).toBe(first);
    expect(refusal(() => declare([3, 2]))).toBe(
      'GRAPH_INVALID parameter down.0.weight: expected the shape [2,3] of its first use, received [3,2]',
    );
    expect(graph.parameters.size).toBe(1);
  });
});
