/**
 * Structural similarity (Wang et al. 2004, Image quality assessment: from error visibility to structural similarity).
 *
 * @module
 */

import { ClearwordError } from '../errors.ts';
import type { Raster } from '../image/raster.ts';
import { comparablePlanes, type PlaneOptions } from './planes.ts';

/** Gaussian window of the paper: 11 taps, sigma 1.5, normalised. */
const TAPS = 11;
const SIGMA = 1.5;
const WINDOW = gaussianWindow();
/** (K1 L)^2 and (K2 L)^2 with K1 = 0.01, K2 = 0.03 and the data range L = 1. */
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;
/** The local averages that SSIM needs: of a, b, a^2, b^2 and a b. */
const MOMENTS = 5;

/**
 * Mean over channels and over all places where the window fits inside the picture of
 *
 *   (2 mA mB + C1)(2 cov + C2) / ((mA^2 + mB^2 + C1)(vA + vB + C2))
 *
 * with means, variances and covariance weighted by the Gaussian window (population, not sample). Pictures in 0..1 and at
 * least 11x11. Range -1..1; 1 for equal pictures. Equal to skimage's `structural_similarity` with gaussian_weights and
 * without sample covariance.
 */
export function ssim(a: Raster, b: Raster, options: PlaneOptions = {}): number {
  const { width, height } = a;
  if (width < TAPS || height < TAPS) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected pictures of at least ${TAPS}x${TAPS} pixels for SSIM, received ${width}x${height}`,
      { fix: 'Compare larger pictures, or use PSNR.' },
    );
  }
  const planes = comparablePlanes(a, b, options);
  return planes.reduce((sum, [x, y]) => sum + planeSsim(x, y, width, height), 0) / planes.length;
}

/** SSIM of one channel. Only the last 11 rows of horizontally averaged moments are held, whatever the height. */
function planeSsim(a: Float64Array, b: Float64Array, width: number, height: number): number {
  const places = width - TAPS + 1;
  const rows = Array.from({ length: TAPS }, () => new Float64Array(places * MOMENTS));
  const moments = new Float64Array(places * MOMENTS);
  let sum = 0;
  for (let y = 0; y < height; y++) {
    averageRow(a, b, y * width, rows[y % TAPS] as Float64Array);
    if (y < TAPS - 1) continue;
    moments.fill(0);
    for (let k = 0; k < TAPS; k++) {
      const row = rows[(y - TAPS + 1 + k) % TAPS] as Float64Array;
      const weight = WINDOW[k] as number;
      for (let i = 0; i < moments.length; i++) moments[i] = (moments[i] as number) + weight * (row[i] as number);
    }
    for (let i = 0; i < moments.length; i += MOMENTS) sum += similarity(moments, i);
  }
  return sum / (places * (height - TAPS + 1));
}

/** The five moments of the row that starts at `start`, averaged over the window horizontally: `out` [places, 5]. */
function averageRow(a: Float64Array, b: Float64Array, start: number, out: Float64Array): void {
  for (let i = 0, x = start; i < out.length; i += MOMENTS, x++) {
    let [mA, mB, mAA, mBB, mAB] = [0, 0, 0, 0, 0];
    for (let k = 0; k < TAPS; k++) {
      const weight = WINDOW[k] as number;
      const valueA = a[x + k] as number;
      const valueB = b[x + k] as number;
      mA += weight * valueA;
      mB += weight * valueB;
      mAA += weight * valueA * valueA;
      mBB += weight * valueB * valueB;
      mAB += weight * valueA * valueB;
    }
    out[i] = mA;
    out[i + 1] = mB;
    out[i + 2] = mAA;
    out[i + 3] = mBB;
    out[i + 4] = mAB;
  }
}

/** SSIM at one place, from its five moments at `i`. */
function similarity(moments: Float64Array, i: number): number {
  const mA = moments[i] as number;
  const mB = moments[i + 1] as number;
  const varianceA = (moments[i + 2] as number) - mA * mA;
  const varianceB = (moments[i + 3] as number) - mB * mB;
  const covariance = (moments[i + 4] as number) - mA * mB;
  return ((2 * mA * mB + C1) * (2 * covariance + C2)) / ((mA * mA + mB * mB + C1) * (varianceA + varianceB + C2));
}

function gaussianWindow(): Float64Array {
  const weights = Float64Array.from({ length: TAPS }, (_, k) =>
    Math.exp(-((k - (TAPS - 1) / 2) ** 2) / (2 * SIGMA ** 2)),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
