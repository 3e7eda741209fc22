/**
 * A network that looks far.
 *
 * @module
 */
import * as f from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { emitModel } from '../../src/graph/onnx/emit.ts';

/** Pixels that a stage looks further to the left and up, and the share of what it sees there. */
export const STEP = { x: 4, y: 1 } as const;
export const SHARE = 0.9;

/**
 * Stages that share their weights, as PReNet's do: each mixes the picture with what the stage before saw further on.
 *
 *   h_0 = mu;  h = (1 - SHARE) mu + SHARE h(x - STEP.x, y - STEP.y)
 *
 * With zeros around the picture. It looks stages STEP.x pixels far.
 */
export function recurrentNetwork(
  stages: number,
  fixed?: { readonly width: number; readonly height: number },
): Uint8Array {
  const graph = new Graph();
  const { width, height } = fixed ?? { width: 64, height: 64 };
  const picture = graph.input('picture', [1, 3, height, width]);
  const [across, down] = [2 * STEP.x + 1, 2 * STEP.y + 1];
  // A convolution that takes the pixel in its upper left corner.
  const weight = graph.constant(
    Float32Array.from({ length: 3 * across * down }, (_, i) => (i % (across * down) === 0 ? SHARE : 0)),
    [3, 1, down, across],
    'float32',
  );
  const padding = [STEP.y, STEP.x, STEP.y, STEP.x] as const;
  let h = picture;
  for (let stage = 0; stage < stages; stage++) {
    h = f.add(f.mul(picture, 1 - SHARE), f.conv(h, weight, undefined, { padding, group: 3 }));
  }
  graph.output('restored', h);
  return emitModel(graph, undefined, { freeSides: fixed === undefined });
}
