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

/** What all levels of one network share. */
interface Body {
  readonly config: ErunetConfig;
  /** Level i works with channel(i) channels and hands channel(i + 1) down. */
  readonly channel: (i: number) => number;
  /** Embedding of step, text and degradation, [N,4 width]. */
  readonly time: Tensor;
  readonly attend: (h: Tensor, kind?: Attention) => Tensor;
}

/**
 * The network's raw output, [N,3,H,W]: the noise estimate, or x0_hat - mu, as its training chose.
 *
 * concat(x - mu, mu), padded by reflection, folded by `unshuffle`; stem; levels down, each with its residual blocks,
 * attention and a halving; two blocks around a spatial transformer in the middle; levels up with two skips each; one
 * block over the stem's output; 3x3 convolution to the channels of the picture.
 */
export function erunet(inputs: ErunetInputs, config: ErunetConfig, fusion: FusionConfig): Tensor {
  const { x, t } = inputs;
  const { width, multipliers, unshuffle, stemKernel } = config;
  const { graph } = x;
  const patches = dim(x.shape, 0) / dim(t.shape, 0);
  const channels = [width, ...multipliers.map((multiplier) => width * multiplier)];
  const time = repeatRows(textImageFusion(inputs, width, fusion), patches);
  const attend = contextAttention(inputs, patches);
  const body: Body = { config, channel: (i) => channels[i] ?? width, time, attend };

  const stem = conv2d(foldedInput(inputs, config), 'init_conv', width, { kernel: stemKernel, bias: false });
  const { deepest, skips } = levelsDown(stem, body);

  const last = multipliers.length - 1;
  const middle = { out: body.channel(last + 1), inner: innerBlock(last, body), decoder: false };
  let h = graph.scope('mid_block1', () => residualBlock(deepest, time, middle));
  h = graph.scope('mid_attn', () => attend(h, config.middle ?? 'transformer'));
  h = graph.scope('mid_block2', () => residualBlock(h, time, middle));

  const joined = f.concat([levelsUp(h, skips, body), stem], 1);
  const final = { out: width, inner: innerBlock(0, body), decoder: true };
  h = graph.scope('final_res_block', () => residualBlock(joined, time, final));
  const out = conv2d(h, 'final_conv', 3 * unshuffle * unshuffle, { kernel: 3, initialiser: { kind: 'zeros' } });
  return cropTo(unshuffle === 1 ? out : f.depthToSpace(out, unshuffle), dim(x.shape, 2), dim(x.shape, 3));
}

/** concat(x - mu, mu) in the scale that the network wants, [N,6u^2,H'/u,W'/u] with u = `unshuffle` and padded sides H', W'. */
function foldedInput({ x, mu }: ErunetInputs, config: ErunetConfig): Tensor {
  const { centre, scale } = config.input;
  const conditioned = (picture: Tensor, shift: number): Tensor => {
    const centred = shift === 0 ? picture : f.sub(picture, shift);
    return scale === 1 ? centred : f.mul(centred, scale);
  };
  const seen = f.concat([conditioned(f.sub(x, mu), 0), conditioned(mu, centre)], 1);
  const padded = padToMultiple(seen, paddingMultiple(config));
  return config.unshuffle === 1 ? padded : f.spaceToDepth(padded, config.unshuffle);
}

/** What the residual blocks of a level have inside. */
function innerBlock(level: number, { config, time }: Body): InnerBlock {
  const kind = typeof config.inner === 'string' ? config.inner : config.inner[level];
  if (kind === 'plain') return { kind };
  const { kernels, expansion, normGain } = config;
  const told = config.norms === 'told' ? time : undefined;
  return { kind: 'erb', kernel: kernels[level] ?? 7, expansion, normGain, told };
}

/** Levels from the stem to the lowest. `skips`: what each block gives, in their order. */
function levelsDown(stem: Tensor, body: Body): { readonly deepest: Tensor; readonly skips: readonly Tensor[] } {
  const { config, channel, time, attend } = body;
  const last = config.multipliers.length - 1;
  const { graph } = stem;
  let h = stem;
  const skips: Tensor[] = [];
  for (let level = 0; level <= last; level++) {
    const block = { out: channel(level), inner: innerBlock(level, body), decoder: false };
    const count = config.blocks[level] ?? 2;
    graph.scope(`downs.${level}`, () => {
      for (let i = 0; i < count; i++) {
        h = graph.scope(`${i}`, () => residualBlock(h, time, block));
        if (i === count - 1) h = graph.scope(`${count}`, () => attend(h, config.attention[level]));
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
  return { deepest: h, skips };
}

/** Levels from the lowest to the uppermost; each block also gets the latest skip that is left. */
function levelsUp(deepest: Tensor, skips: readonly Tensor[], body: Body): Tensor {
  const { config, channel, time, attend } = body;
  const last = config.multipliers.length - 1;
  const { graph } = deepest;
  const left = [...skips];
  let h = deepest;
  for (let up = 0; up <= last; up++) {
    const level = last - up;
    const block = { out: channel(level + 1), inner: innerBlock(level, body), decoder: true };
    const count = config.blocks[level] ?? 2;
    graph.scope(`ups.${up}`, () => {
      for (let i = 0; i < count; i++) {
        const skip = left.pop();
        const joined = skip ? f.concat([h, skip], 1) : h;
        h = graph.scope(`${i}`, () => residualBlock(joined, time, block));
      }
      h = graph.scope(`${count}`, () => attend(h, config.attention[level]));
      const next = channel(level);
      const rise = `${count + 1}`;
      h =
        level > 0
          ? graph.scope(rise, () => conv2d(f.upsampleNearest(h, 2), '1', next, { kernel: 3 }))
          : conv2d(h, rise, next, { kernel: 3, bias: false });
    });
  }
  return h;
}
