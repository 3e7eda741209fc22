/**
 * The options of a restoration, declared once: the library's types, the command line's options and help, and the checks
 * all come from this schema.
 *
 * @module
 */
import { z } from 'zod';
import { SAMPLER_NAMES } from '../diffusion/samplers/index.ts';
import { IMAGE_FORMATS } from '../image/image-signature.ts';
import { DEFAULT_LIMITS, type ImageLimits } from '../image/limits.ts';
import { type AnyModel, isPlain } from '../models/model.ts';
import { checkOptions } from '../options.ts';
import { amountSchema } from './encode-settings.ts';
import { plainStrengths, plainTile, refuseGuidance } from './plain-options.ts';
import { strengthsOf } from './strengths.ts';
import { MAX_TILE, MIN_TILE } from './tiles.ts';

export const restoreOptionsSchema = z.strictObject({
  prompt: z.string().max(2000).default('').meta({
    description: 'what to remove, and what to keep, in words; empty: everything that the model is sure of',
    placeholder: 'text',
  }),
  steps: z.int().min(1).max(1000).optional().meta({
    description: "steps of the diffusion, at most those the model was trained with; default: the model's",
    placeholder: 'n',
  }),
  sampler: z.enum(SAMPLER_NAMES).optional().meta({
    description: "sampler of the diffusion; default: the model's",
    placeholder: 'name',
  }),
  seed: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER - 1000)
    .default(0)
    .meta({
      description: 'seed of the noise; the same seed gives the same picture',
      placeholder: 'n',
    }),
  samples: z.int().min(1).max(64).default(1).meta({
    description:
      'samples to draw, with seeds counting up; the result is their mean, with a picture of their uncertainty',
    placeholder: 'k',
  }),
  tile: z.int().min(MIN_TILE).max(MAX_TILE).optional().meta({
    description:
      "side of a square in pixels; a tile has at most 2.25 times its pixels, and smaller ones need less memory; default: the model's",
    placeholder: 'n',
  }),
  overlap: z
    .int()
    .min(0)
    .max(MAX_TILE / 2)
    .optional()
    .meta({
      description:
        'least overlap of neighbouring tiles in pixels, at most half a tile; default: 32 to 112 by what is removed, seven sixteenths of a tile at most',
      placeholder: 'n',
    }),
  ensemble: z.boolean().default(false).meta({
    description:
      'restore all eight flips and quarter turns and take their mean: a little better, eight times slower; with rain or haze the picture and its mirror image only',
  }),
  amount: amountSchema,
  strength: z
    .union([z.string(), z.record(z.string(), z.number())])
    .default('')
    .meta({
      description:
        'how strong something is, where the model misjudges it, such as noise=12,haze=40: noise in 8-bit levels, darkness in stops, everything else in percent',
      placeholder: 'name=value',
    }),
  compare: z.boolean().default(false).meta({ description: 'also make a picture of before and after side by side' }),
  saveStates: z.boolean().default(false).meta({
    description: 'also make a strip of the states of the diffusion, from a reduced picture that fits into one tile',
  }),
  strip: z.boolean().default(false).meta({
    description: 'write no metadata: no profile (colours become sRGB), EXIF, XMP or record of what was done',
  }),
  strict: z.boolean().default(false).meta({
    description: 'refuse JPEGs that end early; without it they are read with a warning, and what is missing is grey',
  }),
  maxMegapixels: z
    .number()
    .positive()
    .max(2000)
    .default(DEFAULT_LIMITS.pixels / 1e6)
    .meta({ description: 'refuse larger pictures, in millions of pixels', placeholder: 'n' }),
});

/** What only a caller of the library gives, beside the options. */
const callShape = {
  format: z.enum(IMAGE_FORMATS).optional(),
  onProgress: z
    .custom<(progress: never) => void>((value) => typeof value === 'function', 'expected a function for onProgress')
    .optional(),
  signal: z.instanceof(AbortSignal).optional(),
};

/** The whole object that `restore` takes. */
export const restoreCallSchema = restoreOptionsSchema.extend(callShape);

/** The whole object that `inspect` takes. */
export const inspectCallSchema = z.strictObject({
  maxMegapixels: restoreOptionsSchema.shape.maxMegapixels,
  strict: restoreOptionsSchema.shape.strict,
  signal: callShape.signal,
});

/** Options as a caller gives them; all have defaults. */
export type RestoreParameters = z.input<typeof restoreOptionsSchema>;

/** Options with every default filled in. */
export interface RestoreSettings {
  readonly prompt: string;
  readonly steps: number;
  readonly sampler: string;
  readonly seed: number;
  readonly samples: number;
  readonly tile: number;
  /** Least overlap of tiles, pixels; undefined: by what is removed (overlap.ts). */
  readonly overlap: number | undefined;
  readonly ensemble: boolean;
  /** Share of the change that is made, 0..1. */
  readonly amount: number;
  /** Strengths of degradations that somebody set, 0..1. */
  readonly strengths: Readonly<Record<string, number>>;
}

/** The limits that `maxMegapixels` stands for. Bytes grow with it: uncompressed 16-bit RGBA takes 8 a pixel. */
export function limitsFor(maxMegapixels: number): ImageLimits {
  const pixels = Math.floor(maxMegapixels * 1e6);
  return { pixels, bytes: Math.max(DEFAULT_LIMITS.bytes, 9 * pixels) };
}

/** What stands for the sampler of a plain network. */
const NO_SAMPLER = 'none';

/** Checks the options and fills in the model's defaults. Errors: INVALID_OPTION, naming the option. */
export function settingsFor(model: AnyModel, parameters: RestoreParameters): RestoreSettings {
  const options = checkOptions(restoreOptionsSchema, parameters);
  const { prompt, seed, samples, ensemble } = options;
  const common = { prompt, seed, samples, ensemble, amount: options.amount / 100 };
  if (isPlain(model)) {
    refuseGuidance(model, options);
    return {
      ...common,
      steps: 1,
      sampler: NO_SAMPLER,
      strengths: plainStrengths(model, options.strength),
      ...plainTile(model, options),
    };
  }
  const tile = options.tile ?? model.defaultTile;
  return {
    ...common,
    steps: options.steps ?? model.defaults.steps,
    sampler: options.sampler ?? model.defaults.sampler,
    tile,
    overlap: options.overlap,
    strengths: strengthsOf(model, options.strength),
  };
}
