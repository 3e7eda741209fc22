/**
 * Configurations of experiments.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { SAMPLER_NAMES } from '../../diffusion/samplers/index.ts';
import { ClearwordError } from '../../errors.ts';
import { PROMPT_SOURCES } from '../sets/captions.ts';
import { setSchema } from './sets.ts';

const common = {
  title: z.string().min(1),
  /** What the paper reports, for comparison; shown as text. */
  paper: z.array(z.string()).default([]),
  /** What a reader should know about these data and numbers. */
  notes: z.array(z.string()).default([]),
  /** Folder of the data sets, relative to the working directory. */
  data: z.string().min(1).default('data'),
  seed: z.int().min(0).default(2026),
  metrics: z.string().default('psnr,ssim,niqe,lpips,fid'),
};

const sampling = {
  steps: z.int().min(1).optional(),
  sampler: z.enum(SAMPLER_NAMES).optional(),
  tile: z.int().optional(),
  ensemble: z.boolean().default(false),
};

/** Parts of a training configuration that replace those of another. */
const overrides = z.record(z.string(), z.unknown());

/** What the trainings of an experiment have in common. */
const trainingSchema = z.strictObject({
  /** Training configuration, relative to the experiment's. Its paths below the data folder follow the command's --data. */
  config: z.string().min(1),
  overrides: overrides.default({}),
});

export type Training = z.infer<typeof trainingSchema>;

export const runSchema = z.strictObject({
  name: z.string().min(1),
  /** Weights; default: the command's --model, or the bundled model. */
  model: z.string().min(1).optional(),
  /** Instead of a model: folders of results of any system, below the data folder, by the names of the sets. */
  outputs: z.record(z.string(), z.string().min(1)).optional(),
  /** Where a system that others made is published, and how its files are had; for readers. */
  published: z.url().optional(),
  how: z.string().min(1).optional(),
  /** Trains a model in the output folder, or goes on with it, instead of loading one: what it has different. */
  train: overrides.optional(),
  ...sampling,
  prompts: z.enum(PROMPT_SOURCES).default('empty'),
  prompt: z.string().default(''),
  /** Caption table: relative to the data folder, or, where it begins with ./, to the experiment's configuration. */
  captions: z.string().min(1).optional(),
  /** Names of the sets to measure; default: all. */
  sets: z.array(z.string()).optional(),
});

export type RunConfig = z.infer<typeof runSchema>;

/** Degradations over held-back data, for prompts and the controller. */
const compositeSchema = z.strictObject({
  clean: z.string().min(1),
  layers: z.string().min(1),
  haze: z.string().min(1),
  heldBack: z.int().min(1).default(20),
  /** Pictures of each combination. */
  pictures: z.int().min(1).default(6),
  /** Side of the middle that is used of each picture. */
  centre: z.int().min(64).default(256),
});

export type CompositeConfig = z.infer<typeof compositeSchema>;

/** A set, and what is true of every picture in it. */
const photographSetSchema = z.strictObject({
  set: setSchema,
  /** Degradations that each of its pictures has: they are missed where they are not found. */
  has: z.array(z.string()).default([]),
  /** Those that some may have, or have a little of: neither missed nor found wrongly. Every other one is found wrongly. */
  may: z.array(z.string()).default([]),
  /** What is asked for in words; default: to remove what they have. */
  prompt: z.string().min(1).optional(),
  /** Whether it has targets; pictures that are only there to be looked at, and to be found nothing in, have none. */
  truth: z.boolean().default(true),
});

export type PhotographSet = z.infer<typeof photographSetSchema>;

/** Samples that the controller's probabilities are held against, drawn as for calibration. */
const reliabilitySchema = z.strictObject({
  /** Calibration's configuration, relative to the experiment's; its paths below the data folder follow the command's --data. */
  config: z.string().min(1),
  overrides: overrides.default({}),
  samples: z.int().min(1).default(200),
});

export type Reliability = z.infer<typeof reliabilitySchema>;

