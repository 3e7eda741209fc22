/**
 * Command line options from a zod schema: the flags, their help, and the values back through the schema.
 *
 * @module
 */
import { Option } from 'commander';
import { z } from 'zod';
import { checkOptions } from '../options.ts';
import type { CommandDefinition, OptionMeta } from './command.ts';

/** Options of every command. */
const debugOption = z.boolean().default(false).meta({ description: 'print the stacks of errors' });

/** The options of a command with those that all commands have. */
export function allOptions(definition: CommandDefinition): z.ZodObject {
  return definition.options.safeExtend({ debug: debugOption });
}

/** One option, as the help and the documentation show it. */
export interface OptionDescription {
  /** Such as "-o, --output <path>". */
  readonly flags: string;
  /** With range, choices and default. */
  readonly text: string;
}

/** --save-states for saveStates. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export function describeOptions(schema: z.ZodObject): OptionDescription[] {
  return Object.entries(schema.shape).map(([name, option]) => {
    const meta = metaOf(name, option as z.ZodType);
    const short = meta.short === undefined ? '' : `-${meta.short}, `;
    const value = meta.placeholder === undefined ? '' : ` <${meta.placeholder}>`;
    const facts = [rangeOf(innermost(option as z.ZodType)), defaultOf(option as z.ZodType)].filter(
      (fact) => fact !== '',
    );
    const text = facts.length === 0 ? meta.description : `${meta.description} (${facts.join('; ')})`;
    return { flags: `${short}${flagOf(name)}${value}`, text };
  });
}

export function commanderOptions(schema: z.ZodObject): Option[] {
  const options = Object.values(schema.shape) as z.ZodType[];
  return describeOptions(schema).map(({ flags, text }, i) => {
    const option = new Option(flags, text);
    const repeated = options[i] !== undefined && innermost(options[i]) instanceof z.ZodArray;
    return repeated
      ? option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
      : option;
  });
}

/** The options that commander collected (strings, and true for switches) as the schema wants them. */
export function parseOptions<Schema extends z.ZodObject>(
  schema: Schema,
  given: Record<string, unknown>,
): z.output<Schema> {
  const values = Object.entries(given).map(([name, value]) => {
    const option = schema.shape[name] as z.ZodType | undefined;
    const numeric = option !== undefined && innermost(option) instanceof z.ZodNumber;
    return [name, numeric && typeof value === 'string' ? asNumber(value) : value];
  });
  return checkOptions(schema, Object.fromEntries(values), flagOf);
}

/** A decimal number; any other text stays text, so that the schema's message shows what was given. */
function asNumber(text: string): number | string {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

function metaOf(name: string, option: z.ZodType): OptionMeta {
  const meta = option.meta();
  if (typeof meta?.description !== 'string') throw new Error(`the option ${name} has no description`);
  return meta as unknown as OptionMeta;
}

/** The schema inside of its default and optional wrappers. */
function innermost(option: z.ZodType): z.ZodType {
  if (option instanceof z.ZodDefault || option instanceof z.ZodOptional) return innermost(option.unwrap() as z.ZodType);
  return option;
}

function rangeOf(option: z.ZodType): string {
  if (option instanceof z.ZodEnum) return option.options.join(', ');
  if (!(option instanceof z.ZodNumber)) return '';
  const { minValue, maxValue } = option;
  if (minValue === null) return '';
  // A bound that only keeps integers exact is no news to a reader.
  const most = maxValue === null || maxValue > 1e12 ? undefined : maxValue;
  if (excludes(option, 'greater_than'))
    return most === undefined ? `above ${minValue}` : `above ${minValue}, at most ${most}`;
  return most === undefined ? `${minValue} or more` : `${minValue}..${most}`;
}

/** Whether a bound does not belong to the range itself, which `minValue` and `maxValue` do not say. */
export function excludes({ def }: z.ZodNumber, kind: 'greater_than' | 'less_than'): boolean {
  return (def.checks ?? []).some(({ _zod: check }) => {
    const { check: name, inclusive } = check.def as { readonly check: string; readonly inclusive?: boolean };
    return name === kind && inclusive === false;
  });
}

function defaultOf(option: z.ZodType): string {
  if (!(option instanceof z.ZodDefault)) return '';
  const value = option.def.defaultValue;
  return value === false || value === '' ? '' : `default ${String(value)}`;
}
