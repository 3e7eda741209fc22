/**
 * Errors as the command line shows them.
 *
 * @module
 */
import { ClearwordError, catalogue } from '../errors.ts';
import type { ModelCard } from '../models/card.ts';
import { EXIT, type OutputStream } from './command.ts';

/** An error as JSON, the same fields as in the text. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
}

export function reportOf(error: unknown): ErrorReport {
  if (error instanceof ClearwordError) return { code: error.code, message: error.message, fix: error.fix };
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'INTERNAL', message, fix: catalogue.INTERNAL.fix };
}

/** Text with control characters as escapes: a file's name may hold some, and a terminal would obey them. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return NAMED[character] ?? `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
}

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** An error that belongs to no input, as the line of JSON that those of inputs are too. */
export function printJsonError(stdout: OutputStream, error: unknown): void {
  stdout.write(`${JSON.stringify({ error: reportOf(error) })}\n`);
}

/** Two lines, "error CODE: message" and "fix: ...", and with `debug` the stack. */
export function printError(stderr: OutputStream, error: unknown, debug: boolean): void {
  const { code, message, fix } = reportOf(error);
  stderr.write(`error ${code}: ${visible(message)}\nfix: ${visible(fix)}\n`);
  for (let cause: unknown = error; debug && cause instanceof Error; cause = cause.cause)
    stderr.write(`${cause.stack}\n`);
}

/** Says when the encoders that a new card names could not be hashed: a wrong path shows only with the first restoration. */
export function noteEncoders(stderr: OutputStream, encoders: ModelCard['encoders']): void {
  if (!encoders || encoders.sha256 !== undefined) return;
  const { source } = encoders;
  stderr.write(`note: the weights of the encoders were not found at ${source}: the card has no hash of them\n`);
}

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof ClearwordError)) return EXIT.failed;
  if (error.code === 'CANCELLED') return EXIT.interrupted;
  return error.code === 'INVALID_OPTION' ? EXIT.wrongUse : EXIT.failed;
}
