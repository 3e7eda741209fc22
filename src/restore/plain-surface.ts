/**
 * Pictures that show nothing: one colour, or one that changes evenly, as a clear sky does.
 *
 * Haze and darkness are seen by what they do to the things behind them. Where there are none, a plain grey may as well be a
 * grey wall, and a controller that is sure of itself is only used to skies that are hazy.
 *
 * @module
 */
import { wordsFor } from '../degradations/index.ts';
import { squeezeToSquare } from '../image/area-average.ts';
import type { Picture } from '../image/picture.ts';
import type { Finding, Findings } from '../models/model.ts';

/** Cells of a side in which a picture is looked at: so coarse that noise of sigma 10 averages out. */
const CELLS = 16;

/**
 * Largest bend of a plain picture, of the range 0..1. In 83 hazy pictures of RESIDE, 29 hazy photographs and 165 dark ones of
 * LOL the least was 48, 57 and 8 of 255 levels; even gradients and plain colours with noise of sigma 3 stay below 1.
 */
const PLAIN = 2 / 255;

/**
 * Largest second difference of a picture in cells, along its rows and columns, in any channel: |a - 2 b + c| of three
 * neighbours, 0..2. Even gradients have none.
 */
export function largestBend(picture: Picture): number {
  const { data } = squeezeToSquare(picture, CELLS);
  let largest = 0;
  const bend = (at: number, step: number) =>
    Math.abs((data[at] as number) - 2 * (data[at + step] as number) + (data[at + 2 * step] as number));
  for (let at = 0; at < data.length; at++) {
    if (at % CELLS < CELLS - 2) largest = Math.max(largest, bend(at, 1));
    if (Math.floor(at / CELLS) % CELLS < CELLS - 2) largest = Math.max(largest, bend(at, CELLS));
  }
  return largest;
}

/** What was found, less sure where the picture cannot show it: then it is mentioned, and removed only when asked for. */
export function withEvidence(findings: Findings, picture: Picture): Findings {
  const doubtful = ([name, { verdict }]: [string, Finding]) =>
    verdict === 'found' && wordsFor(name).needsThings === true;
  if (!Object.entries(findings.degradations).some(doubtful) || largestBend(picture) >= PLAIN) return findings;
  const degradations = Object.fromEntries(
    Object.entries(findings.degradations).map(([name, finding]) => [
      name,
      doubtful([name, finding]) ? { ...finding, verdict: 'perhaps' as const } : finding,
    ]),
  );
  return { ...findings, degradations };
}
