/**
 * The data part of a training configuration: where the pictures are and how samples are made from them.
 *
 * @module
 */
import { z } from 'zod';
import { type Degradation, KNOWN_DEGRADATIONS } from '../degradations/index.ts';
import { RECORDS, type Sections } from './degradations/index.ts';
import { range, share, weight } from './schema.ts';

/** One value for each degradation that this version knows. */
function forEach<Value>(make: (name: Degradation) => Value): { [Name in Degradation]: Value } {
  return Object.fromEntries(KNOWN_DEGRADATIONS.map((name) => [name, make(name)])) as { [Name in Degradation]: Value };
}

/** Folders and files, absolute or relative to the working directory. */
export const dataRootsSchema = z.strictObject({
  /** Folders of clean photos (JPEG, PNG, WebP, TIFF or AVIF; not searched recursively). */
  photos: z.array(z.string().min(1)).default([]),
  /** Folders of grey streak layers, rainy = min(255, clean + layer). */
  rainLayers: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
  /** Folder with `hazy/` and `clear/` in RESIDE's naming: hazy/scene_A_beta.jpg belongs to clear/scene.jpg. */
  hazePairs: z.string().min(1).optional(),
  /** Folders of pairs of pictures of the same names and sizes, one for each degradation. */
  pairs: z.strictObject(forEach(() => z.string().min(1).optional())).prefault({}),
  /** Tables `file<TAB>caption[<TAB>scene<TAB>horizon<TAB>far]` with a header; files are relative to the table. */
  captions: z.array(z.string().min(1)).default([]),
});

/** How often each kind of sample is drawn, relative to the others. */
export const taskWeightsSchema = z.strictObject({
  clean: weight.default(0.04),
  /** A degradation alone. */
  ...forEach((name) => weight.default(RECORDS[name].weight)),
  /** Several degradations in one picture. */
  composite: weight.default(0.25),
  /** A pair of files as it is, with its caption: the paper's data, and real photographs. */
  pairs: weight.default(0),
});

/** Which prompts the samples come with; the shares are of all samples, and what they leave asks for everything in words. */
export const promptMixtureSchema = z
  .strictObject({
    /** The empty prompt: remove everything found. */
    empty: share.default(0.3),
    /** A content caption and no instruction: remove everything found. */
    captionOnly: share.default(0.1),
    /** An instruction that names what to remove; the rest stays. */
    subset: share.default(0.45),
    /** Of the instructions that name something: how often they name only what the picture does not have. */
    absent: share.default(0.08),
    /** Of all instructions: how often the content caption stands beside them. */
    withCaption: share.default(0.25),
  })
  .refine((mixture) => mixture.empty + mixture.captionOnly + mixture.subset <= 1, {
    message: 'expected empty + captionOnly + subset to be at most 1',
  });

/** The section of each degradation, as its record says. */
const sections = Object.fromEntries(KNOWN_DEGRADATIONS.map((name) => [name, RECORDS[name].options])) as {
  [Name in Degradation]: z.ZodType<Sections[Name]>;
};

export const dataConfigSchema = z.strictObject({
  roots: dataRootsSchema,
  tasks: taskWeightsSchema.prefault({}).refine((tasks) => Object.values(tasks).some((value) => value > 0), {
    message: 'expected at least one task with a weight above 0',
  }),
  /** Side of a training patch, pixels. */
  patch: z.int().min(8).max(1024).default(64),
  /** Patches across and down a picture: a region of grid x grid patches is degraded as a whole and then cut. */
  grid: z.int().min(1).max(16).default(1),
  /** Share of the regions that are cut out of a reduced photo. */
  scaled: share.default(0.25),
  /** Photo pixels for each pixel of those regions, drawn uniformly, as far as the photo reaches. */
  scale: range(1, 8).default([1, 1.5]),
  ...sections,
  /** Most degradations of a composite; a third one comes in 40 % of them, and so on. */
  most: z.int().min(2).max(8).default(3),
  /** Share of the samples without degradations that invite a false finding: flat, gridded, soft, pale or drawn pictures. */
  negatives: share.default(0),
  /** Share of the degraded inputs that went through a JPEG file, where everything in them is to be removed. */
  compressed: share.default(0),
  /** Quality of those files, drawn uniformly. */
  quality: range(1, 100).default([60, 98]),
  prompts: promptMixtureSchema.prefault({}),
  /** What is kept out of training for evaluation. */
  holdOut: z
    .strictObject({
      /** Rain layers, the last ones of each folder in natural order. */
      rainLayers: z.int().min(0).default(20),
      /** Haze scenes, spread evenly over the natural order. */
      hazeScenes: z.int().min(0).default(20),
    })
    .prefault({}),
  seed: z.int().min(0).default(1),
  /** Threads that decode and degrade. */
  workers: z.int().min(1).max(64).default(1),
  /** Batches made ahead of the training step. */
  prefetch: z.int().min(1).max(64).default(4),
  /** Decoded pictures kept in memory, shared by the workers; the rest is decoded again whenever it is drawn. */
  cacheMegabytes: z.int().min(0).max(65536).default(1500),
});

export type DataRoots = z.infer<typeof dataRootsSchema>;
export type TaskWeights = z.infer<typeof taskWeightsSchema>;
export type Task = keyof TaskWeights;
export type PromptMixture = z.infer<typeof promptMixtureSchema>;
export type DataConfig = z.infer<typeof dataConfigSchema>;
