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
