/**
 * Frechet distance of two sets of feature vectors; with Inception features it is FID.
 *
 * Heusel et al.: GANs trained by a two time-scale update rule converge to a local Nash equilibrium. NeurIPS 2017.
 *
 * @module
 */
import { Matrix, QrDecomposition, SingularValueDecomposition } from 'ml-matrix';
import { ClearwordError } from '../errors.ts';

/** Feature vectors, one a row: `values` [count, length]. */
export interface FeatureSet {
  readonly values: Float64Array;
  readonly count: number;
  readonly length: number;
}

/**
 * Squared Frechet distance of the normal distributions with the means and sample covariances of two sets:
 *
 *   d = |m_a - m_b|^2 + tr(S_a) + tr(S_b) - 2 tr((S_a S_b)^1/2),  0 for equal sets.
 *
 * The square root is never formed. With centred rows X (S = X'X / (n - 1)), S_a S_b has the squares of the singular values
 * of X_a X_b' as its eigenvalues, apart from zeros and (n_a - 1)(n_b - 1), so that the last trace is a sum of singular
 * values: exact also where the covariances are singular (fewer pictures than features), without the regularisation that a
 * matrix square root then needs, and no larger than the number of pictures. A set with more rows than features is replaced
 * by the triangle of its QR decomposition, which has the same covariance.
 */
export function frechetDistance(a: FeatureSet, b: FeatureSet): number {
  if (a.length !== b.length) throw new RangeError(`expected features of one length, received ${a.length}, ${b.length}`);
  const [first, second] = [centred(a), centred(b)];
  const cross = triangle(first.rows).mmul(triangle(second.rows).transpose());
  const options = { computeLeftSingularVectors: false, computeRightSingularVectors: false, autoTranspose: true };
  const nuclear = new SingularValueDecomposition(cross, options).diagonal.reduce((sum, value) => sum + value, 0);
  const shared = nuclear / Math.sqrt((a.count - 1) * (b.count - 1));
  const means = first.mean.reduce((sum, value, i) => sum + (value - (second.mean[i] ?? 0)) ** 2, 0);
  const traces = squares(first.rows) / (a.count - 1) + squares(second.rows) / (b.count - 1);
  // Rounding may leave a little below zero for equal sets.
  return Math.max(0, means + traces - 2 * shared);
}

function centred({ values, count, length }: FeatureSet): { rows: Matrix; mean: number[] } {
  if (count < 2) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected at least 2 pictures for a Frechet distance, received ${count}`,
      { fix: 'Compare more pictures: FID is about distributions.' },
    );
  }
  const rows = new Matrix(count, length);
  const mean = Array.from({ length }, () => 0);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < length; column++) {
      const value = values[row * length + column] ?? Number.NaN;
      rows.set(row, column, value);
      mean[column] = (mean[column] ?? 0) + value / count;
    }
  }
  return { rows: rows.subRowVector(mean), mean };
}

/** A matrix with the same product X'X and at most as many rows as columns. */
function triangle(rows: Matrix): Matrix {
  return rows.rows <= rows.columns ? rows : new QrDecomposition(rows).upperTriangularMatrix;
}

function squares(rows: Matrix): number {
  let sum = 0;
  for (let row = 0; row < rows.rows; row++) for (const value of rows.getRow(row)) sum += value * value;
  return sum;
}