export const experimentSchema = z.discriminatedUnion('kind', [
  /** Every run on every set: the paper's tables and figures. */
  z
    .strictObject({
      kind: z.literal('comparison'),
      ...common,
      sets: z.array(setSchema).min(1),
      runs: z.array(runSchema).min(1),
      training: trainingSchema.optional(),
      /** Also the size of each network and its operations for a picture of this side. */
      count: z.int().min(16).optional(),
      /** Also the curves of the trainings. */
      curves: z.boolean().default(false),
    })
    .refine(({ runs, training }) => training !== undefined || runs.every(({ train }) => train === undefined), {
      path: ['training'],
      message: 'expected the training configuration that the runs with train start from',
    }),
  /** Quality by steps and sampler. */
  z.strictObject({
    kind: z.literal('steps'),
    ...common,
    sets: z.array(setSchema).min(1),
    steps: z.array(z.int().min(1)).min(1),
    samplers: z
      .array(z.enum(SAMPLER_NAMES))
      .min(1)
      .default([...SAMPLER_NAMES]),
  }),
  /** What a prompt for a part of the degradations is worth. */
  z.strictObject({
    kind: z.literal('prompts'),
    ...common,
    composites: compositeSchema,
    sigma: z.number().positive().default(25),
  }),
  /** Photographs with and without degradations, by the careful mode itself and asked for in words. */
  z.strictObject({
    kind: z.literal('photographs'),
    ...common,
    sets: z.array(photographSetSchema).min(1),
    /** A picture counts as made worse where it loses more than this, in dB of PSNR. */
    tolerance: z.number().positive().default(0.3),
    reliability: reliabilitySchema.optional(),
  }),
  /** What the controller finds. */
  z.strictObject({
    kind: z.literal('controller'),
    ...common,
    composites: compositeSchema,
    sigmas: z.array(z.number().positive()).min(1).default([10, 15, 25, 50]),
  }),
]);

export type ExperimentConfig = z.infer<typeof experimentSchema>;
export type ComparisonConfig = Extract<ExperimentConfig, { kind: 'comparison' }>;
export type StepsConfig = Extract<ExperimentConfig, { kind: 'steps' }>;
export type PromptsConfig = Extract<ExperimentConfig, { kind: 'prompts' }>;
export type PhotographsConfig = Extract<ExperimentConfig, { kind: 'photographs' }>;
export type ControllerConfig = Extract<ExperimentConfig, { kind: 'controller' }>;

/** Checks a configuration; every problem is named with its place. Errors: INVALID_OPTION. */
export function parseExperiment(value: unknown, source: string): ExperimentConfig {
  const parsed = experimentSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || '(top)'}: ${message}`);
  throw new ClearwordError('INVALID_OPTION', `${source}: ${problems.join('; ')}`, {
    fix: 'Correct the configuration; those in configs/experiments are examples.',
  });
}

/** The same with at most so many pictures of each set, and a note that says so. */
export function limitedTo(config: ExperimentConfig, limit: number): ExperimentConfig {
  const least = (count = limit) => Math.min(count, limit);
  const note = `A quick run: at most ${limit} pictures of each set; do not compare these numbers with whole ones.`;
  const notes = [...config.notes, note];
  switch (config.kind) {
    case 'comparison':
    case 'steps':
      return { ...config, notes, sets: config.sets.map((set) => ({ ...set, limit: least(set.limit) })) };
    case 'photographs': {
      const { reliability } = config;
      const sets = config.sets.map((own) => ({ ...own, set: { ...own.set, limit: least(own.set.limit) } }));
      const fewer = reliability && { ...reliability, samples: least(reliability.samples) };
      return { ...config, notes, sets, ...(fewer && { reliability: fewer }) };
    }
    case 'prompts':
    case 'controller': {
      const { composites } = config;
      return { ...config, notes, composites: { ...composites, pictures: least(composites.pictures) } };
    }
  }
}

/** Reads a JSON configuration. Errors: INPUT_NOT_FOUND, INVALID_OPTION. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ClearwordError('INPUT_NOT_FOUND', `configuration ${path}: expected a readable JSON file`, { cause });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `configuration ${path}: expected JSON, received ${(cause as Error).message}`;
    throw new ClearwordError('INVALID_OPTION', message, { cause });
  }
}
