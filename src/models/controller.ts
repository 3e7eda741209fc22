/**
 * The degradation controller: what is wrong with a picture, as an embedding among the text embeddings of the words for it.
 *
 * As in DA-CLIP (Luo et al. 2024) a contrastive loss aligns the image embedding with the text embedding of its
 * degradations. Unlike CLIP's encoders it works on pixels at full resolution: shrinking a picture hides its noise.
 *
 * @module
 */

import { DEGRADATIONS, type Degradation } from '../degradations/index.ts';
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import { l2Normalise } from '../nn/functional.ts';
import { conv2d, linear } from '../nn/layers.ts';
import type { ControllerConfig } from './preset-schema.ts';

/** Every combination of degradations, from none to all: bit i of the index is DEGRADATIONS[i]. */
export const COMBINATIONS: readonly (readonly Degradation[])[] = Array.from(
  { length: 2 ** DEGRADATIONS.length },
  (_, bits) => DEGRADATIONS.filter((_, i) => bits & (1 << i)),
);

/** The texts that stand for the combinations. */
export const COMBINATION_TEXTS: readonly string[] = COMBINATIONS.map((names) =>
  names.length === 0 ? 'clean' : names.join(' and '),
);

/**
 * Local statistics of pictures [N,3,H,W] (H and W multiples of 2^(widths+1)): mean and mean square over positions of the
 * last features, [N,2C]. Means of tiles of one size average to the mean of the whole, so that a picture of any size is
 * described by its tiles.
 */
export function controllerStatistics(picture: Tensor, { widths }: ControllerConfig): Tensor {
  const { graph } = picture;
  return graph.scope('controller', () => {
    let h = f.spaceToDepth(f.sub(f.mul(picture, 2), 1), 2);
    widths.forEach((width, i) => {
      const shape = i === 0 ? { kernel: 3 } : { kernel: 4, stride: 2, padding: 1 };
      // He et al. 2015: without normalisation layers, which would hide how strong a noise is, signals must keep their size.
      const bound = Math.sqrt(6 / (dim(h.shape, 1) * shape.kernel ** 2));
      h = f.gelu(conv2d(h, `convs.${i}`, width, { ...shape, initialiser: { kind: 'uniform', bound } }));
    });
    return f.concat([f.reduceMean(h, [2, 3]), f.reduceMean(f.square(h), [2, 3])], 1);
  });
}

export interface ControllerOutput {
  /** e_d, [N,out], unit length. */
  readonly embedding: Tensor;
  /** Strength of each degradation, 0..1, [N,3]. */
  readonly strength: Tensor;
}

/** Statistics [N,2C] -> embedding and strengths. */
export function controllerHead(statistics: Tensor, out: number): ControllerOutput {
  const { graph } = statistics;
  return graph.scope('controller', () => {
    const half = dim(statistics.shape, 1) / 2;
    const [means, squares] = f.split(statistics, 1, [half, half]) as [Tensor, Tensor];
    // The root brings mean squares, which differ a thousandfold between weak and strong noise, onto the scale of means.
    const rms = f.sqrt(f.add(squares, 1e-6));
    const h = f.gelu(linear(f.concat([means, rms], 1), 'hidden', 256));
    return {
      embedding: l2Normalise(linear(h, 'projection', out)),
      strength: f.sigmoid(linear(h, 'strength', DEGRADATIONS.length)),
    };
  });
}

/** Logits of image embeddings [N,D] among the embeddings of {@link COMBINATION_TEXTS} [8,D]: cosine times a learned scale. */
export function combinationLogits(image: Tensor, texts: Tensor): Tensor {
  const { graph } = image;
  const scale = graph.scope('controller', () =>
    graph.parameter('logit_scale', [1], { kind: 'constant', value: Math.log(20) }),
  );
  return f.mul(f.matMul(image, f.transpose(texts, [1, 0])), f.exp(scale));
}

/** Probability of each degradation, [N,3]: the sum over the combinations that contain it. */
export function marginals(logits: Tensor): Tensor {
  const { graph } = logits;
  const contains = COMBINATIONS.flatMap((names) => DEGRADATIONS.map((name) => (names.includes(name) ? 1 : 0)));
  const membership = graph.constant(
    Float32Array.from(contains),
    [dim(logits.shape, 1), DEGRADATIONS.length],
    'float32',
  );
  return f.matMul(f.softmax(logits), membership);
}
