/**
 * The options of `clearword restore`: those of the library, and those about files.
 *
 * @module
 */
import { z } from 'zod';
import { formatSchema, losslessSchema, qualitySchema } from '../restore/encode-settings.ts';
import { type RestoreParameters, restoreOptionsSchema } from '../restore/options.ts';
import {
  descriptorOption,
  deviceOption,
  encodersOption,
  jsonOption,
  modelOption,
  precisionOption,
  threadsOption,
} from './common-options.ts';

const { prompt, maxMegapixels, strict, ...parameters } = restoreOptionsSchema.shape;
const { steps, sampler, seed, samples, ...others } = parameters;

export const restoreCommandOptions = z
  .strictObject({
    output: z.string().min(1).optional().meta({
      short: 'o',
      placeholder: 'path',
      description:
        'file or folder for the results, or - for standard output; default: photo.restored.jpg beside photo.jpg',
    }),
    prompt: prompt.meta({
      description:
        'what to remove, and what to keep, in words; empty: everything that the model is sure of; auto: a caption of the photo, by a captioning model',
      placeholder: 'text',
    }),
    captionEndpoint: z.string().min(1).optional().meta({
      placeholder: 'address',
      description:
        "for --prompt auto: service with OpenAI's chat interface; default: CLEARWORD_CAPTION_ENDPOINT, or a model on this machine",
    }),
    captionModel: z.string().min(1).optional().meta({
      placeholder: 'name',
      description:
        'for --prompt auto: name of the captioning model, or its folder on this machine; default: CLEARWORD_CAPTION_MODEL; CLEARWORD_CAPTION_PROMPT is the question',
    }),
    steps,
    sampler,
    seed,
    samples,
    device: deviceOption,
    precision: precisionOption,
    model: modelOption,
    encoders: encodersOption,
    descriptor: descriptorOption,
    threads: threadsOption,
    ...others,
    format: formatSchema,
    quality: qualitySchema,
    lossless: losslessSchema,
    strict,
    maxMegapixels,
    overwrite: z.boolean().default(false).meta({ description: 'replace results that exist' }),
    skipExisting: z.boolean().default(false).meta({ description: 'leave out inputs whose result exists' }),
    json: jsonOption,
  })
  .refine(({ overwrite, skipExisting }) => !(overwrite && skipExisting), {
    message: 'expected only one of --overwrite and --skip-existing',
  });

export type RestoreCommandOptions = z.output<typeof restoreCommandOptions>;

/** The options that are the library's. */
export function restoreParameters(given: RestoreCommandOptions): RestoreParameters {
  const own = Object.entries(given).filter(([name]) => name in restoreOptionsSchema.shape);
  return Object.fromEntries(own);
}
