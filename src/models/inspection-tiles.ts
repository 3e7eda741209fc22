/**
 * The tiles of a picture that the controller reads.
 *
 * @module
 */
import { type Raster, reflect } from '../image/raster.ts';

/** Most tiles that are read: a megapixel of 64 x 64 tiles. More change the averages by less than their own error. */
const MOST_TILES = 256;

/**
 * Tiles start where blocks of lossy files do: 8 x 8 pixels, 16 x 16 for colours at half resolution. What a controller sees of
 * blocks, it sees in their phase, as in training.
 */
export const BLOCK_PHASE = 16;

/** Starts of tiles along an axis: from edge to edge (but for a part of a block), overlapping where the size is no multiple. */
function starts(size: number, tile: number, most: number): number[] {
  const count = Math.max(1, Math.min(most, Math.ceil(size / tile)));
  if (count === 1) return [0];
  return Array.from({ length: count }, (_, i) => {
    const place = (i * (size - tile)) / (count - 1);
    return BLOCK_PHASE * Math.floor(place / BLOCK_PHASE);
  });
}

/**
 * Copies of tiles at full resolution, [3,tile,tile] each, spread evenly over the picture. A picture smaller than a tile is
 * continued by its mirror image.
 */
export function inspectionTiles({ width, height, data }: Raster, tile: number): Float32Array[] {
  const cells = (size: number) => Math.max(1, Math.ceil(size / tile));
  // Too many tiles: thin out both axes alike.
  const thinning = Math.min(1, Math.sqrt(MOST_TILES / (cells(width) * cells(height))));
  const most = (size: number) => Math.max(1, Math.floor(cells(size) * thinning));
  const places = (start: number, size: number) => Int32Array.from({ length: tile }, (_, i) => reflect(start + i, size));
  const lefts = starts(width, tile, most(width)).map((left) => places(left, width));
  const tops = starts(height, tile, most(height)).map((top) => places(top, height));
  return tops.flatMap((rows) =>
    lefts.map((columns) => {
      const copy = new Float32Array(3 * tile * tile);
      let k = 0;
      for (let c = 0; c < 3; c++) {
        for (const y of rows) {
          const row = (c * height + y) * width;
          for (const x of columns) copy[k++] = data[row + x] as number;
        }
      }
      return copy;
    }),
  );
}
