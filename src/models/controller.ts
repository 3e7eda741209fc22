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
import { detectorFeatures, detectorHead, detectorSize, detectorStatistics } from './detector.ts';
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
 * last features, [N,2C], and those of the detector, if there is one. Means of tiles of one size average to the mean of the
 * whole, so that a picture of any size is described by its tiles.
 */
export function controllerStatistics(picture: Tensor, { widths, detector }: ControllerConfig): Tensor {
  const { graph } = picture;
  return graph.scope('controller', () => {
    const own = moments(features(picture, widths));
    return detector ? f.concat([own, graph.scope('detector', () => detectorStatistics(picture, detector))], 1) : own;
  });
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

/** Values of the statistics of each look. */
export function statisticsSizes({ widths, view, detector }: ControllerConfig) {
  const own = 2 * (widths.at(-1) ?? 0);
  return {
    close: own + (detector ? detectorSize(detector) : 0),
    view: 2 * (view?.widths.at(-1) ?? 0),
  } as const;
}

export interface ControllerOutput {
  /** e_d, [M,out], unit length. */
  readonly embedding: Tensor;
  /** Strength of each degradation, 0..1, [M,D]. */
  readonly strength: Tensor;
  /** Strengths before the sigmoid. */
  readonly strengthLogits: Tensor;
  /** What a detector adds to the logits of each degradation, [M,D]. */
  readonly presence: Tensor | undefined;
}

/**
 * Statistics -> embedding and strengths.
 *
 * @param looks statistics of the close look, and of the whole view, if there is one
 * @param out features of the embedding
 * @param degradations D
 */
export function controllerHead(
  [close, ...views]: readonly [Tensor, ...Tensor[]],
  { widths, detector }: ControllerConfig,
  { out, degradations }: { readonly out: number; readonly degradations: number },
): ControllerOutput {
  const { graph } = close;
  return graph.scope('controller', () => {
    const plain = 2 * (widths.at(-1) ?? 0);
    const sizes = detector ? [plain, detectorSize(detector)] : [plain];
    const [local, sharp] = f.split(close, 1, sizes) as [Tensor, Tensor?];
    const seen = f.concat([local, ...views].flatMap(momentFeatures), 1);
    const h = f.gelu(linear(seen, 'hidden', 256));
    const embedding = l2Normalise(linear(h, 'projection', out));
    const own = linear(h, 'strength', degradations);
    if (!detector || !sharp) {
      return { embedding, strength: f.sigmoid(own), strengthLogits: own, presence: undefined };
    }
    const all = f.concat([seen, detectorFeatures(sharp, detector)], 1);
    const found = graph.scope('detector', () => detectorHead(all, degradations));
    const strengthLogits = f.add(own, found.strength);
    return { embedding, strength: f.sigmoid(strengthLogits), strengthLogits, presence: found.presence };
  });
}

/** The root brings mean squares, which differ a thousandfold between weak and strong noise, onto the scale of means. */
function momentFeatures(statistics: Tensor): Tensor[] {
  const half = dim(statistics.shape, 1) / 2;
  const [means, squares] = f.split(statistics, 1, [half, half]) as [Tensor, Tensor];
  return [means, f.sqrt(f.add(squares, 1e-6))];
}
