/**
 * The pictures that networks are tried on, and how results are compared.
 *
 * @module
 */
import { createRaster, type Raster } from '../../image/raster.ts';

/** Flat grey, a ramp from black to white, and waves of all lengths with some noise. */
export const pictures = {
  flat: (side: Side) => fill(side, () => 0.5),
  ramp: (side: Side) => fill(side, (x, y) => (x + y) / (side.width + side.height)),
  texture: (side: Side) =>
    fill(side, (x, y, c) => {
      const wave =
        Math.sin(0.05 * x + c) + Math.cos(0.09 * y - c) + 0.6 * Math.sin(0.7 * x + 0.5 * y) * Math.cos(0.31 * y);
      return 0.5 + 0.15 * wave + 0.06 * (hash(x, y, c) - 0.5);
    }),
} as const;

export type Side = Pick<Raster, 'width' | 'height'>;

/** The same with noise of a standard deviation of 15 of 255. */
export function noisy({ width, height, data }: Raster): Raster {
  const spread = (15 / 255) * Math.sqrt(12);
  const plane = width * height;
  const dirty = data.map(
    (value, i) => value + spread * (hash(i % width, Math.floor(i / width) % height, 5 + Math.floor(i / plane)) - 0.5),
  );
  return { width, height, data: dirty };
}

/** A number 0..1 by place. */
function hash(x: number, y: number, c: number): number {
  const mixed = Math.imul(x * 374761393 + y * 668265263 + c * 974634217, 1274126177);
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32;
}

function fill({ width, height }: Side, value: (x: number, y: number, c: number) => number): Raster {
  const raster = createRaster(width, height);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) raster.data[(c * height + y) * width + x] = value(x, y, c);
  return raster;
}

/** The part of a picture that begins at a place, as far to the right as down. */
export function part({ width, height, data }: Raster, at: number, side: Side): Raster {
  const raster = createRaster(side.width, side.height);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < side.height; y++)
      for (let x = 0; x < side.width; x++)
        raster.data[(c * side.height + y) * side.width + x] = data[(c * height + y + at) * width + x + at] as number;
  return raster;
}

export function meanDifference(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] as number) - (b[i] as number));
  return sum / a.length;
}

/** Half of the square in the middle of a part. */
export const MIDDLE = 4;

/** Largest difference from the whole in the middle of a part that begins at a place, as far from its edges as it gets. */
export function middleDifference(whole: Raster, moved: Raster, at: number): number {
  const [left, top] = [moved.width >> 1, moved.height >> 1].map((middle) => middle - MIDDLE) as [number, number];
  let most = 0;
  for (let c = 0; c < 3; c++)
    for (let y = top; y < top + 2 * MIDDLE; y++)
      for (let x = left; x < left + 2 * MIDDLE; x++) {
        const other = whole.data[(c * whole.height + y + at) * whole.width + x + at] as number;
        most = Math.max(most, Math.abs((moved.data[(c * moved.height + y) * moved.width + x] as number) - other));
      }
  return most;
}
