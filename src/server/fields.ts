/**
 * The form fields of a restoration, out of the library's own schema.
 *
 * @module
 */
import { z } from 'zod';
import { ClearwordError } from '../errors.ts';
import { IMAGE_FORMATS } from '../image/image-signature.ts';
import { checkOptions } from '../options.ts';
import { restoreOptionsSchema } from '../restore/options.ts';
import type { ServerSettings } from './settings.ts';

export type FieldLimits = Pick<ServerSettings, 'maxSteps' | 'maxSamples' | 'maxTile'>;

/**
 * The restore options with the operator's limits; but for the limit on pixels, which is the operator's own, and the
 * ensemble, which would take eight times the work.
 */
export function restorationFields({ maxSteps, maxSamples, maxTile }: FieldLimits) {
  const { steps, samples, tile, overlap, strength } = restoreOptionsSchema.shape;
  const described = <Type extends z.ZodType>(type: Type, as: z.ZodType): Type => type.meta(as.meta() ?? {});
  return restoreOptionsSchema.omit({ maxMegapixels: true, ensemble: true }).extend({
    steps: described(steps.unwrap().max(maxSteps).optional(), steps),
    samples: described(samples.unwrap().max(maxSamples).default(1), samples),
    tile: described(tile.unwrap().max(maxTile).optional(), tile),
    overlap: described(
      overlap
        .unwrap()
        .max(maxTile / 2)
        .optional(),
      overlap,
    ),
    // Forms carry text.
    strength: described(z.string().max(500).default(''), strength),
    format: z.enum(IMAGE_FORMATS).optional().meta({ description: "format of the result; default: the picture's" }),
    quality: z.int().min(1).max(100).optional().meta({
      description: 'quality of a JPEG, WebP or AVIF result; default: 95, 95 and 85',
    }),
  });
}

export type FieldsSchema = ReturnType<typeof restorationFields>;

export interface FieldDocument {
  readonly type?: string;
  readonly [key: string]: unknown;
}

/** The fields as JSON Schema, for the OpenAPI document. */
export function documentFields(schema: z.ZodObject): Readonly<Record<string, FieldDocument>> {
  const { properties = {} } = z.toJSONSchema(schema, {
    io: 'input',
    // How the command line's help shows a value is nothing for a schema.
    override: ({ jsonSchema }) => {
      delete jsonSchema.placeholder;
    },
  });
  return properties as Record<string, FieldDocument>;
}

/**
 * Fields as text, the way forms carry them, as the schema wants them.
 *
 * @throws ClearwordError INVALID_OPTION naming the field
 */
export function parseFields<Schema extends z.ZodObject>(
  schema: Schema,
  fields: ReadonlyMap<string, string>,
): z.output<Schema> {
  const unknown = [...fields.keys()].filter((name) => !Object.hasOwn(schema.shape, name));
  if (unknown.length > 0) throw new ClearwordError('INVALID_OPTION', `unknown field ${unknown.join(', ')}`);
  const types = documentFields(schema);
  const values = [...fields].map(([name, text]) => [name, fieldValue(text, types[name]?.type)] as const);
  return checkOptions(schema, Object.fromEntries(values));
}

/** Text that is no number or switch stays text, so that the message shows what was given. */
function fieldValue(text: string, type: string | undefined): unknown {
  if (type === 'integer' || type === 'number') {
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
  }
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** A field that is there once. Errors: INVALID_OPTION. */
export function addField(fields: Map<string, string>, name: string, value: string): void {
  if (fields.has(name)) throw new ClearwordError('INVALID_OPTION', `expected ${name} once, received it twice`);
  fields.set(name, value);
}
