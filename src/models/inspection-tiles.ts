/**
 * The tiles of a picture that the controller reads.
 *
 * @module
 */
import type { Raster } from '../data/raster.ts';

/** Most tiles that are read: a megapixel of 64 x 64 tiles. More change the averages by less than their own error. */
const MOST_TILES = 256;

/** Starts of tiles along an axis: from edge to edge, overlapping where the size is no multiple. */
function starts(size: number, tile: number, most: number): number[] {
  const count = Math.max(1, Math.min(most, Math.ceil(size / tile)));
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (size - tile)) / (count - 1))));
}

/** Position mirrored into 0..size-1, without repeating the edge: pictures smaller than a tile are continued this way. */
function mirrored(position: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const folded = position % period;
  return folded < size ? folded : period - folded;
}

/** Copies of tiles at full resolution, [3,tile,tile] each, spread evenly over the picture. */
export function inspectionTiles({ width, height, data }: Raster, tile: number): Float32Array[] {
  const cells = (size: number) => Math.max(1, Math.ceil(size / tile));
  // Too many tiles: thin out both axes alike.
  const thinning = Math.min(1, Math.sqrt(MOST_TILES / (cells(width) * cells(height))));
  const most = (size: number) => Math.max(1, Math.floor(cells(size) * thinning));
  const tiles: Float32Array[] = [];
  for (const top of starts(height, tile, most(height))) {
    for (const left of starts(width, tile, most(width))) {
      const copy = new Float32Array(3 * tile * tile);
      let k = 0;
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < tile; y++) {
          const row = (c * height + mirrored(top + y, height)) * width;
          for (let x = 0; x < tile; x++) copy[k++] = data[row + mirrored(left + x, width)] ?? 0;
        }
      }
      tiles.push(copy);
    }
  }
  return tiles;
}
