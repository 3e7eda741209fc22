/**
 * ERUNet, the efficient restoration U-Net.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import { type InnerBlock, linearAttention, residualBlock, spatialTransformer, viewTransformer } from '../nn/blocks.ts';
import { cropTo, padToMultiple, repeatRows } from '../nn/functional.ts';
import { conv2d } from '../nn/layers.ts';
import { textImageFusion } from './fusion.ts';
import type { ErunetConfig, FusionConfig } from './preset-schema.ts';

export interface ErunetInputs {
  /** State x_t, [N,3,H,W]. */
  readonly x: Tensor;
  /** Degraded picture, [N,3,H,W]. */
  readonly mu: Tensor;
  /** Steps, [M], float: one for each picture. The N images are N / M patches of each, in the pictures' order. */
  readonly t: Tensor;
  /** e_c, [M,context]. */
  readonly text: Tensor;
  /** e_d, [M,context]. */
  readonly degradation: Tensor;
  /** Strengths, and whether they are known (1) or estimated (0), [M,2D]; for networks that are told strengths. */
  readonly told?: Tensor | undefined;
  /** What the controller saw of the whole pictures, [M,S,context]; for networks that look at it. */
  readonly view?: Tensor | undefined;
}

/** Height and width of a picture are padded to a multiple of this. */
export function paddingMultiple({ multipliers, unshuffle }: ErunetConfig): number {
  // The authors pad to 2^depth, one halving more than the network makes; our own presets pad only what they need.
  return unshuffle === 1 ? 2 ** multipliers.length : unshuffle * 2 ** (multipliers.length - 1);
}

type Attention = ErunetConfig['attention'][number];

/** What follows the blocks of a level: attention of a kind over h [N,C,H,W]. */
function contextAttention({ text, view }: ErunetInputs, patches: number): (h: Tensor, kind?: Attention) => Tensor {
  const sentence = f.reshape(text, [dim(text.shape, 0), 1, -1]);
  const seen = view === undefined ? sentence : f.concat([sentence, view], 1);
  return (h, kind = 'none') => {
    switch (kind) {
      case 'none':
        return h;
      case 'linear':
        return linearAttention(h);
      case 'transformer':
        return spatialTransformer(h, repeatRows(sentence, patches));
      case 'view':
        return viewTransformer(h, seen);
    }
  };
}

/**
 * The network's raw output, [N,3,H,W]: the noise estimate, or x0_hat - mu, as its training chose.
 *
 * concat(x - mu, mu), padded by reflection, folded by `unshuffle`; stem; levels down, each with its residual blocks,
 * attention and a halving; two blocks around a spatial transformer in the middle; levels up with two skips each; one
 * block over the stem's output; 3x3 convolution to the channels of the picture.
 */
export function erunet(inputs: ErunetInputs, config: ErunetConfig, fusion: FusionConfig): Tensor {
  const { x, mu } = inputs;
  const { width, multipliers, blocks, attention, kernels, expansion, unshuffle, stemKernel } = config;
  const { graph } = x;
  const [height, wide] = [dim(x.shape, 2), dim(x.shape, 3)];
  const last = multipliers.length - 1;
  // Level i works with channels[i] and hands channels[i + 1] down.
  const channels = [width, ...multipliers.map((multiplier) => width * multiplier)];
  const channel = (i: number) => channels[i] ?? width;
  const patches = dim(x.shape, 0) / dim(inputs.t.shape, 0);
  const time = repeatRows(textImageFusion(inputs, width, fusion), patches);
  const inner = (level: number): InnerBlock => {
    const kind = typeof config.inner === 'string' ? config.inner : config.inner[level];
    if (kind === 'plain') return { kind };
    const told = config.norms === 'told' ? time : undefined;
    return { kind: 'erb', kernel: kernels[level] ?? 7, expansion, normGain: config.normGain, told };
  };
  const attend = contextAttention(inputs, patches);

  const { centre, scale } = config.input;
  const conditioned = (picture: Tensor, shift: number): Tensor => {
    const centred = shift === 0 ? picture : f.sub(picture, shift);
    return scale === 1 ? centred : f.mul(centred, scale);
  };
  const seen = f.concat([conditioned(f.sub(x, mu), 0), conditioned(mu, centre)], 1);
  const padded = padToMultiple(seen, paddingMultiple(config));
  const folded = unshuffle === 1 ? padded : f.spaceToDepth(padded, unshuffle);
  const stem = conv2d(folded, 'init_conv', width, { kernel: stemKernel, bias: false });

  let h = stem;
  const skips: Tensor[] = [];
  for (let level = 0; level <= last; level++) {
    const c = channel(level);
    const count = blocks[level] ?? 2;
    graph.scope(`downs.${level}`, () => {
      for (let block = 0; block < count; block++) {
        h = graph.scope(`${block}`, () => residualBlock(h, time, { out: c, inner: inner(level), decoder: false }));
        if (block === count - 1) h = graph.scope(`${count}`, () => attend(h, attention[level]));
        skips.push(h);
      }
      const next = channel(level + 1);
      const down = `${count + 1}`;
      h =
        level < last
          ? conv2d(h, down, next, { kernel: 4, stride: 2, padding: 1 })
          : conv2d(h, down, next, { kernel: 3, bias: false });
    });
  }

  const middle = { out: channel(last + 1), inner: inner(last), decoder: false };
  h = graph.scope('mid_block1', () => residualBlock(h, time, middle));
  h = graph.scope('mid_attn', () => attend(h, config.middle ?? 'transformer'));
  h = graph.scope('mid_block2', () => residualBlock(h, time, middle));

  for (let up = 0; up <= last; up++) {
    const level = last - up;
    const c = channel(level + 1);
    const count = blocks[level] ?? 2;
    graph.scope(`ups.${up}`, () => {
      for (let block = 0; block < count; block++) {
        const skip = skips.pop();
        const joined = skip ? f.concat([h, skip], 1) : h;
        h = graph.scope(`${block}`, () => residualBlock(joined, time, { out: c, inner: inner(level), decoder: true }));
      }
      h = graph.scope(`${count}`, () => attend(h, attention[level]));
      const next = channel(level);
      const rise = `${count + 1}`;
      h =
        level > 0
          ? graph.scope(rise, () => conv2d(f.upsampleNearest(h, 2), '1', next, { kernel: 3 }))
          : conv2d(h, rise, next, { kernel: 3, bias: false });
    });
  }

  const joined = f.concat([h, stem], 1);
  h = graph.scope('final_res_block', () => residualBlock(joined, time, { out: width, inner: inner(0), decoder: true }));
  const out = conv2d(h, 'final_conv', 3 * unshuffle * unshuffle, { kernel: 3, initialiser: { kind: 'zeros' } });
  return cropTo(unshuffle === 1 ? out : f.depthToSpace(out, unshuffle), height, wide);
}
