/**
 * Plain networks that are trained here: from a picture to a picture in one pass, for one kind of damage.
 *
 * They are small relatives of published ones, and leave as ONNX files (`clearword export --onnx`). Nothing in them depends on the
 * size of a picture.
 *
 * @module
 */
import * as f from '../../graph/functions.ts';
import { dim, type Tensor } from '../../graph/tensor.ts';
import { type Conv2dOptions, conv2d } from '../../nn/layers.ts';

export interface PlainNetwork {
  /** Whether it is told how noisy the picture is, as a plane [N,1,H,W] of standard deviations, 0..1 of white. */
  readonly takesNoiseLevel: boolean;
  /** What its result is, as in the descriptor of a model: the picture, or what is to be subtracted from it. */
  readonly residual: 'none' | 'removed';
  /** Sides of pictures are multiples of it. */
  readonly multiple: number;
  /** How far from a pixel the network looks for it, in pixels. */
  readonly reach: number;
  /** Picture [N,3,H,W], 0..1, and noise level -> result [N,3,H,W]. */
  build(picture: Tensor, noise: Tensor | undefined): Tensor;
}

interface ConvReluOptions extends Conv2dOptions {
  /** Factor on the weights at the start. */
  readonly gain?: number;
}

/**
 * A convolution and ReLU(x) = max(0, x). Weights begin N(0, 2 / fan_in), under which values neither fade nor grow from layer to
 * layer (He et al. 2015).
 */
function convRelu(x: Tensor, name: string, out: number, { gain = 1, ...options }: ConvReluOptions): Tensor {
  const std = gain * Math.sqrt(2 / (dim(x.shape, 1) * options.kernel ** 2));
  return f.relu(conv2d(x, name, out, { ...options, initialiser: { kind: 'normal', std } }));
}

/** Values 0..1 as about unit variance around zero, with which networks train several times as fast (docs/training.md). */
const centred = (picture: Tensor): Tensor => f.mul(f.sub(picture, 0.5), 4);

/** At first nothing is changed: what training starts from is the picture itself. */
const NOTHING = { kernel: 3, bias: false, initialiser: { kind: 'zeros' } } as const;

/**
 * After FFDNet (Zhang, Zuo and Zhang 2018): the picture and its noise level, folded by 2, go through 3x3 convolutions; the result
 * is the noise. Fold and first convolution are one 6x6 convolution of stride 2, which has the same values. Unlike there, each
 * convolution adds to what it sees, which trains in minutes without batch normalisation.
 *
 * @param width channels
 * @param depth convolutions
 */
export const ffdnet = ({ width, depth }: { readonly width: number; readonly depth: number }): PlainNetwork => ({
  takesNoiseLevel: true,
  residual: 'removed',
  multiple: 2,
  // Three pixels for the first convolution, two for each of the others at half the size.
  reach: 2 * depth + 1,
  build(picture, noise) {
    const values = centred(picture);
    const seen = noise === undefined ? values : f.concat([values, f.mul(noise, 4)], 1);
    let x = convRelu(seen, 'stem', width, { kernel: 6, stride: 2, padding: 2 });
    // All of them together begin as large as what they add to.
    const gain = 1 / Math.sqrt(depth - 2);
    for (let i = 1; i < depth - 1; i++) x = f.add(x, convRelu(x, `body.${i}`, width, { kernel: 3, gain }));
    return f.depthToSpace(conv2d(x, 'head', 12, NOTHING), 2);
  },
});

/**
 * After PReNet (Ren et al. 2019): stages that share their weights take away a little more each, and remember in the state of a
 * convolutional LSTM what they saw:
 *
 *   u = ReLU(conv [mu, x]);  i, o, f, g = conv [u, h];  c = sigma(f) c + sigma(i) tanh(g);  h = sigma(o) tanh(c)
 *   x = mu + conv(blocks(h)), where a block is v + conv(ReLU(conv v)), without the ReLU that follows there: under it blocks fall silent
 */
export const prenet = ({
  width,
  blocks,
  stages,
}: {
  /** Channels. */
  readonly width: number;
  /** Residual blocks of a stage. */
  readonly blocks: number;
  readonly stages: number;
}): PlainNetwork => ({
  takesNoiseLevel: false,
  residual: 'none',
  multiple: 1,
  // A pixel for each convolution on the longest way through all stages.
  reach: stages * (3 + 2 * blocks),
  build(picture) {
    let x = picture;
    let state: { readonly h: Tensor; readonly c: Tensor } | undefined;
    for (let stage = 0; stage < stages; stage++) {
      const u = convRelu(f.concat([centred(picture), centred(x)], 1), 'stem', width, { kernel: 3 });
      // Nothing is remembered at first: zeros of the size that the picture happens to have.
      const h = state?.h ?? f.mul(u, 0);
      const gates = conv2d(f.concat([u, h], 1), 'memory', 4 * width, { kernel: 3 });
      const [take, show, keep, seen] = f.split(gates, 1, [width, width, width, width]) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const fresh = f.mul(f.sigmoid(take), f.tanh(seen));
      const c = state === undefined ? fresh : f.add(f.mul(f.sigmoid(keep), state.c), fresh);
      state = { h: f.mul(f.sigmoid(show), f.tanh(c)), c };
      let v = state.h;
      for (let i = 0; i < blocks; i++) {
        const inner = convRelu(v, `block.${i}.0`, width, { kernel: 3 });
        v = f.add(v, conv2d(inner, `block.${i}.1`, width, { kernel: 3 }));
      }
      x = f.add(picture, conv2d(v, 'head', 3, NOTHING));
    }
    return x;
  },
});
