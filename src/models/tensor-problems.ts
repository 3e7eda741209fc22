/**
 * What is wrong with the tensors of a file, said in one form for networks and encoders of every file format.
 *
 * @module
 */
import { ClearwordError, firstNotFinite } from '../errors.ts';

export interface TensorProblems {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  /** Names with the shape that was expected and the one that came. */
  readonly misshapen: readonly string[];
}

/** Names that are listed of each kind; a file of another network would fill the screen. */
const MOST_LISTED = 8;

function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const rest = names.length > MOST_LISTED ? ` and ${names.length - MOST_LISTED} more` : '';
  return [`${what} ${names.slice(0, MOST_LISTED).join(', ')}${rest}`];
}

/** "tensors missing a, b and 3 more; unexpected c", or undefined if there is nothing to say. */
export function problemsText({ missing, unexpected, misshapen }: TensorProblems): string | undefined {
  const parts = [...listed('missing', missing), ...listed('unexpected', unexpected), ...listed('misshapen', misshapen)];
  return parts.length === 0 ? undefined : `tensors ${parts.join('; ')}`;
}

/** @throws ClearwordError MODEL_INVALID naming the first value of a tensor that is not finite */
export function expectFiniteTensor(name: string, values: Float32Array, source: string): void {
  const bad = firstNotFinite(values);
  if (bad === undefined) return;
  const message = `${source}: expected finite values for tensor ${name}, received ${values[bad]} at element ${bad}`;
  throw new ClearwordError('MODEL_INVALID', message);
}
