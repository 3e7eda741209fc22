/**
 * What phones and raw converters do to a developed picture: smoothing, sharpening, resizing.
 *
 * @module
 */
import { createRaster, type Raster } from '../../image/raster.ts';

/** Colours averaged over 3x3 pixels, `passes` times, brightness as it is: c' = Y + mean3(c - Y). */
export function smoothChroma(image: Raster, passes: number): Raster {
  const luma = lumaOf(image);
  const out = createRaster(image.width, image.height);
  const plane = luma.length;
  const chroma = new Float32Array(plane);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < plane; i++) chroma[i] = (image.data[c * plane + i] as number) - (luma[i] as number);
    let smooth: Float32Array = chroma;
    for (let i = 0; i < passes; i++) smooth = box3(smooth, image.width, image.height);
    for (let i = 0; i < plane; i++) out.data[c * plane + i] = clip((luma[i] as number) + (smooth[i] as number));
  }
  return out;
}

/**
 * Brightness averaged over the 3x3 neighbours that differ little, colours along with it: weights 1 / (1 + (d / range)^2).
 *
 * @param range difference at which a neighbour counts half, 0..1
 */
export function smoothLuma(image: Raster, range: number): Raster {
  const { width, height } = image;
  const luma = lumaOf(image);
  const plane = luma.length;
  const out = createRaster(width, height);
  const inverse = 1 / (range * range);
  for (let y = 0; y < height; y++) {
    const [top, bottom] = [Math.max(0, y - 1), Math.min(height - 1, y + 1)];
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const here = luma[at] as number;
      const [left, right] = [Math.max(0, x - 1), Math.min(width - 1, x + 1)];
      let weights = 0;
      let sum = 0;
      for (let v = top; v <= bottom; v++) {
        for (let u = left; u <= right; u++) {
          const difference = (luma[v * width + u] as number) - here;
          const weight = 1 / (1 + difference * difference * inverse);
          weights += weight;
          sum += weight * difference;
        }
      }
      const shift = sum / weights;
      for (let i = at; i < 3 * plane; i += plane) out.data[i] = clip((image.data[i] as number) + shift);
    }
  }
  return out;
}

/** Unsharp mask on the brightness: c + amount (Y - mean3(Y)). */
export function sharpen(image: Raster, amount: number): Raster {
  const luma = lumaOf(image);
  const smooth = box3(luma, image.width, image.height);
  const out = createRaster(image.width, image.height);
  const plane = luma.length;
  for (let i = 0; i < plane; i++) {
    const edge = amount * ((luma[i] as number) - (smooth[i] as number));
    for (let k = i; k < 3 * plane; k += plane) out.data[k] = clip((image.data[k] as number) + edge);
  }
  return out;
}

const clip = (value: number): number => (value < 0 ? 0 : value > 1 ? 1 : value);

function lumaOf({ data }: Raster): Float32Array {
  const plane = data.length / 3;
  const luma = new Float32Array(plane);
  for (let i = 0; i < plane; i++) {
    luma[i] =
      0.299 * (data[i] as number) + 0.587 * (data[plane + i] as number) + 0.114 * (data[2 * plane + i] as number);
  }
  return luma;
}

/** Mean over 3x3 pixels; borders repeat. */
function box3(values: Float32Array, width: number, height: number): Float32Array {
  const rows = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    const start = y * width;
    for (let x = 0; x < width; x++) {
      const left = values[start + (x === 0 ? 0 : x - 1)] as number;
      const right = values[start + (x === width - 1 ? x : x + 1)] as number;
      rows[start + x] = (left + (values[start + x] as number) + right) * (1 / 3);
    }
  }
  const out = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    const up = (y === 0 ? 0 : y - 1) * width;
    const down = (y === height - 1 ? y : y + 1) * width;
    for (let x = 0, at = y * width; x < width; x++, at++) {
      out[at] = ((rows[up + x] as number) + (rows[at] as number) + (rows[down + x] as number)) * (1 / 3);
    }
  }
  return out;
}
