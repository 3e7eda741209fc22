/**
 * The blocks of ERUNet: efficient restoration block, residual block, linear attention, spatial transformer.
 *
 * Parameter names are those of the authors' published code, so that their checkpoints and ours are one set of names.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import { attention, channelsFirst, channelsLast, grnFactor, groupNorm, mergeHeads, splitHeads } from './functional.ts';
import { channelNorm, conv2d, layerNorm, linear } from './layers.ts';

export interface ErbOptions {
  /** Side of the depthwise kernel, odd. */
  readonly kernel: number;
  /** Channels between the two pointwise layers, as a multiple of C. */
  readonly expansion: number;
  /** Initial scale of the layer norm. */
  readonly normGain: number;
  /**
   * What is known of the whole picture, [N,D]: the norms of GRN are then read from it and not from x, which may be no more
   * than a tile.
   */
  readonly told?: Tensor | undefined;
}

/**
 * Efficient restoration block on x [N,C,H,W]:
 *
 *   u = x + LN(GELU(DW(x)));  y = u + PW2(GRN(GELU(PW1(u))))
 *
 * The pointwise half works with channels last: there LN and the products are single fast operators. GRN is carried through
 * PW2: its factor scales the rows of W2 (one W2 a picture), and beta becomes a part of the bias (W2 beta + b2). That saves
 * two passes over the widest tensor and a copy of it, and changes nothing else. All that is done to this tensor has one
 * shape, [N H W,4C], because the CPU provider reuses memory only for the same shape.
 *
 * With `told` (ours), 1 + gamma N is 1 + Linear(SiLU(told)): the same for every tile of a picture.
 */
export function efficientRestorationBlock(x: Tensor, { kernel, expansion, normGain, told }: ErbOptions): Tensor {
  const { graph } = x;
  const [n, c, height, width] = x.shape as [number, number, number, number];
  const spread = conv2d(x, 'dwconv', c, { kernel, group: c });
  const image = f.add(channelsLast(x), layerNorm(f.gelu(channelsLast(spread)), 'norm', 1e-6, normGain));
  const u = f.reshape(image, [n * height * width, c]);
  const v = f.gelu(linear(u, 'pwconv1', expansion * c));
  const ofPictures = (rows: Tensor): Tensor => f.reshape(rows, [n, height * width, -1]);
  const energy = () => f.reduceSum(ofPictures(f.square(v)), [1], true);
  const [factor, beta] = graph.scope('grn', () => [
    told === undefined
      ? grnFactor(
          energy(),
          f.reshape(graph.parameter('gamma', [1, 1, 1, expansion * c], { kind: 'zeros' }), [1, 1, -1]),
        )
      : f.add(linear(f.silu(told), 'told', expansion * c, { initialiser: { kind: 'zeros' } }), 1),
    graph.parameter('beta', [1, 1, 1, expansion * c], { kind: 'zeros' }),
  ]) as [Tensor, Tensor];
  const mixed = graph.scope('pwconv2', () => {
    const bound = 1 / Math.sqrt(expansion * c);
    const weight = f.transpose(graph.parameter('weight', [c, expansion * c], { kind: 'uniform', bound }), [1, 0]);
    const bias = graph.parameter('bias', [c], { kind: 'uniform', bound });
    const carried = f.add(f.matMul(f.reshape(beta, [1, expansion * c]), weight), bias);
    const rows = f.mul(f.reshape(factor, [n, expansion * c, 1]), weight);
    return f.add(f.matMul(ofPictures(v), rows), carried);
  });
  return channelsFirst(f.reshape(f.add(ofPictures(u), mixed), [n, height, width, c]));
}

/** How a residual block makes its two inner transforms: the efficient block, or a plain 3x3 convolution (ablation). */
export type InnerBlock = ({ readonly kind: 'erb' } & ErbOptions) | { readonly kind: 'plain' };

export interface ResidualBlockOptions {
  readonly out: number;
  readonly inner: InnerBlock;
  /** Decoder blocks set their channels by a 1x1 convolution before each efficient block. */
  readonly decoder: boolean;
}

/**
 * x [N,C,H,W], time [N,D] -> [N,out,H,W]:
 *
 *   scale, shift = Linear(SiLU(time));  h = SiLU(B1(x) (1 + scale) + shift);  h = SiLU(B2(h));  y = h + skip(x)
 */
export function residualBlock(x: Tensor, time: Tensor, { out, inner, decoder }: ResidualBlockOptions): Tensor {
  const [n, c] = [dim(x.shape, 0), dim(x.shape, 1)];
  const { graph } = x;
  const transform = (name: string, h: Tensor): Tensor =>
    graph.scope(`${name}.proj`, () => {
      if (inner.kind === 'plain') return conv2d(h, '0', out, { kernel: 3 });
      if (!decoder) return graph.scope('0', () => efficientRestorationBlock(h, inner));
      const narrowed = conv2d(h, '0', out, { kernel: 1 });
      return graph.scope('1', () => efficientRestorationBlock(narrowed, inner));
    });
  const modulation = f.reshape(linear(f.silu(time), 'mlp.1', 2 * out), [n, 2 * out, 1, 1]);
  const [scale, shift] = f.split(modulation, 1, [out, out]) as [Tensor, Tensor];
  let h = f.silu(f.add(f.mul(transform('block1', x), f.add(scale, 1)), shift));
  h = f.silu(transform('block2', h));
  return f.add(h, c === out ? x : conv2d(x, 'res_conv', out, { kernel: 1, bias: false }));
}

/** x + inner(LN(x)); the norm is `fn.norm`, the inner function `fn.fn`. */
function preNormResidual(x: Tensor, inner: (normal: Tensor) => Tensor): Tensor {
  const { graph } = x;
  return graph.scope('fn', () => {
    const normal = channelNorm(x, 'norm');
    return f.add(
      x,
      graph.scope('fn', () => inner(normal)),
    );
  });
}

