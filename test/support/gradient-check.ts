/**
 * A composition of operators against plain loops: its value, and its gradient by every input.
 *
 * @module
 */
import { expect } from 'vitest';
import * as f from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradient.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { expectClose, largest } from '../parity/fixture.ts';
import { type GraphRunner, hostTensor } from './graph-run.ts';
import { centralDifferences, type NdArray, sizeOf, spread, sum } from './ndarray.ts';

/** Largest differences, relative to the largest value of the tensor (and at least to 1). */
const FORWARD = 5e-6;
const GRADIENT = 5e-5;

const within = (tolerance: number, expected: ArrayLike<number>) => tolerance * Math.max(1, largest(expected));

/** Values of low..high, other ones for each phase. */
export const filled = (shape: readonly number[], low = -1, high = 1, phase = 0): NdArray => ({
  shape,
  data: Float64Array.from(spread(sizeOf(shape), low, high, phase)),
});

/**
 * Runs `build` on the inputs and compares its value with `reference`, and the gradients of sum(upstream value) with
 * central differences of the reference.
 *
 * @param constants how many of the inputs, from the end, are not differentiated by (targets, masks)
 */
export async function checkAgainst(
  run: GraphRunner,
  inputs: readonly NdArray[],
  build: (...tensors: Tensor[]) => Tensor,
  reference: (...inputs: NdArray[]) => NdArray,
  constants = 0,
): Promise<void> {
  const graph = new Graph();
  const tensors = inputs.map(({ shape }, i) => graph.input(`x${i}`, shape));
  const y = build(...tensors);
  const expected = reference(...inputs);
  expect(y.shape, 'shape').toEqual(expected.shape);
  const upstream = spread(sizeOf(y.shape), 0.3, 1.7, 0.11);
  const loss = f.reduceSum(f.mul(y, graph.constant(Float32Array.from(upstream), y.shape, 'float32')));
  const sources = tensors.slice(0, tensors.length - constants);
  const found = gradients(loss, sources);
  graph.output('value', y);
  sources.forEach((_, i) => {
    graph.output(`gradient${i}`, found[i] as Tensor);
  });
  const feeds = Object.fromEntries(inputs.map(({ shape, data }, i) => [`x${i}`, hostTensor(data, shape)]));
  const results = await run(graph, feeds);

  expectClose('value', results.value?.data ?? [], expected.data, within(FORWARD, expected.data));
  const scalar = (arrays: readonly NdArray[]) => {
    const { data } = reference(...arrays);
    return sum(data.length, (k) => (data[k] as number) * (upstream[k] as number));
  };
  sources.forEach((_, i) => {
    const differences = centralDifferences(scalar, inputs, i);
    const name = `gradient by input ${i}`;
    expectClose(name, results[`gradient${i}`]?.data ?? [], differences, within(GRADIENT, differences));
  });
}
