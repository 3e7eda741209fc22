/**
 * Running small graphs, all of a file's in one engine.
 *
 * @module
 */
import { afterAll } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { type EmitOptions, emitModel } from '../../src/graph/onnx/emit.ts';
import type { DType, Shape } from '../../src/graph/tensor.ts';
import { Engine } from '../../src/runtime/engine.ts';
import type { HostData, HostTensor } from '../../src/runtime/protocol.ts';

/** Numbers as the runtime takes them. Float16 has no number type here: cast in the graph. */
export function hostTensor(values: ArrayLike<number>, shape: Shape, dtype: DType = 'float32'): HostTensor {
  const data = (): HostData => {
    if (dtype === 'float32') return Float32Array.from(values);
    if (dtype === 'int64') return BigInt64Array.from(Array.from(values), BigInt);
    if (dtype === 'int32') return Int32Array.from(values);
    if (dtype === 'uint8' || dtype === 'bool') return Uint8Array.from(values);
    throw new TypeError(`no host values for ${dtype}`);
  };
  return { dtype, shape, data: data() };
}

export interface RunOutput {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: Float64Array;
}

export type GraphRunner = (
  graph: Graph,
  feeds?: Readonly<Record<string, HostTensor>>,
  parameters?: ReadonlyMap<string, Float32Array>,
  options?: EmitOptions,
) => Promise<Readonly<Record<string, RunOutput>>>;

/** A function that emits, loads and runs a graph once. The engine is closed after the tests of the file. */
export function graphRunner(): GraphRunner {
  const engine = new Engine({ threads: 1 });
  afterAll(() => engine.close());
  return async (graph, feeds = {}, parameters, options) => {
    const session = await engine.load(emitModel(graph, parameters, options));
    try {
      const { outputs } = await session.run(feeds);
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { shape, dtype, data }]) => [
          name,
          { shape, dtype, data: Float64Array.from(data as ArrayLike<number | bigint>, Number) },
        ]),
      );
    } finally {
      await session.release();
    }
  };
}
