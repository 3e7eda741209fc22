/**
 * From a tile to what a network takes, and back.
 *
 * In:  v -> low + (high - low) (v - mean) / std, with [low, high] the network's range, channel by channel.
 * Out: the same undone; a residual is a difference, so that only its scale counts.
 *
 * @module
 */

import type { Raster } from '../../image/raster.ts';
import type { HostTensor } from '../../runtime/protocol.ts';
import { fromHalf, toHalf } from '../float-formats.ts';
import type { Range } from './descriptor.ts';
import type { PixelType, Reading } from './reading.ts';

const BOUNDS: Readonly<Record<Range, readonly [low: number, high: number]>> = {
  '0..1': [0, 1],
  '-1..1': [-1, 1],
  '0..255': [0, 255],
};

/** ITU-R BT.601, as deraining papers have it. */
const LUMA = [0.299, 0.587, 0.114] as const;

/** The planes that the network sees, in its order: indices into red, green and blue. */
const ORDER = { rgb: [0, 1, 2], bgr: [2, 1, 0], y: [0] } as const;

/** [1, height, width] of [3, height, width]. */
function lumaOf({ data, width, height }: Raster): Float32Array {
  const plane = width * height;
  const luma = new Float32Array(plane);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < plane; i++) luma[i] = (luma[i] as number) + LUMA[c as 0] * (data[c * plane + i] as number);
  }
  return luma;
}

/** Where pixel `i` of channel `c` lies: planes one after the other, or the channels of each pixel together. */
type Place = (c: number, i: number) => number;
const placeOf = (layout: Reading['layout'], channels: number, plane: number): Place =>
  layout === 'nchw' ? (c, i) => c * plane + i : (c, i) => i * channels + c;

/** Values in the element type of an input. */
export function tensorOf(values: Float32Array, shape: readonly number[], dtype: PixelType): HostTensor {
  if (dtype === 'float32') return { dtype, shape, data: values };
  if (dtype === 'float16') return { dtype, shape, data: Uint16Array.from(values, toHalf) };
  return { dtype, shape, data: Uint8Array.from(values, (value) => Math.round(Math.min(255, Math.max(0, value)))) };
}

/** Values of an output, whatever their type; undefined for one that holds no pixels. */
export function valuesOf({ dtype, data }: HostTensor): Float32Array | undefined {
  if (dtype === 'float32') return data instanceof Float32Array ? data : undefined;
  if (dtype === 'uint8') return data instanceof Uint8Array ? Float32Array.from(data) : undefined;
  if (dtype !== 'float16') return undefined;
  // A runtime that has arrays of halves gives those, any other one their bits.
  return data instanceof Uint16Array ? Float32Array.from(data, fromHalf) : Float32Array.from(data as ArrayLike<number>);
}

/**
 * The picture as the network takes it.
 *
 * @param noise value of a plane of the noise level, where that is one more channel
 */
export function toInput(tile: Raster, reading: Reading, noise: number | undefined): HostTensor {
  const { width, height } = tile;
  const { layout, channels, range, mean, std, input } = reading;
  const plane = width * height;
  const order = ORDER[channels];
  const count = order.length + (noise === undefined ? 0 : 1);
  const values = new Float32Array(count * plane);
  const place = placeOf(layout, count, plane);
  const [low, high] = BOUNDS[range];
  const planes = channels === 'y' ? lumaOf(tile) : tile.data;
  order.forEach((from, c) => {
    const scale = (high - low) / (std[from] as number);
    const shift = low - scale * (mean[from] as number);
    for (let i = 0; i < plane; i++) values[place(c, i)] = shift + scale * (planes[from * plane + i] as number);
  });
  if (noise !== undefined) for (let i = 0; i < plane; i++) values[place(order.length, i)] = noise;
  const shape = layout === 'nchw' ? [1, count, height, width] : [1, height, width, count];
  return tensorOf(values, shape, input.type);
}

/** The restored tile [3, height, width]. A network of luma moves all three colours alike, which keeps Cb and Cr. */
export function fromOutput(values: Float32Array, tile: Raster, reading: Reading): Float32Array {
  const { layout, channels, outputRange, mean, std, normalisedOutput, residual } = reading;
  const plane = tile.width * tile.height;
  const order = ORDER[channels];
  const place = placeOf(layout, order.length, plane);
  const [low, high] = BOUNDS[outputRange];
  const before = channels === 'y' ? lumaOf(tile) : tile.data;
  const restored = new Float32Array(order.length * plane);
  order.forEach((to, c) => {
    const scale = (normalisedOutput ? (std[to] as number) : 1) / (high - low);
    const shift = (normalisedOutput ? (mean[to] as number) : 0) - scale * low;
    const sign = residual === 'removed' ? -1 : 1;
    for (let i = 0; i < plane; i++) {
      const value = values[place(c, i)] as number;
      const at = to * plane + i;
      restored[at] = residual === 'none' ? shift + scale * value : (before[at] as number) + sign * scale * value;
    }
  });
  if (channels !== 'y') return restored;
  const coloured = new Float32Array(3 * plane);
  for (let i = 0; i < coloured.length; i++) {
    const pixel = i % plane;
    coloured[i] = (tile.data[i] as number) + (restored[pixel] as number) - (before[pixel] as number);
  }
  return coloured;
}
