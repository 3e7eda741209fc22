/**
 * Networks as data: what a preset, and so a model card, may say.
 *
 * @module
 */
import { z } from 'zod';
import { FIRST_DEGRADATIONS } from '../degradations/index.ts';
import { externalEncodersSchema } from './clip-config.ts';

const count = z.int().min(1);

/** What two inner transforms of a residual block are: efficient restoration blocks, or 3x3 convolutions. */
const inner = z.enum(['erb', 'plain']);

export const erunetSchema = z.strictObject({
  /** Channels of the first level. */
  width: count,
  /** Channels of each level, as multiples of the width: level i hands width * multipliers[i] down. */
  multipliers: z.array(z.number().positive()).min(1).readonly(),
  /** Residual blocks in each level, on the way down and again on the way up. */
  blocks: z.array(count).min(1).readonly(),
  /** What follows the residual blocks of each level, on both sides. */
  attention: z.array(z.enum(['none', 'linear', 'transformer', 'view'])).readonly(),
  /** For all levels, or one for each; the middle has that of the last. */
  inner: z.union([inner, z.array(inner).min(1).readonly()]),
  /**
   * Where the norms of global response normalisation come from: the tile itself (the paper; absent means that), or a layer that
   * is told of the whole picture, so that tiles of one picture agree.
   */
  norms: z.enum(['tile', 'told']).optional(),
  /** What the two blocks in the middle stand around; absent: a spatial transformer. `view` sees the whole picture's tokens. */
  middle: z.enum(['transformer', 'view']).optional(),
  /** Depthwise kernel of the efficient restoration block in each level. */
  kernels: z.array(count).min(1).readonly(),
  /** Channels between its pointwise layers, as a multiple. */
  expansion: count,
  /** The picture is folded by this factor into channels before the first convolution. */
  unshuffle: z.union([z.literal(1), z.literal(2), z.literal(4)]),
  stemKernel: count,
  /**
   * The network sees (mu - centre) scale and (x - mu) scale. The paper feeds values as they are (0 and 1); centred and
   * scaled to about unit variance, the same network trains several times as fast (docs/training.md).
   */
  input: z.strictObject({ centre: z.number(), scale: z.number().positive() }),
  /** Initial gain of the normalisation in each efficient restoration block; below 1 a block starts nearer the identity. */
  normGain: z.number().positive(),
});

export const fusionSchema = z.strictObject({
  /** Features of e_c and e_d. */
  context: count,
  /** p = e_c + e_d (the authors' code) or their concatenation (the paper); `none` leaves the block out (ablation). */
  mode: z.enum(['sum', 'concat', 'none']),
  /** Factor on the unit-length embeddings before the MLP. */
  embeddingScale: z.number().positive(),
  /** Standard deviation of the learned vector P at the start. */
  promptStd: z.number().positive(),
  /** Whether the network is told how strong each degradation is, by its controller or by whoever asks. */
  strengths: z.boolean().optional(),
});

export const textEncoderSchema = z.strictObject({
  /** Rows of the table of hashed words and character n-grams. */
  buckets: count,
  width: count,
  layers: count,
  heads: count,
  /** Words read; the rest of a prompt is ignored. */
  words: count,
  /** Hashed pieces kept for a word. */
  pieces: count,
});

/** Of the convolutions that a detector reads spectra of blocks with: over a block, its neighbours, and a block again. */
const detectorSchema = z
  .strictObject({
    widths: z.array(count).min(1).max(3).readonly(),
    /** Groups of channels that each choose by themselves where they look. */
    heads: count,
  })
  .refine(({ widths, heads }) => (widths.at(-1) ?? 0) % heads === 0, {
    message: 'expected last widths that heads divides',
  });

export const controllerSchema = z.strictObject({
  /** Channels of its convolutions; each after the first halves the map. */
  widths: z.array(count).min(1).readonly(),
  /** Side of the tiles in which it reads a picture, pixels. */
  tile: count,
  /** A second look, at the whole picture squeezed into a square of this side; its convolutions as above. */
  view: z.strictObject({ side: count, widths: z.array(count).min(1).readonly() }).optional(),
  /**
   * How it names what it sees: among texts for every combination of degradations (absent means that), or each by itself, yes or
   * no.
   */
  labels: z.enum(['combinations', 'sigmoid']).optional(),
  /** A sharper eye for judging alone: it corrects probabilities and strengths, and the embedding is none of its business. */
  detector: detectorSchema.optional(),
});

