/**
 * Colours from a sensor's mosaic: bilinear interpolation, or with the gradient correction of Malvar, He and Cutler
 * (High-quality linear interpolation for demosaicing of Bayer-patterned color images. ICASSP 2004).
 *
 * @module
 */
import { createRaster, type Raster, reflect } from '../../image/raster.ts';

const PAD = 2;

/** The mosaic with a mirrored margin of two pixels, which keeps the pattern's phase. */
function padded(mosaic: Float32Array, width: number, height: number): Float32Array {
  const wide = width + 2 * PAD;
  const out = new Float32Array(wide * (height + 2 * PAD));
  for (let y = -PAD; y < height + PAD; y++) {
    const from = reflect(y, height) * width;
    const to = (y + PAD) * wide + PAD;
    out.set(mosaic.subarray(from, from + width), to);
    for (let x = 1; x <= PAD; x++) {
      out[to - x] = mosaic[from + reflect(-x, width)] as number;
      out[to + width - 1 + x] = mosaic[from + reflect(width - 1 + x, width)] as number;
    }
  }
  return out;
}

/**
 * @param mosaic [height, width]
 * @param phase which pixel of the pattern (red, green / green, blue) the top left one is, across and down
 */
export function demosaic(
  mosaic: Float32Array,
  width: number,
  height: number,
  phase: readonly [number, number],
  method: 'bilinear' | 'corrected',
): Raster {
  const m = padded(mosaic, width, height);
  const wide = width + 2 * PAD;
  const out = createRaster(width, height);
  const plane = width * height;
  const { data } = out;
  // The correction is a share of the Laplacian of the colour that is there; bilinear interpolation has none.
  const gain = method === 'corrected' ? 1 : 0;
  for (let y = 0; y < height; y++) {
    const redRow = ((y + phase[1]) & 1) === 0;
    for (let x = 0; x < width; x++) {
      const evenColumn = ((x + phase[0]) & 1) === 0;
      const at = (y + PAD) * wide + x + PAD;
      const here = m[at] as number;
      const [north, south] = [m[at - wide] as number, m[at + wide] as number];
      const [west, east] = [m[at - 1] as number, m[at + 1] as number];
      const [north2, south2] = [m[at - 2 * wide] as number, m[at + 2 * wide] as number];
      const [west2, east2] = [m[at - 2] as number, m[at + 2] as number];
      const diagonal =
        (m[at - wide - 1] as number) +
        (m[at - wide + 1] as number) +
        (m[at + wide - 1] as number) +
        (m[at + wide + 1] as number);
      const to = y * width + x;
      if (redRow === evenColumn) {
        // Red or blue is here; green is beside it, the other one at the corners.
        const laplacian = here - 0.25 * (north2 + south2 + west2 + east2);
        const green = 0.25 * (north + south + west + east) + gain * 0.5 * laplacian;
        const other = 0.25 * diagonal + gain * 0.75 * laplacian;
        data[to] = redRow ? here : other;
        data[plane + to] = green;
        data[2 * plane + to] = redRow ? other : here;
      } else {
        // Green is here; one colour lies left and right, the other above and below.
        const across =
          0.5 * (west + east) + gain * 0.125 * (5 * here - diagonal - west2 - east2 + 0.5 * (north2 + south2));
        const down =
          0.5 * (north + south) + gain * 0.125 * (5 * here - diagonal - north2 - south2 + 0.5 * (west2 + east2));
        data[to] = redRow ? across : down;
        data[plane + to] = here;
        data[2 * plane + to] = redRow ? down : across;
      }
    }
  }
  return out;
}
