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

/** Two lines, "error CODE: message" and "fix: ...", and with `debug` the stack. */
export function printError(stderr: OutputStream, error: unknown, debug: boolean): void {
  const { code, message, fix } = reportOf(error);
  stderr.write(`error ${code}: ${message}\nfix: ${fix}\n`);
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
