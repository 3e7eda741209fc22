/**
 * Self-ensemble: a picture restored in all eight flips and quarter turns, or as it is and mirrored where turning it makes no sense, and
 * the mean of the results.
 *
 * Timofte, Rothe, Van Gool: Seven ways to improve example-based single image super resolution. CVPR 2016.
 *
 * @module
 */
import { wordsFor } from '../degradations/index.ts';
import { createRaster, type Raster } from '../image/raster.ts';

/** One symmetry of the square: columns and rows change places first, then their order is turned round. */
export interface Symmetry {
  readonly transpose: boolean;
  readonly flipX: boolean;
  readonly flipY: boolean;
}

const SYMMETRIES: readonly Symmetry[] = [false, true].flatMap((transpose) =>
  [false, true].flatMap((flipY) => [false, true].map((flipX) => ({ transpose, flipX, flipY }))),
);

/**
 * The symmetries under which a picture with these degradations is still one that a network knows. Rain on its side is not: over
 * all eight, the mean was 5 dB worse than one restoration.
 */
export function symmetriesFor(degradations: readonly string[]): readonly Symmetry[] {
  if (!degradations.some((name) => wordsFor(name).upright)) return SYMMETRIES;
  return SYMMETRIES.filter(({ transpose, flipY }) => !transpose && !flipY);
}

/** For each pixel of the turned picture, row by row, its place in the picture as it was; turned size. */
function placesOf(
  { transpose, flipX, flipY }: Symmetry,
  width: number,
  height: number,
): { places: Int32Array; width: number; height: number } {
  const [w, h] = transpose ? [height, width] : [width, height];
  const places = new Int32Array(w * h);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const [u, v] = [flipX ? w - 1 - x : x, flipY ? h - 1 - y : y];
      places[y * w + x] = transpose ? u * width + v : v * width + u;
    }
  return { places, width: w, height: h };
}

/** Planes [3, places] in another order. */
function reordered(data: Float32Array, places: Int32Array): Float32Array {
  const out = new Float32Array(data.length);
  for (let channel = 0; channel < 3; channel++) {
    const offset = channel * places.length;
    for (let i = 0; i < places.length; i++) out[offset + i] = data[offset + (places[i] as number)] as number;
  }
  return out;
}

/** Planes of noise by the number of the draw. */
export type NoiseSource = (draw: number) => Float32Array;

/**
 * The mean over the symmetries g of g^-1(restore(g(mu), g(noise))). The noise is turned with the picture, so that it still
 * depends on a pixel's place alone.
 *
 * @param symmetries of {@link symmetriesFor}
 * @param mu the degraded tile; sides need not be equal
 * @param restore gives [3, height, width] for a turned tile
 */
export async function overSymmetries(
  symmetries: readonly Symmetry[],
  mu: Raster,
  noise: NoiseSource,
  restore: (turned: Raster, noise: NoiseSource) => Promise<Float32Array>,
): Promise<Float32Array> {
  const sum = createRaster(mu.width, mu.height).data;
  for (const symmetry of symmetries) {
    const { places, width, height } = placesOf(symmetry, mu.width, mu.height);
    const turned = { width, height, data: reordered(mu.data, places) };
    const restored = await restore(turned, (draw) => reordered(noise(draw), places));
    for (let channel = 0; channel < 3; channel++) {
      const offset = channel * places.length;
      for (let i = 0; i < places.length; i++) {
        const at = offset + (places[i] as number);
        sum[at] = (sum[at] as number) + (restored[offset + i] as number) / symmetries.length;
      }
    }
  }
  return sum;
}
