/**
 * From the interleaved integers of a picture to the planar floats of a tile.
 *
 * @module
 */
import { type Picture, whiteOf } from '../image/picture.ts';
import { createRaster, type Raster, reflect } from '../image/raster.ts';
import type { AxisPlan } from './tiles.ts';

/**
 * Which pixel of the picture each pixel of a tile shows along one axis: its own, and beyond the end of the picture the
 * mirrored one (without repeating the edge; as often as needed, for pictures smaller than their padding).
 */
export function sourceIndices(axis: AxisPlan, tile: number): Int32Array {
  const start = axis.starts[tile] as number;
  return Int32Array.from({ length: axis.side }, (_, i) => reflect(start + i, axis.length));
}

/** The tile [3, rows.length, columns.length] of the picture, 0..1; grey is repeated in all three planes. */
export function readTile(picture: Picture, columns: Int32Array, rows: Int32Array): Raster {
  const { width, channels, data } = picture;
  const raster = createRaster(columns.length, rows.length);
  const plane = columns.length * rows.length;
  const scale = 1 / whiteOf(data);
  for (let y = 0; y < rows.length; y++) {
    const row = (rows[y] as number) * width;
    for (let x = 0; x < columns.length; x++) {
      const from = (row + (columns[x] as number)) * channels;
      const to = y * columns.length + x;
      raster.data[to] = (data[from] as number) * scale;
      // Without a second channel both reads fall back to the first.
      raster.data[plane + to] = (data[channels === 1 ? from : from + 1] as number) * scale;
      raster.data[2 * plane + to] = (data[channels === 1 ? from : from + 2] as number) * scale;
    }
  }
  return raster;
}

/** What of the planes [3, side.height, side.width] lies inside the picture, clipped to 0..1, as 8-bit RGB. */
export function writeTile(
  planes: Float32Array,
  side: { readonly width: number; readonly height: number },
  inside: { readonly width: number; readonly height: number },
): Picture {
  const { width, height } = inside;
  const plane = side.width * side.height;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = y * side.width + x;
      for (let c = 0; c < 3; c++) {
        const value = planes[c * plane + from] as number;
        data[to++] = Math.round(255 * Math.min(1, Math.max(0, value)));
      }
    }
  }
  return { width, height, channels: 3, data };
}

/** Whether any pixel of the tile can be seen. */
export function isVisible(picture: Picture, columns: Int32Array, rows: Int32Array): boolean {
  const { alpha, width } = picture;
  if (alpha === undefined) return true;
  return rows.some((row) => columns.some((column) => alpha[row * width + column] !== 0));
}
