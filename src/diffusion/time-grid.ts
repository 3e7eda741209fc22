/**
 * The steps of the process that a sampler visits.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';

/**
 * `steps` + 1 integer times from T down to 0, as equally spaced as integers allow: round(T (steps - k) / steps). With
 * `steps` = T every time of the process is visited. Range of `steps`: 1..T.
 */
export function timeGrid(T: number, steps: number): number[] {
  if (!Number.isInteger(steps) || steps < 1 || steps > T) {
    throw new ClearwordError('INVALID_OPTION', `expected an integer in 1..${T} for steps, received ${steps}`);
  }
  return Array.from({ length: steps + 1 }, (_, k) => Math.round((T * (steps - k)) / steps));
}

/** Returns `times` when it is a grid: integers that fall strictly from T to 0. */
export function checkedTimes(T: number, times: readonly number[]): readonly number[] {
  const falls = times.every((t, k) => Number.isInteger(t) && (k === 0 ? t === T : t < (times[k - 1] as number)));
  if (!falls || times.length < 2 || times.at(-1) !== 0) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected integers that fall strictly from ${T} to 0 for times, received [${times.join(', ')}]`,
    );
  }
  return times;
}
