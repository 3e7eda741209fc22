/**
 * Muon (Jordan et al. 2024) for the matrices of the network, AdamW for everything else.
 *
 * Beside the published form: the momentum is AdamW's own first moment, a mean and not a sum, which the normalisation makes
 * the same; the second moment is kept for matrices too, so that a run may go on with either optimiser.
 *
 * @module
 */
import * as f from '../../graph/functions.ts';
import type { ParameterLayout } from '../../graph/parameters.ts';
import { dim, type Tensor } from '../../graph/tensor.ts';
import { ADAM_STATE, adamCorrections, adamUpdate, decayed, moments } from './adamw.ts';
import { type MuonMatrix, muonMatrices } from './muon-matrices.ts';
import { optimiserOf } from './optimiser.ts';

/** Jordan et al.'s quintic: steepest at zero, so that five steps bring singular values from 0.003 up into 0.7..1.2. */
const [LINEAR, CUBIC, QUINTIC] = [3.4445, -4.775, 2.0315];
const ITERATIONS = 5;
/** A matrix shorter than this has no direction worth following; it moves by less, and one of zeros not at all. */
const SHORTEST = 1e-7;
/**
 * Liu et al. 2025: an orthogonal matrix [r,c] times sqrt(max(r, c)) has a root mean square of 1; AdamW's updates have about
 * 0.2, so that its learning rate and weight decay carry over.
 */
const scaleOf = ({ rows, columns }: MuonMatrix) => 0.2 * Math.sqrt(Math.max(rows, columns));

/**
 * Brings all singular values of x [B,r,c] near 1 and keeps its singular vectors (Newton-Schulz):
 *
 *   X = x / |x|_F, transposed if tall;  five times X = 3.4445 X + (-4.7750 A + 2.0315 A A) X,  A = X X^T
 */
export function orthogonalised(x: Tensor): Tensor {
  const tall = dim(x.shape, 1) > dim(x.shape, 2);
  const transposed = (y: Tensor) => f.transpose(y, [0, 2, 1]);
  const wide = tall ? transposed(x) : x;
  const length = f.sqrt(f.reduceSum(f.square(wide), [1, 2], true));
  let y = f.div(wide, f.maximum(length, SHORTEST));
  for (let i = 0; i < ITERATIONS; i++) {
    const gram = f.matMul(y, transposed(y));
    const factor = f.add(f.mul(gram, CUBIC), f.mul(f.matMul(gram, gram), QUINTIC));
    y = f.add(f.mul(y, LINEAR), f.matMul(factor, y));
  }
  return tall ? transposed(y) : y;
}

/** A stretch of the flat vector: a matrix, or everything up to the next one. */
interface Stretch {
  readonly size: number;
  readonly matrix?: MuonMatrix;
}

function stretchesOf({ size }: ParameterLayout, matrices: readonly MuonMatrix[]): Stretch[] {
  const stretches: Stretch[] = [];
  let end = 0;
  for (const matrix of matrices) {
    if (matrix.offset > end) stretches.push({ size: matrix.offset - end });
    const length = matrix.rows * matrix.columns;
    stretches.push({ size: length, matrix });
    end = matrix.offset + length;
  }
  if (size > end) stretches.push({ size: size - end });
  return stretches;
}

/**
 * Updates of matrices, each a flat part of a vector, as flat parts again. Matrices of one shape are one batch: products are
 * then large enough to be fast.
 */
function matrixUpdates(parts: ReadonlyMap<MuonMatrix, Tensor>, learningRate: Tensor): Map<MuonMatrix, Tensor> {
  const shapes = new Map<string, MuonMatrix[]>();
  for (const matrix of parts.keys()) {
    const key = `${matrix.rows},${matrix.columns}`;
    shapes.set(key, [...(shapes.get(key) ?? []), matrix]);
  }
  const updates = new Map<MuonMatrix, Tensor>();
  for (const alike of shapes.values()) {
    const [first] = alike as [MuonMatrix, ...MuonMatrix[]];
    const { rows, columns } = first;
    const size = rows * columns;
    const stacked = f.concat(
      alike.map((matrix) => parts.get(matrix) as Tensor),
      0,
    );
    const rate = f.mul(learningRate, scaleOf(first));
    const update = f.mul(orthogonalised(f.reshape(stacked, [alike.length, rows, columns])), rate);
    const flat = f.split(
      f.reshape(update, [-1]),
      0,
      alike.map(() => size),
    );
    alike.forEach((matrix, i) => {
      updates.set(matrix, flat[i] as Tensor);
    });
  }
  return updates;
}

/**
 * For a matrix W [r,c] with the gradient g and the first moment m of this step:
 *
 *   W = W (1 - lr wd) - lr 0.2 sqrt(max(r, c)) orthogonalised(b1 m + (1 - b1) g)
 *
 * Everything else is AdamW with `otherLearningRate`. A layout without matrices is AdamW altogether.
 */
export const muon = optimiserOf({
  state: ADAM_STATE,
  scalars: {
    learningRate: ({ learningRate }) => learningRate,
    otherLearningRate: ({ otherLearningRate }) => otherLearningRate,
    ...adamCorrections,
  },
  next: (step) => {
    const { layout, config, parameters, gradient, scalars } = step;
    const { learningRate, otherLearningRate } = scalars;
    const stretches = stretchesOf(layout, muonMatrices(layout, config.only));
    const sizes = stretches.map(({ size }) => size);
    const next = moments(step);
    const [beta] = config.betas;
    const nesterov = f.split(f.add(f.mul(next.momentum, beta), f.mul(gradient, 1 - beta)), 0, sizes);
    const parts = new Map(stretches.flatMap(({ matrix }, i) => (matrix ? [[matrix, nesterov[i] as Tensor]] : [])));
    const updates = matrixUpdates(parts, learningRate);
    const others = f.split(adamUpdate(next, scalars, otherLearningRate, config.eps), 0, sizes);
    const update = f.concat(
      stretches.map(({ matrix }, i) => (matrix ? updates.get(matrix) : others[i]) as Tensor),
      0,
    );
    const rates = () =>
      f.concat(
        stretches.map(({ matrix, size }) =>
          f.expand(f.reshape(matrix ? learningRate : otherLearningRate, [1]), [size]),
        ),
        0,
      );
    const kept = config.weightDecay === 0 ? parameters : decayed(parameters, rates(), config.weightDecay);
    return { ...next, parameters: f.sub(kept, update) };
  },
});
