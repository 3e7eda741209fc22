/**
 * Sensor noise as the field's benchmarks define it: additive white Gaussian noise on 8-bit values, clipped.
 *
 * @module
 */
import { createRaster, type Raster } from '../../image/raster.ts';

/** Largest sigma that the project trains on and reports; strength 1 in `Findings`. */
export const FULL_NOISE_SIGMA = 55;

/** A picture as an 8-bit file would hold it: clipped to 0..1 and rounded to multiples of 1/255. */
export function quantise(image: Raster): Raster {
  const out = createRaster(image.width, image.height);
  for (let i = 0; i < out.data.length; i++) out.data[i] = toByte(image.data[i] as number) / 255;
  return out;
}

/**
 * round(clip(x + sigma/255 z)) to 8 bits.
 *
 * @param sigma standard deviation in 8-bit units (0..255)
 * @param field z, N(0, 1), [3, height, width]
 */
export function addGaussianNoise(image: Raster, sigma: number, field: Float32Array): Raster {
  const out = createRaster(image.width, image.height);
  const scale = sigma / 255;
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = toByte((image.data[i] as number) + scale * (field[i] as number)) / 255;
  }
  return out;
}

function toByte(value: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, value)));
}
