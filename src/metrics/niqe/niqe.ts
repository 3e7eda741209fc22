/**
 * NIQE, a quality measure that needs no reference: how far the natural scene statistics of a picture are from those of
 * undistorted photos.
 *
 * Mittal, Soundararajan, Bovik: Making a "completely blind" image quality analyzer. IEEE Signal Processing Letters 2013.
 * The features and the distance are the paper's; the model of undistorted photos is this project's own (fitted by
 * scripts/fit-niqe.ts), so that values are comparable with each other but not with those of other implementations.
 *
 * @module
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { ClearwordError } from '../../errors.ts';
import type { Raster } from '../../image/raster.ts';
import { FEATURES, PATCH, type PatchStatistics, patchStatistics } from './natural-scene.ts';

/** A normal distribution of patch features. */
export interface NaturalSceneModel {
  /** [36]. */
  readonly mean: readonly number[];
  /** [36, 36], row-major. */
  readonly covariance: readonly number[];
}

/** Patches at least this sharp, relative to the sharpest of their picture, show what undistorted photos look like. */
const SHARP = 0.75;

/** Mean and sample covariance of feature vectors. */
function normalOf(patches: readonly PatchStatistics[]): NaturalSceneModel {
  const mean = Array.from(
    { length: FEATURES },
    (_, i) => patches.reduce((sum, { features }) => sum + (features[i] ?? 0), 0) / patches.length,
  );
  const covariance = Array.from({ length: FEATURES ** 2 }, (_, k) => {
    const [i, j] = [Math.floor(k / FEATURES), k % FEATURES];
    const spread = (values: Float64Array, axis: number) => (values[axis] ?? 0) - (mean[axis] ?? 0);
    const sum = patches.reduce((total, { features }) => total + spread(features, i) * spread(features, j), 0);
    return sum / (patches.length - 1);
  });
  return { mean, covariance };
}

/** Grids of patches that the model is fitted to: the second of each axis lies between the patches of the first. */
const GRIDS = [0, PATCH / 2].flatMap((top) => [0, PATCH / 2].map((left) => ({ left, top })));

/** Fits the model to undistorted photos, of each its sharp patches; there have to be more of them than features. */
export function fitNaturalScenes(photos: Iterable<Raster>): NaturalSceneModel & { readonly patches: number } {
  const chosen: PatchStatistics[] = [];
  for (const photo of photos) {
    const patches = GRIDS.flatMap(({ left, top }) => patchStatistics(photo, left, top));
    const sharpest = patches.reduce((most, { sharpness }) => Math.max(most, sharpness), 0);
    chosen.push(...patches.filter(({ sharpness }) => sharpness > SHARP * sharpest));
  }
  if (chosen.length <= FEATURES) {
    throw new ClearwordError(
      'DATA_INVALID',
      `expected more than ${FEATURES} sharp patches of ${PATCH}x${PATCH} pixels to fit NIQE, received ${chosen.length}`,
      { fix: 'Give more, or larger, undistorted photos.' },
    );
  }
  return { ...normalOf(chosen), patches: chosen.length };
}

/**
 * ((m - m_p)' ((S + S_p) / 2)^+ (m - m_p))^1/2, with mean m and covariance S of the picture's patches and m_p, S_p of the
 * model; 0 and up, lower is better (undistorted photos: about 3 to 6). The picture shows at least two patches, 192x96 pixels.
 */
export function niqe(picture: Raster, model: NaturalSceneModel): number {
  const patches = patchStatistics(picture);
  if (patches.length < 2) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected at least two patches of ${PATCH}x${PATCH} pixels for NIQE, received a picture of ${picture.width}x${picture.height}`,
      { fix: 'Measure larger pictures.' },
    );
  }
  const own = normalOf(patches);
  const pooled = Matrix.from1DArray(
    FEATURES,
    FEATURES,
    own.covariance.map((value, i) => (value + (model.covariance[i] ?? 0)) / 2),
  );
  const difference = own.mean.map((value, i) => value - (model.mean[i] ?? 0));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(pooled, { assumeSymmetric: true });
  // The pseudo-inverse leaves out directions without variance; MATLAB's tolerance.
  const tolerance = FEATURES * Number.EPSILON * Math.max(...realEigenvalues);
  let sum = 0;
  realEigenvalues.forEach((eigenvalue, k) => {
    if (eigenvalue <= tolerance) return;
    const along = difference.reduce((total, value, i) => total + value * eigenvectorMatrix.get(i, k), 0);
    sum += along ** 2 / eigenvalue;
  });
  return Math.sqrt(sum);
}
