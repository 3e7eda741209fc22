/**
 * ERUNet, the efficient restoration U-Net.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import { type InnerBlock, linearAttention, residualBlock, spatialTransformer } from '../nn/blocks.ts';
import { cropTo, padToMultiple } from '../nn/functional.ts';
import { conv2d } from '../nn/layers.ts';
import { textImageFusion } from './fusion.ts';
import type { ErunetConfig, FusionConfig } from './preset-schema.ts';

export interface ErunetInputs {
  /** State x_t, [N,3,H,W]. */
  readonly x: Tensor;
  /** Degraded picture, [N,3,H,W]. */
  readonly mu: Tensor;
  /** Steps, [N], float. */
  readonly t: Tensor;
  /** e_c, [N,context]. */
  readonly text: Tensor;
  /** e_d, [N,context]. */
  readonly degradation: Tensor;
}

/** Height and width of a picture are padded to a multiple of this. */
export function paddingMultiple({ multipliers, unshuffle }: ErunetConfig): number {
  // The authors pad to 2^depth, one halving more than the network makes; our own presets pad only what they need.
  return unshuffle === 1 ? 2 ** multipliers.length : unshuffle * 2 ** (multipliers.length - 1);
}

/**
 * The network's raw output, [N,3,H,W]: the noise estimate, or x0_hat - mu, as its training chose.
 *
 * concat(x - mu, mu), padded by reflection, folded by `unshuffle`; stem; levels down, each with its residual blocks,
 * attention and a halving; two blocks around a spatial transformer in the middle; levels up with two skips each; one
 * block over the stem's output; 3x3 convolution to the channels of the picture.
 */
export function erunet(
  { x, mu, t, text, degradation }: ErunetInputs,
  config: ErunetConfig,
  fusion: FusionConfig,
): Tensor {
  const { width, multipliers, blocks, attention, kernels, expansion, unshuffle, stemKernel } = config;
  const { graph } = x;
  const [height, wide] = [dim(x.shape, 2), dim(x.shape, 3)];
  const last = multipliers.length - 1;
  // Level i works with channels[i] and hands channels[i + 1] down.
  const channels = [width, ...multipliers.map((multiplier) => width * multiplier)];
  const channel = (i: number) => channels[i] ?? width;
  const inner = (level: number): InnerBlock =>
    config.inner === 'plain'
      ? { kind: 'plain' }
      : { kind: 'erb', kernel: kernels[level] ?? 7, expansion, normGain: config.normGain };

  const context = f.reshape(text, [dim(text.shape, 0), 1, -1]);
  const time = textImageFusion(t, text, degradation, width, fusion);
  const attend = (h: Tensor, kind: ErunetConfig['attention'][number] | undefined): Tensor => {
    if (kind === 'linear') return linearAttention(h);
    return kind === 'transformer' ? spatialTransformer(h, context) : h;
  };

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
  h = graph.scope('mid_attn', () => spatialTransformer(h, context));
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
