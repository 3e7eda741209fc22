/**
 * The detector: a sharper eye of the controller, for judging alone.
 *
 * The controller's embedding speaks to the network, and means over a picture are enough for that. To judge is harder: weak noise
 * shows in a few flat places, blocks on smooth slopes, and texture is everywhere. The detector therefore chooses where it looks:
 * averages are weighted by its own attention (Ilse et al. 2018, "Attention-based deep multiple instance learning"), the tiles of a
 * picture being the instances. What it finds is added to the logits that the controller has without it.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import { conv2d, linear } from '../nn/layers.ts';
import type { DetectorConfig } from './preset-schema.ts';

/** Attention of a place is e^-5 .. e^5 of the usual. */
const MOST_ATTENTION = 5;

/** Two convolutions at each level, without normalisation: strengths must show. */
function features(picture: Tensor, widths: readonly number[]): Tensor {
  let h = f.spaceToDepth(f.sub(f.mul(picture, 2), 1), 2);
  widths.forEach((width, i) => {
    const first = i === 0 ? { kernel: 3 } : { kernel: 4, stride: 2, padding: 1 };
    for (const [name, shape] of Object.entries({ enter: first, stay: { kernel: 3 } })) {
      // He et al. 2015.
      const bound = Math.sqrt(6 / (dim(h.shape, 1) * shape.kernel ** 2));
      h = f.gelu(conv2d(h, `convs.${i}.${name}`, width, { ...shape, initialiser: { kind: 'uniform', bound } }));
    }
  });
  return h;
}

/** Values that {@link detectorStatistics} gives for a picture. */
export const detectorSize = ({ widths, heads }: DetectorConfig): number => 3 * (widths.at(-1) ?? 0) + heads;

/**
 * Pictures [N,3,H,W] (H and W multiples of 2^widths) -> [N,3C+heads]: means of features weighted by attention, means of the
 * attention, means and mean squares of the features. All are means over places, so that those of tiles of one size average to
 * those of the whole.
 */
export function detectorStatistics(picture: Tensor, { widths, heads }: DetectorConfig): Tensor {
  const h = features(picture, widths);
  const [n, c] = [dim(h.shape, 0), dim(h.shape, 1)];
  const scores = conv2d(h, 'attention', heads, { kernel: 1 });
  const bounded = f.mul(f.tanh(f.div(scores, MOST_ATTENTION)), MOST_ATTENTION);
  const attention = f.reshape(f.exp(bounded), [n, heads, 1, -1]);
  const values = f.reshape(h, [n, heads, c / heads, -1]);
  const weighted = f.reshape(f.reduceMean(f.mul(values, attention), [3]), [n, c]);
  const total = f.reshape(f.reduceMean(attention, [3]), [n, heads]);
  return f.concat([weighted, total, f.reduceMean(h, [2, 3]), f.reduceMean(f.square(h), [2, 3])], 1);
}

/** What the statistics [M,3C+heads] of whole pictures say, [M,3C]: attention divided out, roots instead of squares. */
export function detectorFeatures(statistics: Tensor, { widths, heads }: DetectorConfig): Tensor {
  const [m, c] = [dim(statistics.shape, 0), widths.at(-1) ?? 0];
  const [weighted, total, means, squares] = f.split(statistics, 1, [c, heads, c, c]) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const chosen = f.div(f.reshape(weighted, [m, heads, -1]), f.reshape(total, [m, heads, 1]));
  return f.concat([f.reshape(chosen, [m, c]), means, f.sqrt(f.add(squares, 1e-6))], 1);
}

export interface DetectorOutput {
  /** Added to the logits of presence, [M,D]. */
  readonly presence: Tensor;
  /** Added to the logits of strength, [M,D]. */
  readonly strength: Tensor;
}

/** @param seen everything that is known of the pictures, [M,F]. A fresh detector changes nothing. */
export function detectorHead(seen: Tensor, degradations: number): DetectorOutput {
  const h = f.gelu(linear(seen, 'hidden', 256));
  const out = (name: string) => linear(h, name, degradations, { initialiser: { kind: 'zeros' }, bias: false });
  return { presence: out('presence'), strength: out('strength') };
}
