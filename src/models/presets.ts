/**
 * Networks as data. Nothing else in the code asks for a preset's name.
 *
 * @module
 */
import type { SdeConfig } from '../diffusion/sde.ts';

/** What follows the two residual blocks of a level. */
export type LevelAttention = 'none' | 'linear' | 'transformer';

export interface ErunetConfig {
  /** Channels of the first level. */
  readonly width: number;
  /** Channels of each level, as multiples of the width: level i works with width * multipliers[i]. */
  readonly multipliers: readonly number[];
  /** Residual blocks in each level, on the way down and again on the way up. */
  readonly blocks: readonly number[];
  /** Attention of each level, on both sides. */
  readonly attention: readonly LevelAttention[];
  readonly inner: 'erb' | 'plain';
  /** Depthwise kernel and expansion of the efficient restoration block in each level. */
  readonly kernels: readonly number[];
  readonly expansion: number;
  /** The picture is folded by this factor into channels before the first convolution. */
  readonly unshuffle: 1 | 2 | 4;
  readonly stemKernel: number;
}

export interface FusionConfig {
  /** Features of e_c and e_d. */
  readonly context: number;
  /** p = e_c + e_d (the authors' code) or their concatenation (the paper); `none` leaves the block out (ablation). */
  readonly mode: 'sum' | 'concat' | 'none';
  /** Factor on the unit-length embeddings before the MLP. */
  readonly embeddingScale: number;
  /** Standard deviation of the learned vector P at the start. */
  readonly promptStd: number;
}

/** The compact text encoder of the bundled model. */
export interface TextEncoderConfig {
  /** Rows of the table of hashed words and character n-grams. */
  readonly buckets: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Words read; the rest of a prompt is ignored. */
  readonly words: number;
  /** Hashed pieces kept for a word. */
  readonly pieces: number;
}

export interface ControllerConfig {
  readonly widths: readonly number[];
}

export interface Preset {
  readonly name: string;
  readonly network: ErunetConfig;
  readonly fusion: FusionConfig;
  readonly sde: SdeConfig;
  readonly parameterisation: 'noise' | 'data';
  /** Present where the encoders are trained with the network; absent where their embeddings come from outside. */
  readonly encoders?: { readonly text: TextEncoderConfig; readonly controller: ControllerConfig };
  /** What restores best: steps, sampler and tile side in pixels. */
  readonly defaults: { readonly steps: number; readonly sampler: string; readonly tile: number };
}

const sde: SdeConfig = { schedule: 'cosine', T: 100, maxSigma: 50, eps: 0.005 };

/** ETDiffIR as the authors' published code has it. */
const paper: Preset = {
  name: 'paper',
  network: {
    width: 64,
    multipliers: [1, 2, 4, 8],
    blocks: [2, 2, 2, 2],
    attention: ['linear', 'linear', 'linear', 'transformer'],
    inner: 'erb',
    kernels: [7, 7, 7, 7],
    expansion: 4,
    unshuffle: 1,
    stemKernel: 7,
  },
  fusion: { context: 512, mode: 'sum', embeddingScale: 1, promptStd: 1 },
  sde,
  parameterisation: 'noise',
  defaults: { steps: 100, sampler: 'euler-maruyama', tile: 256 },
};

/** The bundled model: everything of the paper's system in a few megabytes, trained together. */
const lite: Preset = {
  name: 'lite',
  network: {
    width: 64,
    multipliers: [1, 1.5, 2],
    blocks: [1, 2, 1],
    attention: ['none', 'none', 'none'],
    inner: 'erb',
    kernels: [5, 5, 5],
    expansion: 2,
    unshuffle: 2,
    stemKernel: 3,
  },
  fusion: { context: 512, mode: 'concat', embeddingScale: 16, promptStd: 64 },
  sde,
  parameterisation: 'data',
  encoders: {
    text: { buckets: 4096, width: 96, layers: 2, heads: 4, words: 48, pieces: 12 },
    controller: { widths: [32, 64, 96] },
  },
  defaults: { steps: 1, sampler: 'mars-sde-1', tile: 512 },
};

/** Small enough for tests; every part of `lite` in a few thousand parameters. */
const tiny: Preset = {
  ...lite,
  name: 'tiny',
  network: {
    ...lite.network,
    width: 8,
    multipliers: [1, 4],
    blocks: [1, 1],
    attention: ['none', 'none'],
    kernels: [3, 3],
  },
  encoders: {
    text: { buckets: 64, width: 16, layers: 1, heads: 2, words: 12, pieces: 6 },
    controller: { widths: [8, 8] },
  },
  defaults: { steps: 1, sampler: 'mars-sde-1', tile: 64 },
};

/** The network of the speed comparison with PyTorch (docs/performance.md). */
const bench32: Preset = {
  ...paper,
  name: 'bench32',
  network: { ...paper.network, width: 32, multipliers: [1, 1, 2, 2] },
};

export const presets: Readonly<Record<string, Preset>> = Object.fromEntries(
  [paper, lite, tiny, bench32].map((preset) => [preset.name, preset]),
);
