/**
 * How far neighbouring tiles overlap, where nobody says.
 *
 * What a tile makes of a pixel depends on pixels around it, and how many of them depends on what is removed: noise is judged from
 * close by, the light behind haze from far away. Measured as the largest difference between a tile and the whole picture, in levels of
 * 255, by the distance from the tile's edge: noise of sigma 50 leaves 4.8 at 8 pixels and 0.6 at 24; heavy rain 5.8 at 16, 2.7 at
 * 32 and 0.3 at 48; darkness 5.9 at 32 and 1.4 at 48; dense fog 20 at 16, 4.5 at 32, 2.4 at 48 and 1.0 at 56 (docs/files.md).
 *
 * @module
 */
import { wordsFor } from '../degradations/index.ts';
import type { RestoreSettings } from './options.ts';

/** Of a degradation that says nothing, and of networks that are not told what to remove, pixels. */
const USUAL = 48;

/** Tiles get on by more than half of their side, so that small ones stay affordable. */
const most = (tile: number): number => Math.floor((7 * tile) / 16);

/**
 * Least overlap of neighbouring tiles, in pixels.
 *
 * @param removing what goes; empty where that is not known
 */
export function overlapFor(
  { tile, overlap }: Pick<RestoreSettings, 'tile' | 'overlap'>,
  removing: readonly string[] = [],
): number {
  if (overlap !== undefined) return overlap;
  const wanted = removing.map((name) => wordsFor(name).reach ?? USUAL);
  return Math.min(wanted.length === 0 ? USUAL : Math.max(...wanted), most(tile));
}