const HEADS = 4;
const HEAD_WIDTH = 32;

/**
 * Linear attention with a residual, x + f(LN(x)) for x [N,C,H,W]: q softmax over features, scaled by 32^-1/2; k softmax
 * over positions; v / (H W). Its cost grows with the number of positions, not its square.
 */
export function linearAttention(x: Tensor): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const attend = (input: Tensor): Tensor => {
    const qkv = conv2d(input, 'to_qkv', 3 * HEADS * HEAD_WIDTH, { kernel: 1, bias: false });
    const parts = f.split(f.reshape(qkv, [n, 3 * HEADS, HEAD_WIDTH, h * w]), 1, [HEADS, HEADS, HEADS]);
    const [q, k, v] = parts as [Tensor, Tensor, Tensor];
    const queries = f.mul(f.softmax(q, 2), HEAD_WIDTH ** -0.5);
    const context = f.matMul(f.softmax(k, 3), f.transpose(f.mul(v, 1 / (h * w)), [0, 1, 3, 2]));
    const mixed = f.matMul(f.transpose(context, [0, 1, 3, 2]), queries);
    const out = conv2d(f.reshape(mixed, [n, HEADS * HEAD_WIDTH, h, w]), 'to_out.0', c, { kernel: 1 });
    return channelNorm(out, 'to_out.1');
  };
  return preNormResidual(x, attend);
}

/** One attention of a transformer block: queries from x [N,L,C], keys and values from context [N,S,D]. */
function crossAttention(x: Tensor, context: Tensor, name: string): Tensor {
  const c = dim(x.shape, -1);
  const heads = c / HEAD_WIDTH;
  return x.graph.scope(name, () => {
    const q = splitHeads(linear(x, 'to_q', c, { bias: false }), heads);
    const k = splitHeads(linear(context, 'to_k', c, { bias: false }), heads);
    const v = splitHeads(linear(context, 'to_v', c, { bias: false }), heads);
    return linear(mergeHeads(attention(q, k, v)), 'to_out.0', c);
  });
}

/** GEGLU feed-forward, four times as wide: W2 (a GELU(b)), [a b] = W1 x. */
function gatedFeedForward(x: Tensor): Tensor {
  const c = dim(x.shape, -1);
  return x.graph.scope('ff.net', () => {
    const [value, gate] = f.split(linear(x, '0.proj', 8 * c), -1, [4 * c, 4 * c]) as [Tensor, Tensor];
    return linear(f.mul(value, f.gelu(gate)), '2', c);
  });
}

/**
 * Spatial transformer with a residual, x + f(LN(x)) for x [N,C,H,W]: group norm (32 groups), 1x1 convolution,
 * self-attention over positions, cross-attention to context [N,S,D], GEGLU, 1x1 convolution, and its own residual.
 * Heads have 32 channels; C is a multiple of 32.
 */
export function spatialTransformer(x: Tensor, context: Tensor): Tensor {
  const c = dim(x.shape, 1);
  const { graph } = x;
  const normalise = (input: Tensor): Tensor => {
    const [scale, bias] = graph.scope('norm', () => [
      graph.parameter('weight', [c], { kind: 'ones' }),
      graph.parameter('bias', [c], { kind: 'zeros' }),
    ]) as [Tensor, Tensor];
    return groupNorm(input, scale, bias, 32, 1e-6);
  };
  return tokenBlock(x, normalise, (tokens) => {
    const normal = layerNorm(tokens, 'norm1', 1e-5);
    return readContext(f.add(tokens, crossAttention(normal, normal, 'attn1')), context);
  });
}

/**
 * The spatial transformer without what depends on the size of a tile (ours): no group norm, no self-attention. What a position
 * learns of the rest of the picture, it reads from context [M,S,D], tokens of the whole picture, so that tiles of one picture
 * agree and the cost grows with the number of positions, not its square. x [N,C,H,W] holds N / M patches of each picture.
 */
export function viewTransformer(x: Tensor, context: Tensor): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const pictures = dim(context.shape, 0);
  return tokenBlock(
    x,
    (input) => input,
    (tokens) => {
      // The patches of a picture read the same context: their positions are one row of queries.
      const joined = f.reshape(tokens, [pictures, (n / pictures) * h * w, c]);
      return f.reshape(readContext(joined, context), [n, h * w, c]);
    },
  );
}

/** Cross-attention and feed-forward, each behind a layer norm and with a residual, for tokens [N,L,C]. */
function readContext(tokens: Tensor, context: Tensor): Tensor {
  const told = f.add(tokens, crossAttention(layerNorm(tokens, 'norm2', 1e-5), context, 'attn2'));
  return f.add(told, gatedFeedForward(layerNorm(told, 'norm3', 1e-5)));
}

/** x + f(LN(x)), f(v) = v + 1x1(transform(1x1(normalise(v)))), where transform sees x [N,C,H,W] as tokens [N,H W,C]. */
function tokenBlock(x: Tensor, normalise: (input: Tensor) => Tensor, transform: (tokens: Tensor) => Tensor): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return preNormResidual(x, (input) => {
    const projected = conv2d(normalise(input), 'proj_in', c, { kernel: 1 });
    const tokens = f.transpose(f.reshape(projected, [n, c, h * w]), [0, 2, 1]);
    const mixed = x.graph.scope('transformer_blocks.0', () => transform(tokens));
    const image = f.reshape(f.transpose(mixed, [0, 2, 1]), [n, c, h, w]);
    return f.add(input, conv2d(image, 'proj_out', c, { kernel: 1 }));
  });
}
