/**
 * How a result is written, declared once for Node, browsers and the command line.
 *
 * @module
 */
import { z } from 'zod';
import { IMAGE_FORMATS } from '../image/image-signature.ts';

export const formatSchema = z.enum(IMAGE_FORMATS).optional().meta({
  placeholder: 'name',
  description: "format of the results; default: that of the output's name, or the input's",
});

export const qualitySchema = z.int().min(1).max(100).optional().meta({
  placeholder: 'n',
  description: 'quality of JPEG, WebP and AVIF; default: 95, 95 and 85',
});

export const losslessSchema = z
  .boolean()
  .default(false)
  .meta({ description: 'write WebP and AVIF without losses; PNG and TIFF have none anyway, JPEG cannot' });

/** Of the option of a restoration; a result that is changed afterwards has the same range. */
export const amountSchema = z.number().min(0).max(100).default(100).meta({
  description: 'how much of the change is made, in percent; 0 gives the photo as it is',
  placeholder: 'percent',
});

/** Settings of `toBuffer`. */
export const encodeSettingsSchema = z.strictObject({
  format: formatSchema,
  quality: qualitySchema,
  lossless: losslessSchema,
});

/** Settings of `toFile`, where the name says the format. */
export const writeSettingsSchema = z.strictObject({
  quality: qualitySchema,
  lossless: losslessSchema,
  overwrite: z.boolean().default(false),
  signal: z.instanceof(AbortSignal).optional(),
});

/** Settings of `toBlob` in a browser, whose canvas writes fewer formats. */
export const blobSettingsSchema = z.strictObject({
  format: z.enum(['jpeg', 'png', 'webp']).optional(),
  quality: qualitySchema,
  metadata: z.boolean().default(true),
});
