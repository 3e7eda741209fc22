/**
 * The degradation controller: what is wrong with a picture, as an embedding among the text embeddings of the words for it.
 *
 * As in DA-CLIP (Luo et al. 2024) a contrastive loss aligns the image embedding with the text embedding of its
 * degradations. Unlike CLIP's encoders it works on pixels at full resolution: shrinking a picture hides its noise. What local
 * statistics cannot tell (a wall from fog, blinds from rain), a second look at the whole picture, reduced, can.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import { l2Normalise } from '../nn/functional.ts';
import { conv2d, linear } from '../nn/layers.ts';
import type { ControllerConfig } from './preset-schema.ts';

/** Features of pictures [N,3,H,W]: convolutions over pixels folded by two, each after the first halving the map. */
function features(picture: Tensor, widths: readonly number[]): Tensor {
  let h = f.spaceToDepth(f.sub(f.mul(picture, 2), 1), 2);
  widths.forEach((width, i) => {
    const shape = i === 0 ? { kernel: 3 } : { kernel: 4, stride: 2, padding: 1 };
    // He et al. 2015: without normalisation layers, which would hide how strong a noise is, signals must keep their size.
    const bound = Math.sqrt(6 / (dim(h.shape, 1) * shape.kernel ** 2));
    h = f.gelu(conv2d(h, `convs.${i}`, width, { ...shape, initialiser: { kind: 'uniform', bound } }));
  });
  return h;
}

/** Mean and mean square over positions of features [N,C,H,W]: [N,2C]. */
const moments = (h: Tensor): Tensor => f.concat([f.reduceMean(h, [2, 3]), f.reduceMean(f.square(h), [2, 3])], 1);

/**
 * Local statistics of pictures [N,3,H,W] (H and W multiples of 2^(widths+1)): mean and mean square over positions of the
 * last features, [N,2C]. Means of tiles of one size average to the mean of the whole, so that a picture of any size is
 * described by its tiles.
 */
export function controllerStatistics(picture: Tensor, { widths }: ControllerConfig): Tensor {
  return picture.graph.scope('controller', () => moments(features(picture, widths)));
}

export interface ViewOutput {
  /** Mean and mean square of the last features, [M,2C]. */
  readonly statistics: Tensor;
  /** One token for each place of the last map, [M,S,out]. */
  readonly tokens: Tensor;
}

/** Whole pictures, squeezed into squares [M,3,side,side] -> what is in them, and where. */
export function controllerView(view: Tensor, widths: readonly number[], out: number): ViewOutput {
  return view.graph.scope('controller.view', () => {
    const h = features(view, widths);
    const [m, c] = [dim(h.shape, 0), dim(h.shape, 1)];
    const places = f.transpose(f.reshape(h, [m, c, -1]), [0, 2, 1]);
    return { statistics: moments(h), tokens: linear(places, 'tokens', out) };
  });
}

/** Features that a controller's head reads: means and root mean squares of each look. */
export function statisticsSizes({ widths, view }: ControllerConfig): { readonly close: number; readonly view: number } {
  return { close: 2 * (widths.at(-1) ?? 0), view: 2 * (view?.widths.at(-1) ?? 0) };
}

export interface ControllerOutput {
  /** e_d, [M,out], unit length. */
  readonly embedding: Tensor;
  /** Strength of each degradation, 0..1, [M,D]. */
  readonly strength: Tensor;
}

/**
 * Statistics -> embedding and strengths.
 *
 * @param looks statistics of the close look [M,2C], and of the whole view, if there is one
 * @param out features of the embedding
 * @param degradations D
 */
export function controllerHead(looks: readonly Tensor[], out: number, degradations: number): ControllerOutput {
  const [{ graph }] = looks as [Tensor];
  return graph.scope('controller', () => {
    const parts = looks.flatMap((statistics) => {
      const half = dim(statistics.shape, 1) / 2;
      const [means, squares] = f.split(statistics, 1, [half, half]) as [Tensor, Tensor];
      // The root brings mean squares, which differ a thousandfold between weak and strong noise, onto the scale of means.
      return [means, f.sqrt(f.add(squares, 1e-6))];
    });
    const h = f.gelu(linear(f.concat(parts, 1), 'hidden', 256));
    return {
      embedding: l2Normalise(linear(h, 'projection', out)),
      strength: f.sigmoid(linear(h, 'strength', degradations)),
    };
  });
}
