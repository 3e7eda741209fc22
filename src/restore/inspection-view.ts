/**
 * What the controller gets to see of a picture.
 *
 * @module
 */
import { squeezeToSquare } from '../image/area-average.ts';
import { type Picture, toRaster, whiteOf } from '../image/picture.ts';
import type { Raster } from '../image/raster.ts';
import { clipSquare, squareRaster } from '../models/clip-picture.ts';
import { BLOCK_PHASE } from '../models/inspection-tiles.ts';
import type { ModelEncoders, PictureViews } from '../models/model.ts';
import { readTile } from './tile-pixels.ts';

/** Pictures up to this many pixels are inspected whole: 48 MB as float32. */
const WHOLE = 4 * 2 ** 20;
/** Larger ones are sampled: this many pixels, in cells of this side. */
const SAMPLED = 2 ** 20;
/** A multiple of the tiles that controllers read, so that none of their tiles has a seam in it. */
const CELL = 128;

/** All that a model's controller wants to see of a picture. */
export function viewsOf(
  picture: Picture,
  { inspectionSide, viewSide }: Pick<ModelEncoders, 'inspectionSide' | 'viewSide'>,
): PictureViews {
  return {
    close: inspectionView(picture, inspectionSide),
    whole: viewSide === undefined ? undefined : squeezeToSquare(picture, viewSide),
  };
}

/**
 * The whole picture, or, where that would need too much memory, a mosaic of cells at full resolution spread evenly over
 * it. Shrinking would be simpler, but hides noise and fine rain; the controller describes a picture by averages over its
 * parts, so that parts from everywhere tell the same as the whole.
 *
 * @param side of a controller that sees pictures whole (`RestorationModel.inspectionSide`): then its centre square
 */
export function inspectionView(picture: Picture, side?: number): Raster {
  const { width, height } = picture;
  if (side !== undefined) return squareRaster(clipSquare(pixelRows(picture), side));
  if (width * height <= WHOLE) return toRaster(picture);
  const budget = SAMPLED / CELL ** 2;
  // Cells in the picture's own proportions; a side shorter than a cell is taken whole.
  const across = clamp(Math.round(Math.sqrt((budget * width) / height)), 1, Math.floor(width / CELL));
  const down = clamp(Math.floor(budget / across), 1, Math.floor(height / CELL));
  return readTile(picture, spreadCells(width, across), spreadCells(height, down));
}

/** Rows of 8-bit RGB, read as they are needed. */
function pixelRows({ width, height, channels, data }: Picture) {
  const scale = 255 / whiteOf(data);
  return {
    width,
    height,
    read(y: number, row: Uint8Array): void {
      for (let i = 0; i < 3 * width; i++) {
        const place = channels === 1 ? y * width + Math.floor(i / 3) : 3 * y * width + i;
        row[i] = Math.round(scale * (data[place] as number));
      }
    },
  };
}

/** The pixels of `count` cells, spread from the first to the last pixel of an axis. */
function spreadCells(length: number, count: number): Int32Array {
  const side = Math.min(CELL, length);
  return Int32Array.from({ length: count * side }, (_, i) => {
    const cell = Math.floor(i / side);
    const start = count === 1 ? (length - side) / 2 : (cell * (length - side)) / (count - 1);
    return BLOCK_PHASE * Math.floor(start / BLOCK_PHASE) + (i % side);
  });
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, Math.max(least, most)));
}
