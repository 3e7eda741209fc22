/**
 * The data part of a training configuration: where the pictures are and how samples are made from them.
 *
 * @module
 */
import { z } from 'zod';

const share = z.number().min(0).max(1);
const weight = z.number().min(0);
/** A closed range [low, high] within bounds. */
const range = (least: number, most: number) =>
  z
    .tuple([z.number().min(least).max(most), z.number().min(least).max(most)])
    .refine(([low, high]) => low <= high, { message: 'expected [low, high] with low <= high' });

/** Folders and files, absolute or relative to the working directory. */
export const dataRootsSchema = z.strictObject({
  /** Folders of clean photos (JPEG, PNG, WebP, TIFF or AVIF; not searched recursively). */
  photos: z.array(z.string().min(1)).default([]),
  /** Folder of grey streak layers, rainy = min(255, clean + layer). */
  rainLayers: z.string().min(1).optional(),
  /** Folder with `hazy/` and `clear/` in RESIDE's naming: hazy/scene_A_beta.jpg belongs to clear/scene.jpg. */
  hazePairs: z.string().min(1).optional(),
  /** Folders with `degraded/` and `clear/`, pictures of the same names and sizes in both, one for each degradation. */
  pairs: z
    .strictObject({
      noise: z.string().min(1).optional(),
      rain: z.string().min(1).optional(),
      haze: z.string().min(1).optional(),
    })
    .prefault({}),
  /** Tables `file<TAB>caption[<TAB>scene<TAB>horizon<TAB>far]` with a header; files are relative to the table. */
  captions: z.array(z.string().min(1)).default([]),
});

/** How often each kind of sample is drawn, relative to the others. */
export const taskWeightsSchema = z.strictObject({
  clean: weight.default(0.04),
  noise: weight.default(0.28),
  rain: weight.default(0.2),
  hazeGenuine: weight.default(0.13),
  hazeSynthetic: weight.default(0.1),
  /** Two or three degradations in one picture. */
  composite: weight.default(0.25),
  /** A pair of files as it is, with its caption: the paper's data. For networks whose encoders come from outside. */
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

export const dataConfigSchema = z.strictObject({
  roots: dataRootsSchema,
  tasks: taskWeightsSchema.prefault({}).refine((tasks) => Object.values(tasks).some((value) => value > 0), {
    message: 'expected at least one task with a weight above 0',
  }),
  /** Side of a training patch, pixels. */
  patch: z.int().min(8).max(1024).default(64),
  /** Sigma of the Gaussian noise, 8-bit units; drawn uniformly. */
  sigma: range(0, 100).default([0, 55]),
  /** Share of rain layers that the streak generator draws; all of them where there is no rain-layer folder. */
  generatedRain: share.default(0.25),
  /** Airlight of synthetic haze, 0..1. */
  airlight: range(0, 1).default([0.7, 1]),
  /** Scattering of synthetic haze over a scene of depth 1. */
  beta: range(0, 10).default([0.4, 1.8]),
  /** Share of the genuine haze scenes that are hazed anew, with another airlight and scattering over their own depth. */
  rehazed: share.default(0.5),
  /** Share of the degraded inputs that went through a JPEG file, where everything in them is to be removed. */
  compressed: share.default(0),
  /** Quality of those files, drawn uniformly. */
  quality: range(1, 100).default([60, 98]),
  prompts: promptMixtureSchema.prefault({}),
  /** What is kept out of training for evaluation. */
  holdOut: z
    .strictObject({
      /** Rain layers, the last ones in natural order. */
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
