/**
 * What the pixel metrics compare: the planes of two pictures, brought to one convention.
 *
 * @module
 */

import { ClearwordError } from '../errors.ts';
import type { Raster } from '../image/raster.ts';

export interface PlaneOptions {
  /**
   * `rgb` (default): all three channels. `luma`: Y of BT.601 as in MATLAB's rgb2ycbcr, which deraining papers report;
   * Y = (16 + 65.481 R + 128.553 G + 24.966 B) / 255, 16/255..235/255, not rounded.
   */
  readonly channels?: 'rgb' | 'luma';
  /** Clip R, G and B to 0..1 and round them to multiples of 1/255 first, as an 8-bit file would. Default: false. */
  readonly eightBit?: boolean;
}

/** The planes of both pictures, channel by channel: float64 [height, width] in 0..1. */
export function comparablePlanes(a: Raster, b: Raster, options: PlaneOptions): [Float64Array, Float64Array][] {
  if (a.width !== b.width || a.height !== b.height) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected two pictures of one size to compare, received ${a.width}x${a.height} and ${b.width}x${b.height}`,
      { fix: 'Crop or scale one of the pictures.' },
    );
  }
  const [planesA, planesB] = [planesOf(a, options), planesOf(b, options)];
  return planesA.map((plane, channel) => [plane, planesB[channel] as Float64Array]);
}

function planesOf(
  { width, height, data }: Raster,
  { channels = 'rgb', eightBit = false }: PlaneOptions,
): Float64Array[] {
  const size = width * height;
  const rgb = [0, 1, 2].map((channel) => {
    const plane = new Float64Array(data.subarray(channel * size, (channel + 1) * size));
    return eightBit ? plane.map((value) => Math.round(Math.min(Math.max(value, 0), 1) * 255) / 255) : plane;
  }) as [Float64Array, Float64Array, Float64Array];
  if (channels === 'rgb') return rgb;
  const [red, green, blue] = rgb;
  return [red.map((r, i) => (16 + 65.481 * r + 128.553 * (green[i] as number) + 24.966 * (blue[i] as number)) / 255)];
}
