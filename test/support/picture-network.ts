/**
 * Small ONNX networks that map a picture to a picture, in every form that such files have, and the same as a plain loop.
 *
 * @module
 */

import * as f from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { emitModel } from '../../src/graph/onnx/emit.ts';
import { encodeMessage, type Message } from '../../src/graph/onnx/encode.ts';
import { ModelProto } from '../../src/graph/onnx/schema.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { reflect } from '../../src/image/raster.ts';

/** Side of the graph that is built; free networks forget it. */
const SIDE = 64;

/** The sides of inputs and outputs made free, as exporters write networks for any size. */
export function freeSides(model: Uint8Array, axes: readonly number[]): Uint8Array {
  const message = ModelProto.toObject(ModelProto.decode(model), { longs: Number }) as Message;
  const graph = message.graph as Message;
  const free = (values: unknown) =>
    (values as { name: string; type: { tensorType: { elemType: number; shape: { dim: object[] } } } }[]).map(
      ({ name, type: { tensorType } }) => {
        const dim = tensorType.shape.dim.map((side, axis) =>
          axes.includes(axis) && tensorType.shape.dim.length === 4 ? { dimParam: `side${axis}` } : side,
        );
        return { name, type: { tensorType: { elemType: tensorType.elemType, shape: { dim } } } };
      },
    );
  return encodeMessage(ModelProto, {
    ...message,
    graph: { ...graph, input: free(graph.input), output: free(graph.output) },
  });
}

export interface Form {
  readonly layout?: 'nchw' | 'nhwc';
  readonly type?: 'float32' | 'float16' | 'uint8';
  /** Channels of the picture. Default 3. */
  readonly channels?: 1 | 3;
  readonly noise?: 'value' | 'map' | 'plane';
  /** Default: free. */
  readonly fixed?: { readonly width: number; readonly height: number };
  /** The result is what the network takes away. */
  readonly residual?: boolean;
}

/** A blur that is not the same in any two directions, and a gain that is not the same for any two channels. */
const KERNEL = [0.02, 0.08, 0.05, 0.15, 0.4, 0.1, 0.07, 0.03, 0.1] as const;
const GAIN = [1, 0.8, 0.6] as const;
/** What a noise level of 1 adds to every value. */
const NOISE = 0.25;

/** y_c = gain_c (kernel * x_c) + noise / 4, with zeros around the picture; as a residual x - y. */
export function pictureNetwork(form: Form): Uint8Array {
  const { layout = 'nchw', type = 'float32', channels = 3, noise, fixed, residual = false } = form;
  const { width, height } = fixed ?? { width: SIDE, height: SIDE };
  const graph = new Graph();
  const count = channels + (noise === 'plane' ? 1 : 0);
  const shape = layout === 'nchw' ? [1, count, height, width] : [1, height, width, count];
  const single = (x: Tensor) => f.cast(x, 'float32');
  const input = single(graph.input('picture', shape, type));
  const whole = layout === 'nchw' ? input : f.transpose(input, [0, 3, 1, 2]);
  const x = noise === 'plane' ? f.slice(whole, 1, 0, channels) : whole;
  const weight = graph.constant(
    Float32Array.from(
      { length: channels * 9 },
      (_, i) => (GAIN[Math.floor(i / 9)] as number) * (KERNEL[i % 9] as number),
    ),
    [channels, 1, 3, 3],
    'float32',
  );
  let y = f.conv(x, weight, undefined, { padding: 1, group: channels });
  if (noise === 'plane') y = f.add(y, f.mul(f.slice(whole, 1, channels, channels + 1), NOISE));
  if (noise === 'map') y = f.add(y, f.mul(single(graph.input('sigma', [1, 1, height, width], type)), NOISE));
  if (noise === 'value') y = f.add(y, f.mul(single(graph.input('sigma', [1, 1, 1, 1], type)), NOISE));
  if (residual) y = f.sub(x, y);
  const placed = layout === 'nchw' ? y : f.transpose(y, [0, 2, 3, 1]);
  // Casting cuts off.
  graph.output('result', f.cast(type === 'uint8' ? f.add(placed, 0.5) : placed, type));
  const model = emitModel(graph);
  return fixed ? model : freeSides(model, layout === 'nchw' ? [2, 3] : [1, 2]);
}

export interface Expectation {
  readonly channels?: 1 | 3;
  /** The network's first channel is blue. */
  readonly bgr?: boolean;
  readonly low?: number;
  readonly high?: number;
  readonly mean?: number;
  readonly std?: number;
  /** Value that the network gets for the noise level. */
  readonly noise?: number;
  /** Sides are filled up to multiples of it by reflection. */
  readonly multiple?: number;
}

const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * What the network makes of a picture [height, width, 3], 0..1, computed pixel by pixel in double precision on the whole
 * picture.
 */
export function plainLoop(
  picture: readonly number[],
  width: number,
  height: number,
  expectation: Expectation = {},
): number[] {
  const { channels = 3, bgr = false, low = 0, high = 1, mean = 0, std = 1, noise = 0, multiple = 16 } = expectation;
  const [wide, tall] = [multiple * Math.ceil(width / multiple), multiple * Math.ceil(height / multiple)];
  const colour = (x: number, y: number, c: number) =>
    picture[(reflect(y, height) * width + reflect(x, width)) * 3 + c] as number;
  const plane = (x: number, y: number, c: number) =>
    channels === 3 ? colour(x, y, c) : LUMA.reduce((sum, share, of) => sum + share * colour(x, y, of), 0);
  const fed = (x: number, y: number, c: number) =>
    x < 0 || y < 0 || x >= wide || y >= tall ? 0 : low + ((high - low) * (plane(x, y, c) - mean)) / std;
  const result: number[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const of = channels === 1 ? 0 : bgr ? 2 - c : c;
        let sum = 0;
        for (let k = 0; k < 9; k++) {
          sum += (KERNEL[k] as number) * fed(x + (k % 3) - 1, y + Math.floor(k / 3) - 1, channels === 1 ? 0 : c);
        }
        const value = ((GAIN[of] as number) * sum + NOISE * noise - low) / (high - low);
        const restored = value * std + mean;
        result.push(channels === 3 ? restored : colour(x, y, c) + restored - plane(x, y, 0));
      }
  return result;
}
