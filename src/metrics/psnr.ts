/**
 * Peak signal-to-noise ratio.
 *
 * @module
 */
import type { Raster } from '../image/raster.ts';
import { comparablePlanes, type PlaneOptions } from './planes.ts';

/**
 * 10 log10(1 / MSE) in dB, MSE over all pixels and compared channels of two pictures in 0..1 (so the peak is 1, for luma
 * too). Infinity for equal pictures.
 */
export function psnr(a: Raster, b: Raster, options: PlaneOptions = {}): number {
  const planes = comparablePlanes(a, b, options);
  let sum = 0;
  for (const [x, y] of planes) {
    for (let i = 0; i < x.length; i++) sum += ((x[i] as number) - (y[i] as number)) ** 2;
  }
  return -10 * Math.log10(sum / (planes.length * a.width * a.height));
}
