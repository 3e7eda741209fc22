/**
 * The presets. Nothing else in the code asks for a preset's name.
 *
 * @module
 */
import { FIRST_DEGRADATIONS, KNOWN_DEGRADATIONS } from '../degradations/index.ts';
import type { SdeConfig } from '../diffusion/sde.ts';
import { DACLIP_VIT_B_32, TINY_DACLIP } from './clip-config.ts';
import type { Preset } from './preset-schema.ts';

const sde: SdeConfig = { schedule: 'cosine', T: 100, maxSigma: 50, eps: 0.005 };

/** ETDiffIR as the authors' published code has it. */
const paper: Preset = {
  name: 'paper',
  degradations: FIRST_DEGRADATIONS,
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
    input: { centre: 0, scale: 1 },
    normGain: 1,
  },
  fusion: { context: 512, mode: 'sum', embeddingScale: 1, promptStd: 1 },
  sde,
  parameterisation: 'noise',
  external: DACLIP_VIT_B_32,
  defaults: { steps: 100, sampler: 'euler-maruyama', tile: 256 },
};

/**
 * The bundled model: everything of the paper's system in a few megabytes, trained together. The upper levels have 3x3
 * convolutions, which processors do far faster than depthwise ones; efficient restoration blocks stand where the map is small.
 * Nothing in it depends on the size of a tile.
 */
const lite: Preset = {
  name: 'lite',
  degradations: KNOWN_DEGRADATIONS,
  network: {
    width: 64,
    multipliers: [1, 1.5, 2],
    blocks: [2, 2, 2],
    attention: ['none', 'none', 'none'],
    inner: ['plain', 'plain', 'erb'],
    norms: 'told',
    middle: 'view',
    kernels: [3, 3, 5],
    expansion: 2,
    unshuffle: 2,
    stemKernel: 3,
    input: { centre: 0.5, scale: 4 },
    normGain: 0.2,
  },
  fusion: { context: 512, mode: 'concat', embeddingScale: 48, promptStd: 32, strengths: true },
  sde,
  parameterisation: 'data',
  encoders: {
    text: { buckets: 4096, width: 96, layers: 2, heads: 4, words: 48, pieces: 12 },
    controller: {
      widths: [32, 64, 96],
      tile: 64,
      view: { side: 64, widths: [32, 64, 96] },
      labels: 'sigmoid',
      detector: { widths: [128, 128, 128], heads: 8 },
    },
  },
  defaults: { steps: 1, sampler: 'mars-sde-1', tile: 512 },
};

/** Ablations of `lite` (the paper's Table 3): without the text-image fusion, and with plain convolutions too. */
const liteWithoutTifb: Preset = {
  ...lite,
  name: 'lite-without-tifb',
  fusion: { ...lite.fusion, mode: 'none' },
};
const liteUnet: Preset = {
  ...liteWithoutTifb,
  name: 'lite-unet',
  network: { ...lite.network, inner: 'plain' },
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
    inner: ['plain', 'erb'],
    kernels: [3, 3],
  },
  encoders: {
    text: { buckets: 64, width: 16, layers: 1, heads: 2, words: 12, pieces: 6 },
    controller: {
      widths: [8, 8],
      tile: 32,
      view: { side: 16, widths: [8, 8] },
      labels: 'sigmoid',
      detector: { widths: [8], heads: 2 },
    },
  },
  defaults: { steps: 1, sampler: 'mars-sde-1', tile: 64 },
};

/** The paper's system in a few thousand parameters, for tests. */
const tinyPaper: Preset = {
  ...paper,
  name: 'tiny-paper',
  network: {
    ...paper.network,
    width: 8,
    multipliers: [1, 4],
    blocks: [1, 1],
    attention: ['none', 'none'],
    kernels: [3, 3],
    expansion: 2,
  },
  fusion: { ...paper.fusion, context: TINY_DACLIP.clip.embedding },
  external: TINY_DACLIP,
  defaults: { steps: 4, sampler: 'euler-maruyama', tile: 64 },
};

/** The network of the speed comparison with PyTorch (docs/performance.md). */
const bench32: Preset = {
  ...paper,
  name: 'bench32',
  network: { ...paper.network, width: 32, multipliers: [1, 1, 2, 2] },
};

export const presets: Readonly<Record<string, Preset>> = Object.fromEntries(
  [paper, lite, liteWithoutTifb, liteUnet, tiny, tinyPaper, bench32].map((preset) => [preset.name, preset]),
);