/** Channels of the middle: its transformer has heads of 32 channels, and its norm 32 groups. */
const MIDDLE_MULTIPLE = 32;

/** What the keys of a network have to do with each other. */
const consistentErunet = erunetSchema.superRefine((network, { addIssue }) => {
  const { width, multipliers, kernels } = network;
  for (const key of ['blocks', 'attention', 'kernels'] as const) {
    if (network[key].length === multipliers.length) continue;
    const message = `expected ${multipliers.length} values, one for each of multipliers, received ${network[key].length}`;
    addIssue({ code: 'custom', path: [key], message });
  }
  if (typeof network.inner !== 'string' && network.inner.length !== multipliers.length) {
    const message = `expected one kind, or ${multipliers.length}, one for each of multipliers, received ${network.inner.length}`;
    addIssue({ code: 'custom', path: ['inner'], message });
  }
  multipliers.forEach((multiplier, i) => {
    const channels = width * multiplier;
    const multiple = i === multipliers.length - 1 ? MIDDLE_MULTIPLE : 1;
    if (channels % multiple === 0) return;
    const message = `expected a multiple of ${multiple} channels, received ${width} * ${multiplier} = ${channels}`;
    addIssue({ code: 'custom', path: ['multipliers', i], message });
  });
  kernels.forEach((kernel, i) => {
    if (kernel % 2 === 0)
      addIssue({ code: 'custom', path: ['kernels', i], message: `expected an odd side, received ${kernel}` });
  });
});

/** Softmax over combinations doubles with every degradation. */
const MOST_COMBINED = 5;

const degradationName = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} _-]{0,39}$/u, 'expected up to 40 letters, digits, spaces and hyphens');

const presetShape = z.strictObject({
  name: z.string().min(1),
  /** What the model finds and removes, in the order of every per-degradation array. Cards from before it was a key have three. */
  degradations: z
    .array(degradationName)
    .min(1)
    .max(32)
    .refine((names) => new Set(names).size === names.length, { message: 'expected every name once' })
    .readonly()
    .default([...FIRST_DEGRADATIONS]),
  network: consistentErunet,
  fusion: fusionSchema,
  sde: z.strictObject({
    schedule: z.enum(['cosine', 'linear', 'constant']),
    T: count,
    maxSigma: z.number().positive(),
    eps: z.number().positive().lt(1),
  }),
  parameterisation: z.enum(['noise', 'data']),
  /** Present where the encoders are trained with the network; absent where their embeddings come from outside. */
  encoders: z.strictObject({ text: textEncoderSchema, controller: controllerSchema }).optional(),
  /** Which encoders those embeddings come from. */
  external: externalEncodersSchema.optional(),
  /** What restores best: steps, sampler and tile side in pixels. */
  defaults: z.strictObject({ steps: count, sampler: z.string().min(1), tile: count }),
});

/** What the parts of a preset have to do with each other. */
export const presetSchema = presetShape.superRefine(({ degradations, network, encoders }, { addIssue }) => {
  const labels = encoders?.controller.labels ?? 'combinations';
  if (encoders && labels === 'combinations' && degradations.length > MOST_COMBINED) {
    const message = `expected sigmoid for more than ${MOST_COMBINED} degradations, received combinations for ${degradations.length}`;
    addIssue({ code: 'custom', path: ['encoders', 'controller', 'labels'], message });
  }
  if (encoders?.controller.detector && labels !== 'sigmoid') {
    const message = `expected labels sigmoid beside a detector, received ${labels}`;
    addIssue({ code: 'custom', path: ['encoders', 'controller', 'detector'], message });
  }
  const asksForView = network.middle === 'view' || network.attention.includes('view');
  if (asksForView && encoders?.controller.view === undefined) {
    const message = 'expected encoders.controller.view for a network that sees the whole picture, received none';
    addIssue({ code: 'custom', path: ['network', 'middle'], message });
  }
});

export type ErunetConfig = Readonly<z.infer<typeof erunetSchema>>;
export type FusionConfig = Readonly<z.infer<typeof fusionSchema>>;
export type TextEncoderConfig = Readonly<z.infer<typeof textEncoderSchema>>;
export type DetectorConfig = Readonly<z.infer<typeof detectorSchema>>;
export type ControllerConfig = Readonly<z.infer<typeof controllerSchema>>;
export type Preset = Readonly<z.infer<typeof presetSchema>>;
