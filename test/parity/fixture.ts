/**
 * Reading the reference fixtures: tensors given by a formula, and comparison of whole tensors.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { emitModel } from '../../src/graph/onnx/emit.ts';
import { type Shape, sizeOf, type Tensor } from '../../src/graph/tensor.ts';
import { Engine, float32, floats } from '../../src/runtime/engine.ts';

export interface InputSpec {
  readonly shape: Shape;
  readonly frequency: number;
  readonly phase: number;
  readonly inputOffset: number;
  readonly inputAmplitude: number;
}

export interface WeightSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly offset: number;
  readonly amplitude: number;
}

export interface DataSpec {
  readonly shape: Shape;
  readonly data: readonly number[];
}

export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** inputOffset + inputAmplitude sin(frequency k + phase), float64 and then float32. */
export function inputValues({ shape, frequency, phase, inputOffset, inputAmplitude }: InputSpec): Float32Array {
  return Float32Array.from(
    { length: sizeOf(shape) },
    (_, k) => inputOffset + inputAmplitude * Math.sin(frequency * k + phase),
  );
}

/** Parameter number p of the list: offset + amplitude sin(0.37 k + 1.3 p + 0.5). */
export function weightValues(weights: readonly WeightSpec[]): Map<string, Float32Array> {
  return new Map(
    weights.map(({ name, shape, offset, amplitude }, p) => [
      name,
      Float32Array.from({ length: sizeOf(shape) }, (_, k) => offset + amplitude * Math.sin(0.37 * k + 1.3 * p + 0.5)),
    ]),
  );
}

/** Largest absolute difference of two whole tensors, relative to `scale` where one is given. */
export function expectClose(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  expect(actual.length, `${name}: number of values`).toBe(expected.length);
  let worst = 0;
  let place = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN));
    if (!(difference <= worst)) {
      worst = difference;
      place = i;
    }
  }
  expect(
    worst,
    `${name}: largest absolute difference, at ${place}: ${actual[place]} for ${expected[place]}`,
  ).toBeLessThanOrEqual(tolerance);
}

export const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((top, v) => Math.max(top, Math.abs(v)), 0);
export const norm = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, v) => sum + v * v, 0));

/**
 * Builds a graph whose parameters are inputs (so that gradients by them can be asked for), runs it once and returns all
 * outputs by name.
 */
export async function runGraph(
  build: (graph: Graph) => Record<string, Tensor>,
  values: ReadonlyMap<string, Float32Array>,
): Promise<(name: string) => Float32Array> {
  const graph = new Graph((g, spec) => g.input(spec.name, spec.shape));
  for (const [name, tensor] of Object.entries(build(graph))) graph.output(name, tensor);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, shape }) => {
      const data = values.get(name);
      if (!data) throw new Error(`the fixture has no values for ${name}`);
      return [name, float32(data, shape)];
    }),
  );
  const engine = new Engine();
  try {
    const session = await engine.load(emitModel(graph));
    const { outputs } = await session.run(feeds);
    return (name) => floats(outputs, name);
  } finally {
    await engine.close();
  }
}
