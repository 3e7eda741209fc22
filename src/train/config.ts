/**
 * The configuration of a training run.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { dataConfigSchema } from '../data/config.ts';
import { ClearwordError } from '../errors.ts';
import { plainPresets } from '../models/plain/presets.ts';
import { erunetSchema, fusionSchema } from '../models/preset-schema.ts';
import { presets } from '../models/presets.ts';
import { DEVICES } from '../runtime/protocol.ts';
import { OPTIMISER_NAMES } from './optimisers/index.ts';

/** What computes the steps: ONNX Runtime, a PyTorch process, or that where it finds a CUDA device. */
export const ENGINES = ['built-in', 'pytorch', 'auto'] as const;

/** What can be trained. */
export const PRESET_NAMES = [...Object.keys(presets), ...Object.keys(plainPresets)];

const positive = z.number().positive();

export const trainConfigSchema = z
  .strictObject({
    /** Network and method. */
    preset: z.enum(PRESET_NAMES as [string, ...string[]]),
    /** Changes to the preset's network and fusion, for trying other designs. */
    network: erunetSchema.partial().prefault({}),
    fusion: fusionSchema.partial().prefault({}),
    data: dataConfigSchema,
    /** The encoders of a preset that has none of its own; they stay as they are. */
    encoders: z
      .strictObject({
        /** Weights of CLIP and DA-CLIP: path, `hub:owner/name/file` or https address. */
        weights: z.string().min(1),
        /** Folder that keeps the embeddings of captions and pictures, so that each is computed once. */
        cache: z.string().min(1).optional(),
      })
      .optional(),
    /** Samples of a step. */
    batch: z.int().min(1).max(16_384).default(16),
    /** Length of the run in steps, or ... */
    steps: z.int().min(1).optional(),
    /** ... in minutes of training, over all resumed parts. The learning rate follows whichever is given. */
    minutes: positive.optional(),
    /**
     * `matching` is the paper's |E - O|; the others compare x0_hat with x0 and need data prediction. `psnr` is the mean of
     * the samples' ln RMSE, which is about 20 times as steep as the others: auxiliary weights and clipNorm grow with it. `none`
     * restores nothing, for training encoders alone.
     */
    loss: z.enum(['matching', 'l1', 'l2', 'charbonnier', 'psnr', 'none']).default('l1'),
    /** Weights of the losses beside the restoration's. */
    auxiliary: z
      .strictObject({
        contrastive: z.number().min(0).default(0.02),
        strength: z.number().min(0).default(0.05),
        intent: z.number().min(0).default(0.02),
      })
      .prefault({}),
    /** Share of the samples at t = T; the others have t uniform in 1..T. */
    finalShare: z.number().min(0).max(1).default(0),
    /**
     * Share of the pictures whose strengths are told to a network that takes them, and of these the share that is told a little
     * wrongly, as a user may; for the others it has its controller's own estimate.
     */
    told: z
      .strictObject({ share: z.number().min(0).max(1), perturbed: z.number().min(0).max(1) })
      .default({ share: 0.4, perturbed: 0.4 }),
    optimiser: z
      .strictObject({
        /** `muon`: orthogonal updates for the matrices of the network, AdamW for everything else. */
        kind: z.enum(OPTIMISER_NAMES).default('adamw'),
        learningRate: positive.default(2e-4),
        /** Of the values that `muon` leaves to AdamW; its course is that of `learningRate`. */
        otherLearningRate: positive.optional(),
        /** Where the half cosine ends. */
        floor: z.number().min(0).default(1e-6),
        betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.99]),
        eps: positive.default(1e-8),
        weightDecay: z.number().min(0).default(0),
        /** Longest gradient; longer ones are scaled down to it. Null leaves them. */
        clipNorm: positive.nullable().default(null),
        /** Steps of linear warm-up. */
        warmup: z.int().min(0).default(0),
      })
      .prefault({}),
    /** Exponential moving average of the parameters: it becomes the model. */
    average: z
      .strictObject({ decay: z.number().min(0).lt(1).default(0.995), every: z.int().min(1).default(10) })
      .prefault({}),
    /** Held-back rain layers and haze scenes on these photos, scored in one step with the averaged parameters. */
    validation: z
      .strictObject({
        photos: z.array(z.string().min(1)).min(1),
        samples: z.int().min(1).default(96),
        every: z.int().min(1).default(1000),
      })
      .optional(),
    checkpoint: z.strictObject({ every: z.int().min(1).default(500), keep: z.int().min(1).default(2) }).prefault({}),
    seed: z.int().min(0).default(1),
    /** What computes the steps: ONNX Runtime, a PyTorch process, or that where it finds a CUDA device. */
    engine: z.enum(ENGINES).default('built-in'),
    /** Python interpreter with PyTorch 1.13 or later. */
    python: z.string().min(1).optional(),
    /** Of what PyTorch does to pixels: `auto` is bfloat16 where that is fast. Parameters are float32 in any case. */
    precision: z.enum(['float32', 'bfloat16', 'auto']).default('auto'),
    /** Whether PyTorch compiles the networks: `auto` does so on a CUDA device. */
    compile: z.union([z.boolean(), z.literal('auto')]).default('auto'),
    /** Parts that PyTorch cuts each batch into, to use less memory; more where that is still too little. */
    parts: z.int().min(1).max(64).default(1),
    /** PyTorch processes on this machine that share each batch, one for each card. */
    ranks: z.int().min(1).max(64).default(1),
    /** Times that PyTorch uses each batch, each with other steps t and noise and mirrored at random, so that a card need not wait for data. */
    echo: z.int().min(1).max(64).default(1),
    /** Absent: the CPU with the built-in engine, what there is with PyTorch, which knows cpu and cuda. */
    device: z.enum([...DEVICES, 'auto']).optional(),
    /** Threads of the engine; 0: one per core. */
    threads: z.int().min(0).default(0),
    /** Model, or checkpoint whose averaged parameters, to start from, instead of random values. */
    initialise: z.string().min(1).optional(),
    /** Beginnings of the names of the parameters that are trained, such as `controller.detector.`; the others stay as they are. */
    only: z.array(z.string().min(1)).min(1).optional(),
  })
  .refine((config) => (config.steps === undefined) !== (config.minutes === undefined), {
    message: 'expected exactly one of steps and minutes',
  })
  .refine(({ only, optimiser }) => only === undefined || optimiser.weightDecay === 0, {
    path: ['optimiser', 'weightDecay'],
    message: 'expected 0 beside only: decay would change what is to stay as it is',
  })
  .refine(({ only, loss }) => loss !== 'none' || only !== undefined, {
    path: ['only'],
    message: 'expected the names of what loss none is to train',
  });

export type TrainConfig = z.infer<typeof trainConfigSchema>;

/** Checks a configuration; every problem is named with its place. */
export function parseTrainConfig(value: unknown, source: string): TrainConfig {
  const parsed = trainConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .map(({ path, message }) => `${path.join('.') || '(top)'}: ${message}`)
    .join('; ');
  throw new ClearwordError('INVALID_OPTION', `${source}: ${problems}`, {
    fix: 'Correct the configuration; docs/training.md lists the keys.',
  });
}

/** Reads a JSON configuration file. @param changes values in place of the file's */
export async function readTrainConfig(
  path: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<TrainConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new ClearwordError('INPUT_NOT_FOUND', `configuration ${path}: expected a readable JSON file`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `configuration ${path}: expected JSON, received ${(cause as Error).message}`,
      { cause },
    );
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return parseTrainConfig(isObject ? Object.assign({}, value, changes) : value, path);
}
