/**
 * How long work goes on, for people.
 *
 * @module
 */

/** Share of the work after which its own pace tells more than what was expected. */
const TELLING = 0.15;

/**
 * Seconds that are left.
 *
 * @param elapsed seconds since the start
 * @param fraction 0..1 of the work that is done
 * @param expected seconds that the whole was thought to take; undefined: nobody knows
 */
export function secondsLeft(elapsed: number, fraction: number, expected: number | undefined): number | undefined {
  if (fraction >= TELLING) return (elapsed * (1 - fraction)) / fraction;
  if (expected === undefined || elapsed > expected) return undefined;
  return expected - elapsed;
}

/** A time in words as exact as people need it: 'a few seconds', 'about 20 seconds', 'about 2 minutes'. */
export function inWords(seconds: number): string {
  if (seconds < 5) return 'a few seconds';
  if (seconds < 55) return `about ${5 * Math.round(seconds / 5)} seconds`;
  if (seconds < 90) return 'about a minute';
  return `about ${Math.round(seconds / 60)} minutes`;
}

/** Steps in which a screen reader is told of progress: quarters. */
export const QUARTERS = ['started', 'a quarter done', 'half done', 'three quarters done'] as const;
