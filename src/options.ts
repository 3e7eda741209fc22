/**
 * Options checked against a schema, with one form of message for all of them.
 *
 * @module
 */
import type { z } from 'zod';
import { ClearwordError } from './errors.ts';

/**
 * The parsed value. Errors: INVALID_OPTION with "expected RANGE for NAME, received VALUE" for each problem; unknown keys
 * are problems.
 *
 * @param nameOf how the caller writes an option's name, such as --max-megapixels for maxMegapixels
 */
export function checkOptions<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  nameOf: (path: string) => string = (path) => path,
): z.output<Schema> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const { issues } = result.error;
  const problems = issues.filter((issue) => !issues.some((other) => isTighter(other, issue)));
  throw new ClearwordError('INVALID_OPTION', problems.map((issue) => describe(issue, nameOf)).join('; '));
}

/** Whether one problem says more than another: a bound inside of another bound of the same value. */
function isTighter(one: z.core.$ZodIssue, other: z.core.$ZodIssue): boolean {
  if (one.path.join('.') !== other.path.join('.')) return false;
  if (one.code === 'too_big' && other.code === 'too_big') return one.maximum < other.maximum;
  if (one.code === 'too_small' && other.code === 'too_small') return one.minimum > other.minimum;
  return false;
}

function describe(issue: z.core.$ZodIssue, nameOf: (path: string) => string): string {
  const name = issue.path.length === 0 ? 'options' : nameOf(issue.path.join('.'));
  if (issue.code === 'unrecognized_keys') return `unknown option ${issue.keys.map(nameOf).join(', ')}`;
  if (issue.code === 'custom') return issue.message;
  return `expected ${expectation(issue)} for ${name}, received ${received(issue.input)}`;
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return (
        {
          int: 'an integer',
          number: 'a number',
          string: 'text',
          boolean: 'true or false',
          object: 'an object',
          AbortSignal: 'an AbortSignal',
        }[String(issue.expected)] ?? issue.expected
      );
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' ? `at least ${issue.minimum} characters` : `at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string' ? `at most ${issue.maximum} characters` : `at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

function received(input: unknown): string {
  if (typeof input === 'string') return JSON.stringify(input.length > 80 ? `${input.slice(0, 80)}...` : input);
  if (typeof input === 'object' && input !== null) return Array.isArray(input) ? 'an array' : 'an object';
  return String(input);
}
