/**
 * A small computation with a known answer, by which a device is tried before it is used.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { Graph } from '../graph/graph.ts';
import { emitModel } from '../graph/onnx/emit.ts';
import { float32, floats, type InferenceEngine } from './session.ts';

/** Largest error that a working device makes. */
export const TOLERANCE = 1e-3;

/** y = softmax(x W) for a 2x2 case whose answer is known. */
function selfTestModel(): Uint8Array {
  const graph = new Graph();
  const x = graph.input('x', [1, 2]);
  graph.output('y', f.softmax(f.matMul(x, graph.constant(Float32Array.of(1, 0, 0, 2), [2, 2], 'float32'))));
  return emitModel(graph);
}

/**
 * Largest difference of the engine's answer from the known one.
 *
 * @throws ClearwordError RUNTIME_FAILED with the runtime's own words
 */
export async function selfTest(engine: InferenceEngine): Promise<number> {
  const session = await engine.load(selfTestModel());
  const { outputs } = await session.run({ x: float32(Float32Array.of(1, 1), [1, 2]) });
  await session.release();
  const y = floats(outputs, 'y');
  const expected = 1 / (1 + Math.E);
  return Math.max(Math.abs((y[0] ?? Number.NaN) - expected), Math.abs((y[1] ?? Number.NaN) - (1 - expected)));
}
