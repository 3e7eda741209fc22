import { describe, expect, it } from 'vitest';
import { graphRunner, hostTensor } from '../../../test/support/graph-run.ts';
import { centralDifferences, type NdArray, sizeOf, spread, sum } from '../../../test/support/ndarray.ts';
import * as f from '../functions.ts';
import { gradients } from '../gradient.ts';
import { Graph } from '../graph.ts';
import type { Tensor } from '../tensor.ts';
import type { OpName } from './attributes.ts';
import type { OpCase, Reference } from './cases/case.cases.ts';
import { cases } from './cases/index.cases.ts';
import { ops } from './index.ts';

/** Largest differences allowed, relative to the largest value of the whole tensor (and at least to 1). */
const FORWARD = 2e-6;
const GRADIENT = 2e-5;
/** Of the values of a larger input, each n-th is moved: a difference costs two forward passes of the plain loops. */
const MOST_DIFFERENCES = 400;

const run = graphRunner();
const table = Object.entries(cases) as unknown as [OpName, readonly OpCase<OpName>[]][];
const isFloat = ({ dtype }: Pick<Tensor, 'dtype'>) => dtype === 'float32' || dtype === 'float16';
const outputsOf = (reference: Reference, inputs: readonly NdArray[]): readonly NdArray[] => {
  const result = reference(...inputs);
  return 'shape' in result ? [result] : result;
};

function expectClose(name: string, actual: Float64Array | undefined, expected: Float64Array, tolerance: number): void {
  expect(actual?.length, `${name}: number of values`).toBe(expected.length);
  const scale = expected.reduce((top, v) => Math.max(top, Math.abs(v)), 1);
  expected.forEach((value, k) => {
    const received = actual?.[k] ?? Number.NaN;
    // Not toBeCloseTo, which counts decimals whatever the scale. NaN fails, too.
    const difference = Math.abs(received - value);
    expect(difference <= tolerance * scale, `${name}: value ${k} is ${received}, expected ${value}`).toBe(true);
  });
}

/** The operator alone in a graph, in a layer path that messages must name. */
function place(op: OpName, { inputs, attributes }: OpCase<OpName>) {
  const graph = new Graph();
  const sources = inputs.map(({ shape, dtype }, i) => graph.input(`x${i}`, shape, dtype));
  const outputs = graph.scope('encoder', () => graph.scope('block', () => graph.applyAll(op, sources, attributes)));
  const feeds = Object.fromEntries(
    inputs.map(({ shape, dtype, values }, i) => [`x${i}`, hostTensor(values, shape, dtype)]),
  );
  return { graph, sources, outputs, feeds };
}

describe.each(table)('%s', (op, list) => {
  const { gradient } = ops[op];

  it.each(list)('$name: value', async (given) => {
    const { graph, outputs, feeds } = place(op, given);
    // Half precision has no number type outside the graph.
    outputs.forEach((y, i) => {
      graph.output(`y${i}`, y.dtype === 'float16' ? f.cast(y, 'float32') : y);
    });
    const results = await run(graph, feeds);
    const arrays = given.inputs.map(({ shape, values }) => ({ shape, data: Float64Array.from(values) }));
    const expected = outputsOf(given.reference, arrays);
    expect(outputs.length).toBe(expected.length);
    expected.forEach(({ shape, data }, i) => {
      expect(outputs[i]?.shape, `inferred shape of output ${i}`).toEqual(shape);
      expect(results[`y${i}`]?.shape, `shape of output ${i}`).toEqual(shape);
      expectClose(`output ${i}`, results[`y${i}`]?.data, data, FORWARD);
    });
  });

  if (typeof gradient !== 'function') {
    it('is refused by the walker, with its place and the reason', () => {
      const { graph, sources, outputs } = place(op, list[0] as OpCase<OpName>);
      const [y] = outputs as [Tensor];
      const seed = graph.input('seed', y.shape, y.dtype);
      const message = `gradients: ${op} at encoder.block cannot be differentiated: ${gradient.notDifferentiable}`;
      expect(() => gradients(y, sources, seed)).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID', message }));
    });
    return;
  }

  const smooth = list.filter(({ inputs }) => inputs.some(isFloat));
  if (smooth.length === 0) return;
  it.each(smooth)('$name: gradient', async (given) => {
    const { graph, sources, outputs, feeds } = place(op, given);
    const used = given.used ?? outputs.map((_, i) => i);
    // The loss is sum(upstream y): the upstream is the gradient that reaches the operator. Eighths, because it may pass
    // through half precision.
    const upstreams = outputs.map(({ shape }, i) =>
      spread(sizeOf(shape), 2, 16, 0.11 + 0.17 * i).map((v) => Math.round(v) / 8),
    );
    const terms = used.map((i) => {
      const y = f.cast(outputs[i] as Tensor, 'float32');
      const upstream = graph.input(`upstream${i}`, y.shape);
      Object.assign(feeds, { [`upstream${i}`]: hostTensor(upstreams[i] ?? [], y.shape) });
      return f.reduceSum(f.mul(y, upstream));
    });
    const loss = terms.reduce((total, term) => f.add(total, term));
    const wanted = sources.map((_, i) => i).filter((i) => isFloat(sources[i] as Tensor));
    const together = gradients(
      loss,
      wanted.map((i) => sources[i] as Tensor),
    );
    wanted.forEach((i, k) => {
      // A rule may leave out what is not wanted, so each input is also asked for alone.
      const [alone] = gradients(loss, [sources[i] as Tensor]) as [Tensor];
      expect(together[k]?.shape).toEqual(sources[i]?.shape);
      expect(alone.shape).toEqual(sources[i]?.shape);
      graph.output(`together${i}`, together[k] as Tensor);
      graph.output(`alone${i}`, alone);
    });
    const results = await run(graph, feeds);

    const arrays = given.inputs.map(({ shape, values }) => ({ shape, data: Float64Array.from(values) }));
    const scalar = (inputs: readonly NdArray[]): number => {
      const ys = outputsOf(given.smooth ?? given.reference, inputs);
      return used.reduce((total, i) => {
        const { data } = ys[i] as NdArray;
        return total + sum(data.length, (k) => (data[k] as number) * (upstreams[i]?.[k] as number));
      }, 0);
    };
    for (const i of wanted) {
      const every = Math.ceil(sizeOf(sources[i]?.shape ?? []) / MOST_DIFFERENCES);
      const expected = centralDifferences(scalar, arrays, i, every);
      const received = (name: string) => results[name]?.data.filter((_, k) => k % every === 0);
      expectClose(`gradient of input ${i}`, received(`together${i}`), expected, GRADIENT);
      expectClose(`gradient of input ${i} alone`, received(`alone${i}`), expected, GRADIENT);
    }
  });
});
