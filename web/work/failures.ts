/**
 * Errors as the page says them.
 *
 * @module
 */
import { ClearwordError } from '../../src/errors.ts';
import { sentence } from '../intent.ts';
import type { Failure } from '../state/page.ts';
import { dispatch } from '../state/store.ts';

/** What was thrown, for a visitor; undefined for what somebody cancelled. */
export function failureOf(error: unknown): Failure | undefined {
  if (!(error instanceof ClearwordError)) {
    return { message: `Something went wrong: ${String(error)}`, fix: 'Reload the page; your photos are kept.' };
  }
  if (error.code === 'CANCELLED') return undefined;
  return { message: sentence(error.message), fix: error.fix };
}

export function fail(error: unknown): void {
  const failure = failureOf(error);
  if (failure !== undefined) dispatch({ type: 'set', values: { failure } });
}

export const say = (announcement: string): void => dispatch({ type: 'set', values: { announcement } });
