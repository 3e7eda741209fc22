/**
 * The keys of a configuration schema as docs/training.md lists them. Names, allowed values and defaults come from the
 * schema; what a key means is written in the page itself, in the last column.
 *
 * @module
 */
import { z } from 'zod';
import { excludes } from '../src/cli/schema-options.ts';

export interface ConfigKey {
  /** Such as `optimiser.learningRate`. */
  readonly path: string;
  /** Such as `1..1024`, `l1, l2` or `text`. */
  readonly values: string;
  /** As JSON; `required` or `none` where there is no default. */
  readonly fallback: string;
}

/** All keys of an object schema, in its order, with those of nested objects in their place. */
export function configKeys(schema: z.ZodType, path = ''): ConfigKey[] {
  const { inner, fallback } = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [{ path, values: valuesOf(inner), fallback }];
  return Object.entries(inner.shape).flatMap(([name, value]) =>
    configKeys(value as z.ZodType, path === '' ? name : `${path}.${name}`),
  );
}

/** The schema inside of its wrappers, and what an absent key stands for. */
function unwrap(schema: z.ZodType, fallback = 'required'): { inner: z.ZodType; fallback: string } {
  if (schema instanceof z.ZodDefault) {
    return unwrap(schema.unwrap() as z.ZodType, JSON.stringify(schema.def.defaultValue));
  }
  if (schema instanceof z.ZodPrefault) return unwrap(schema.unwrap() as z.ZodType, fallback);
  if (schema instanceof z.ZodOptional) return unwrap(schema.unwrap() as z.ZodType, 'none');
  return { inner: schema, fallback };
}

function valuesOf(schema: z.ZodType): string {
  if (schema instanceof z.ZodNullable) return `${valuesOf(schema.unwrap() as z.ZodType)}, or null`;
  if (schema instanceof z.ZodEnum) return schema.options.join(', ');
  if (schema instanceof z.ZodLiteral) return [...schema.values].join(', ');
  if (schema instanceof z.ZodUnion) {
    return schema.options.map((option) => valuesOf(option as z.ZodType)).join(', ');
  }
  if (schema instanceof z.ZodReadonly) return valuesOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodBoolean) return 'true, false';
  if (schema instanceof z.ZodString) return 'text';
  if (schema instanceof z.ZodArray) return `list of ${valuesOf(schema.element as z.ZodType)}`;
  if (schema instanceof z.ZodTuple) {
    return `[${schema.def.items.map((item) => valuesOf(item as z.ZodType)).join(', ')}]`;
  }
  if (schema instanceof z.ZodNumber) return rangeOf(schema);
  throw new Error(`no words for the schema type ${schema.type}`);
}

function rangeOf(schema: z.ZodNumber): string {
  const { minValue, maxValue, format } = schema;
  const low = excludes(schema, 'greater_than') ? `above ${minValue}` : `${minValue}`;
  if (minValue === Number.NEGATIVE_INFINITY && maxValue === Number.POSITIVE_INFINITY) return 'number';
  const kind = format === 'safeint' ? 'integer ' : '';
  // A bound that only keeps integers exact is no news to a reader.
  if (maxValue === null || maxValue > 1e12) return `${kind}${low.startsWith('above') ? low : `${low} or more`}`;
  return excludes(schema, 'less_than') ? `${kind}${low} to below ${maxValue}` : `${kind}${low}..${maxValue}`;
}

const BEGIN = '| Key | Values | Default | Meaning |\n| --- | --- | --- | --- |\n';

/** The page with its table of keys brought in line with the schema. A key without a meaning gets an empty one. */
export function withKeyTable(page: string, schema: z.ZodType): string {
  const start = page.indexOf(BEGIN) + BEGIN.length;
  const end = page.indexOf('\n\n', start) + 1;
  if (start < BEGIN.length || end === 0) throw new Error('expected a table of keys in the page, found none');
  const written = [...page.slice(start, end).matchAll(/^\| `([^`]+)` \|.*\| (.*) \|$/gm)];
  const meanings = new Map(written.map(([, path, meaning]) => [path, meaning]));
  const rows = configKeys(schema).map(
    ({ path, values, fallback }) => `| \`${path}\` | ${values} | ${fallback} | ${meanings.get(path) ?? ''} |\n`,
  );
  return page.slice(0, start) + rows.join('') + page.slice(end);
}
