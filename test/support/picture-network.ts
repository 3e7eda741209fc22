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
  /** Default: as the input. */
  readonly outputType?: 'float32' | 'float16' | 'uint8';
  /** Channels of the picture. Default 3. */
  readonly channels?: 1 | 3;
  readonly noise?: 'value' | 'map' | 'plane';
  /** Default: free. */
  readonly fixed?: { readonly width: number; readonly height: number };
  /** The result is what the network takes away, or what is to be added. */
  readonly residual?: 'removed' | 'added';
  /** For each channel what the blur is multiplied by. Default: strong, and different for each. */
  readonly gain?: readonly number[];
  /** The result is multiplied by it, and then something is added, for all channels or for each. Default: neither. */
  readonly scale?: number | readonly number[];
  readonly shift?: number | readonly number[];
  /** Side of the result, in those of the picture. Default 1. */
  readonly enlarged?: number;
  /** The noise level comes before the picture, and before the result comes another picture: minus the one that went in. */
  readonly decoys?: boolean;
}

/** A blur that is not the same in any two directions, and a gain that is not the same for any two channels. */
const KERNEL = [0.02, 0.08, 0.05, 0.15, 0.4, 0.1, 0.07, 0.03, 0.1] as const;
const GAIN = [1, 0.8, 0.6] as const;
/** What a noise level of 1 adds to every value. */
const NOISE = 0.25;

const each = (values: number | readonly number[], channel: number): number =>
  typeof values === 'number' ? values : (values[channel] as number);

/** y_c = scale_c (gain_c (kernel * x_c) + noise / 4) + shift_c, with zeros around the picture; as a residual x - y or y - x. */
export function pictureNetwork(form: Form): Uint8Array {
  const { layout = 'nchw', type = 'float32', channels = 3, noise, fixed, gain = GAIN } = form;
  const { outputType = type, residual, scale = 1, shift = 0, enlarged = 1, decoys = false } = form;
  const { width, height } = fixed ?? { width: SIDE, height: SIDE };
  const graph = new Graph();
  const count = channels + (noise === 'plane' ? 1 : 0);
  const shapeOf = (planes: number) => (layout === 'nchw' ? [1, planes, height, width] : [1, height, width, planes]);
  const planesFirst = (x: Tensor) => (layout === 'nchw' ? x : f.transpose(x, [0, 3, 1, 2]));
  const placed = (x: Tensor) => (layout === 'nchw' ? x : f.transpose(x, [0, 2, 3, 1]));
  const read = (name: string, shape: readonly number[]) => f.cast(graph.input(name, shape, type), 'float32');
  const sigma = () =>
    noise === 'map'
      ? planesFirst(read('sigma', shapeOf(1)))
      : noise === 'value'
        ? read('sigma', [1, 1, 1, 1])
        : undefined;
  const first = decoys ? sigma() : undefined;
  const whole = planesFirst(read('picture', shapeOf(count)));
  const told = first ?? sigma();
  const perChannel = (values: number | readonly number[]) =>
    graph.constant(
      Float32Array.from({ length: channels }, (_, c) => each(values, c)),
      [1, channels, 1, 1],
      'float32',
    );
  const x = noise === 'plane' ? f.slice(whole, 1, 0, channels) : whole;
  const weight = graph.constant(
    Float32Array.from({ length: channels * 9 }, (_, i) => each(gain, Math.floor(i / 9)) * (KERNEL[i % 9] as number)),
    [channels, 1, 3, 3],
    'float32',
  );
  let y = f.conv(x, weight, undefined, { padding: 1, group: channels });
  if (noise === 'plane') y = f.add(y, f.mul(f.slice(whole, 1, channels, channels + 1), NOISE));
  if (told) y = f.add(y, f.mul(told, NOISE));
  if (residual) y = residual === 'removed' ? f.sub(x, y) : f.sub(y, x);
  if (scale !== 1) y = f.mul(y, perChannel(scale));
  if (shift !== 0) y = f.add(y, perChannel(shift));
  // What it shows does not matter: such a network is refused.
  if (enlarged > 1)
    y = f.depthToSpace(
      f.concat(
        Array.from({ length: enlarged ** 2 }, () => y),
        1,
      ),
      enlarged,
    );
  if (decoys) graph.output('decoy', f.cast(placed(f.neg(x)), outputType));
  // Casting cuts off.
  graph.output('result', f.cast(placed(outputType === 'uint8' ? f.add(y, 0.5) : y), outputType));
  const model = emitModel(graph);
  return fixed ? model : freeSides(model, layout === 'nchw' ? [2, 3] : [1, 2]);
}

export interface Expectation {
  readonly channels?: 1 | 3;
  /** The network's first channel is blue. */
  readonly bgr?: boolean;
  readonly low?: number;
  readonly high?: number;
  /** For all colours, or for red, green and blue. */
  readonly mean?: number | readonly number[];
  readonly std?: number | readonly number[];
  /** See the form. */
  readonly gain?: readonly number[];
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
  const { channels = 3, bgr = false, low = 0, high = 1, mean = 0, std = 1 } = expectation;
  const { noise = 0, multiple = 16, gain = GAIN } = expectation;
  const [wide, tall] = [multiple * Math.ceil(width / multiple), multiple * Math.ceil(height / multiple)];
  const colour = (x: number, y: number, c: number) =>
    picture[(reflect(y, height) * width + reflect(x, width)) * 3 + c] as number;
  const plane = (x: number, y: number, c: number) =>
    channels === 3 ? colour(x, y, c) : LUMA.reduce((sum, share, of) => sum + share * colour(x, y, of), 0);
  const fed = (x: number, y: number, c: number) =>
    x < 0 || y < 0 || x >= wide || y >= tall
      ? 0
      : low + ((high - low) * (plane(x, y, c) - each(mean, c))) / each(std, c);
  const result: number[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const of = channels === 1 ? 0 : bgr ? 2 - c : c;
        let sum = 0;
        for (let k = 0; k < 9; k++) {
          sum += (KERNEL[k] as number) * fed(x + (k % 3) - 1, y + Math.floor(k / 3) - 1, channels === 1 ? 0 : c);
        }
        const value = (each(gain, of) * sum + NOISE * noise - low) / (high - low);
        const restored = value * each(std, c) + each(mean, c);
        result.push(channels === 3 ? restored : colour(x, y, c) + restored - plane(x, y, 0));
      }
  return result;
}
