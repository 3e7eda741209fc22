/**
 * The one in-memory form of a picture: planar float32 RGB.
 *
 * @module
 */

/** `data` is [3, height, width], row-major, sRGB values in 0..1. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

export function createRaster(width: number, height: number): Raster {
  return { width, height, data: new Float32Array(3 * width * height) };
}

/** Index mirrored into 0..size - 1 without repeating the edge: -1 -> 1, size -> size - 2; any distance away. */
export function reflect(index: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const folded = ((index % period) + period) % period;
  return folded < size ? folded : period - folded;
}
