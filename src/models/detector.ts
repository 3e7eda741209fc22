/**
 * The detector: a sharper eye of the controller, for judging alone.
 *
 * The controller's embedding speaks to the network, and means over a picture are enough for that. To judge is harder: weak noise
 * shows in a few flat places, file blocks in coefficients that are missing, and texture is everywhere. The detector therefore sees
 * pixels as a JPEG encoder does, by the cosine transform of blocks of 8 x 8 in luma and chroma (ITU-T T.81), in logarithms, and it
 * chooses where it looks: averages are weighted by its own attention (Ilse et al. 2018, "Attention-based deep multiple instance
 * learning"), the places of a picture being the instances. What it finds is added to the logits that the controller has without it.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import { conv2d, linear } from '../nn/layers.ts';
import type { DetectorConfig } from './preset-schema.ts';

/** Side of the blocks. */
export const DETECTOR_BLOCK = 8;
/** Neighbours of a block that one convolution sees: what lies at a tile's border has none and is left out. */
const KERNELS = [1, 3, 1] as const;
/** Attention of a place is e^-5 .. e^5 of the usual. */
const MOST_ATTENTION = 5;

/** Y, Cb and Cr from R, G and B (JFIF, ITU-T T.871), without offsets. */
const YCBCR = [
  [0.299, 0.587, 0.114],
  [-0.168736, -0.331264, 0.5],
  [0.5, -0.418688, -0.081312],
] as const;

/** Kernels [192,3,8,8] whose products with a block are the coefficients of its orthonormal cosine transform, in 8-bit units. */
export function transformKernels(): Float32Array<ArrayBuffer> {
  const wave = (k: number, x: number) =>
    Math.sqrt((k === 0 ? 1 : 2) / DETECTOR_BLOCK) * Math.cos((Math.PI * (2 * x + 1) * k) / (2 * DETECTOR_BLOCK));
  const kernels = new Float32Array(3 * DETECTOR_BLOCK ** 2 * 3 * DETECTOR_BLOCK ** 2);
  let i = 0;
  for (const mix of YCBCR)
    for (let v = 0; v < DETECTOR_BLOCK; v++)
      for (let u = 0; u < DETECTOR_BLOCK; u++)
        for (const share of mix)
          for (let y = 0; y < DETECTOR_BLOCK; y++)
            for (let x = 0; x < DETECTOR_BLOCK; x++) kernels[i++] = 255 * share * wave(v, y) * wave(u, x);
  return kernels;
}

/** Pictures [N,3,H,W] (H and W multiples of 8) -> log-magnitudes of their blocks' coefficients, [N,192,H/8,W/8], about 0..2. */
function blockSpectra(picture: Tensor): Tensor {
  const kernels = picture.graph.constant(
    transformKernels(),
    [3 * DETECTOR_BLOCK ** 2, 3, DETECTOR_BLOCK, DETECTOR_BLOCK],
    'float32',
  );
  const coefficients = f.conv(picture, kernels, undefined, { stride: DETECTOR_BLOCK });
  // Rounding to 8 bits alone makes coefficients of about a half.
  return f.mul(f.log(f.add(f.mul(f.abs(coefficients), 2), 1)), 0.25);
}

function features(picture: Tensor, widths: readonly number[]): Tensor {
  let h = blockSpectra(picture);
  widths.forEach((width, i) => {
    const kernel = KERNELS[i] ?? 1;
    // He et al. 2015.
    const bound = Math.sqrt(6 / (dim(h.shape, 1) * kernel ** 2));
    const initialiser = { kind: 'uniform', bound } as const;
    h = f.gelu(conv2d(h, `convs.${i}`, width, { kernel, padding: 0, initialiser }));
  });
  return h;
}

/** Least side of pictures that a detector can see anything in, pixels; sides are multiples of 8. */
export const detectorReach = ({ widths }: DetectorConfig): number =>
  widths.length > 1 ? 3 * DETECTOR_BLOCK : DETECTOR_BLOCK;

/** Values that {@link detectorStatistics} gives for a picture. */
export const detectorSize = ({ widths, heads }: DetectorConfig): number => 3 * (widths.at(-1) ?? 0) + heads;

/**
 * Pictures [N,3,H,W] (H and W multiples of 8, {@link detectorReach} at least) -> [N,3C+heads]: means of features weighted by attention, means of the
 * attention, means and mean squares of the features. All are means over places, so that those of tiles of one size average to
 * those of all of them.
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
