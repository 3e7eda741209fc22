/**
 * Pictures resized by averaging areas: what a whole picture looks like in a few pixels. One rule for all, so that a network sees in
 * use what it saw in training.
 *
 * @module
 */
import { type Picture, whiteOf } from './picture.ts';
import { createRaster, type Raster } from './raster.ts';

/** Where the cells of another axis begin and end in one of n pixels: cell i covers [i n / side, (i + 1) n / side). */
interface AxisCells {
  /** First source index of each cell. */
  readonly first: Int32Array;
  /** Shares of the source pixels in their cell, `most` a cell; unused ones are 0. */
  readonly shares: Float32Array;
  readonly most: number;
}

function cellsOf(length: number, side: number): AxisCells {
  const step = length / side;
  const most = Math.ceil(step) + 1;
  const first = new Int32Array(side);
  const shares = new Float32Array(side * most);
  for (let i = 0; i < side; i++) {
    const [start, end] = [i * step, (i + 1) * step];
    first[i] = Math.min(length - 1, Math.floor(start));
    for (let k = 0; k < most; k++) {
      const pixel = (first[i] as number) + k;
      const covered = Math.min(end, pixel + 1) - Math.max(start, pixel);
      if (pixel < length && covered > 0) shares[i * most + k] = covered / step;
    }
  }
  return { first, shares, most };
}

/**
 * The whole picture as a square of `side` pixels, [3,side,side] in 0..1, its proportions squeezed: every pixel counts by the
 * area that it covers. A picture smaller than the square is stretched the same way. Grey is repeated in all three planes.
 */
export function squeezeToSquare({ width, height, channels, data }: Picture, side: number): Raster {
  const [across, down] = [cellsOf(width, side), cellsOf(height, side)];
  const square = createRaster(side, side);
  const scale = 1 / whiteOf(data);
  const row = new Float32Array(channels * side);
  for (let y = 0; y < side; y++) {
    for (let k = 0; k < down.most; k++) {
      const share = down.shares[y * down.most + k] as number;
      if (share === 0) continue;
      averageRow(data, ((down.first[y] as number) + k) * width * channels, channels, across, row);
      for (let x = 0; x < side; x++) {
        for (let c = 0; c < 3; c++) {
          const value = row[channels === 1 ? x : 3 * x + c] as number;
          const place = (c * side + y) * side + x;
          square.data[place] = (square.data[place] as number) + share * scale * value;
        }
      }
    }
  }
  return square;
}

/** One row of interleaved pixels, from `start`, averaged into cells. */
function averageRow(
  data: ArrayLike<number>,
  start: number,
  channels: number,
  { first, shares, most }: AxisCells,
  row: Float32Array,
): void {
  for (let x = 0; x < first.length; x++) {
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let k = 0; k < most; k++) {
        const share = shares[x * most + k] as number;
        if (share > 0) sum += share * (data[start + ((first[x] as number) + k) * channels + c] as number);
      }
      row[x * channels + c] = sum;
    }
  }
}

/** Area averaging of one plane [height, width]; also enlarges, by repetition. */
export function resizeArea(
  values: ArrayLike<number>,
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
): Float32Array {
  const across = cellsOf(width, newWidth);
  const down = cellsOf(height, newHeight);
  const rows = new Float32Array(newWidth * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      const start = y * width + (across.first[x] as number);
      let sum = 0;
      for (let k = 0, w = x * across.most; k < across.most; k++, w++) {
        const share = across.shares[w] as number;
        if (share > 0) sum += share * (values[start + k] as number);
      }
      rows[y * newWidth + x] = sum;
    }
  }
  const out = new Float32Array(newWidth * newHeight);
  for (let y = 0; y < newHeight; y++) {
    for (let k = 0; k < down.most; k++) {
      const share = down.shares[y * down.most + k] as number;
      if (share === 0) continue;
      const from = ((down.first[y] as number) + k) * newWidth;
      for (let x = 0, to = y * newWidth; x < newWidth; x++, to++) {
        out[to] = (out[to] as number) + share * (rows[from + x] as number);
      }
    }
  }
  return out;
}

/** Area averaging of a picture. */
export function resizeRaster({ width, height, data }: Raster, newWidth: number, newHeight: number): Raster {
  const out = createRaster(newWidth, newHeight);
  const plane = width * height;
  for (let c = 0; c < 3; c++) {
    const channel = data.subarray(c * plane, (c + 1) * plane);
    out.data.set(resizeArea(channel, width, height, newWidth, newHeight), c * newWidth * newHeight);
  }
  return out;
}
