/**
 * What a command of the command line is: its arguments and options as data, and what it does.
 *
 * @module
 */
import type { z } from 'zod';
import type { Clearword, LoadOptions } from '../clearword.ts';

/** Exit codes of all commands; a signal ends with 128 + its number. */
export const EXIT = { done: 0, failed: 1, wrongUse: 2, interrupted: 130 } as const;

export interface OutputStream {
  /** Bytes: a picture on standard output. */
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean;
}

/** Everything a command touches outside of itself, so that tests can stand in for it. */
export interface CommandContext {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Everything on standard input; rejects when it is longer than `mostBytes`. */
  readStdin(mostBytes: number): Promise<Uint8Array>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  loadModel(options: LoadOptions): Promise<Clearword>;
  /** Print the stacks of errors. */
  readonly debug: boolean;
}

export interface ArgumentDefinition {
  readonly name: string;
  readonly description: string;
  /** Takes one or more values instead of exactly one. */
  readonly variadic?: boolean;
}

/** Metadata of an option, given with `.meta()` on its schema. */
export interface OptionMeta {
  readonly description: string;
  /** Letter of a short form, such as o for -o. */
  readonly short?: string;
  /** What stands for the value in the help, such as path; options without it are switches. */
  readonly placeholder?: string;
}

export interface CommandDefinition<Schema extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly argument?: ArgumentDefinition;
  /** Names in camel case: saveStates is --save-states. Every option has an `OptionMeta`. */
  readonly options: Schema;
  /** Text after the options in the help. */
  readonly details: string;
  /** Returns the exit code. A thrown ClearwordError is printed: INVALID_OPTION ends with 2, CANCELLED with 130, else 1. */
  run(args: readonly string[], options: z.output<Schema>, context: CommandContext): Promise<number>;
}

/** Checks the definition against its own schema, then forgets the schema's type, so that commands fit in one list. */
export function defineCommand<Schema extends z.ZodObject>(definition: CommandDefinition<Schema>): CommandDefinition {
  return definition as unknown as CommandDefinition;
}
