/**
 * The options of `clearword restore`: those of the library, and those about files.
 *
 * @module
 */
import { z } from 'zod';
import { type RestoreParameters, restoreOptionsSchema } from '../restore/options.ts';
import { deviceOption, encodersOption, jsonOption, modelOption, precisionOption } from './common-options.ts';

const { prompt, steps, sampler, seed, samples, tile, overlap, ensemble, compare, saveStates, strip, maxMegapixels } =
  restoreOptionsSchema.shape;

export const restoreCommandOptions = z
  .strictObject({
    output: z.string().min(1).optional().meta({
      short: 'o',
      placeholder: 'path',
      description: 'file or folder for the results; default: photo.restored.jpg beside photo.jpg',
    }),
    prompt: prompt.meta({
      description:
        'what to remove, and what to keep, in words; empty: everything found; auto: a caption of the photo, by a captioning model',
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
        'for --prompt auto: name of the captioning model, or its folder on this machine; default: CLEARWORD_CAPTION_MODEL; CLEARWORD_CAPTION_PROMPT is what it is asked',
    }),
    steps,
    sampler,
    seed,
    samples,
    device: deviceOption,
    precision: precisionOption,
    model: modelOption,
    encoders: encodersOption,
    tile,
    overlap,
    ensemble,
    compare,
    saveStates,
    strip,
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
  const {
    output: _o,
    device: _d,
    precision: _p,
    model: _m,
    encoders: _e,
    captionEndpoint: _a,
    captionModel: _c,
    overwrite: _w,
    skipExisting: _s,
    json: _j,
    ...parameters
  } = given;
  return parameters;
}
