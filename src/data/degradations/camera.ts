/**
 * What a camera and its converter make of a scene, with and without the sensor's noise.
 *
 * An sRGB picture goes back to the sensor (inverse tone curve, gamma, colour matrix and white balance), through a mosaic with
 * noise of variance shot x + read, and forward again: demosaicing, gains, matrix, gamma, tone, then what converters do.
 * After Brooks et al.: Unprocessing images for learned raw denoising. CVPR 2019; Guo et al.: Toward convolutional blind
 * denoising of real photographs. CVPR 2019. The colour matrices are drawn around usual ones instead of taken from cameras.
 *
 * @module
 */
import { resizeRaster } from '../../image/area-average.ts';
import { createRaster, type Raster } from '../../image/raster.ts';
import type { Random } from '../../random/random.ts';
import { sharpen, smoothChroma, smoothLuma } from './converter.ts';
import { demosaic } from './demosaic.ts';
import { gaussianBlur, logUniform, normals } from './fields.ts';

/** Nine values, row by row. */
type Matrix = Float64Array;

/** One exposure's settings; with the seed it is the same noise every time. */
export interface Shot {
  /** Linear sRGB to the sensor's values, and back. */
  readonly toSensor: Matrix;
  readonly fromSensor: Matrix;
  /** Which pixel of the 2x2 pattern the top left one is. */
  readonly phase: readonly [number, number];
  readonly shot: number;
  readonly read: number;
  readonly seed: number;
  /** Standard deviation of the lens's and the sensor's blur, pixels: without it sharp pictures would give false colours. */
  readonly blur: number;
  readonly demosaicing: 'bilinear' | 'corrected';
  /** Passes of the converter's smoothing, of colours and of brightness. */
  readonly smoothing: { readonly chroma: number; readonly luma: number };
  /** Amount of the unsharp mask, 0: none. */
  readonly sharpening: number;
  /** Side of the picture that comes out, over that of the sensor. */
  readonly reduction: number;
}

export interface CameraRange {
  /** Shot noise per unit of light, log-uniform. */
  readonly shot: readonly [number, number];
  /** Least reduction by the converter. */
  readonly reduction: number;
}

/** Reduces a third of the pictures. */
const REDUCED = 0.33;

export function drawShot(random: Random, range: CameraRange): Shot {
  const shot = logUniform(random, ...range.shot);
  const read = Math.exp(2.18 * Math.log(shot) + 1.2 + 0.26 * random.normal());
  const gain = 1 / Math.max(0.6, 1 / 0.8 + 0.1 * random.normal());
  const gains = [random.uniform(1.9, 2.4) / gain, 1 / gain, random.uniform(1.5, 1.9) / gain];
  const matrix = drawColourMatrix(random);
  const fromSensor = Float64Array.from(matrix, (value, i) => value * (gains[i % 3] as number));
  return {
    toSensor: inverse(fromSensor),
    fromSensor,
    phase: [random.int(2), random.int(2)],
    shot,
    read,
    seed: random.uint32(),
    blur: random.uniform(0.35, 0.8),
    demosaicing: random.uniform() < 0.4 ? 'bilinear' : 'corrected',
    smoothing: drawSmoothing(random),
    sharpening: random.uniform() < 0.33 ? random.uniform(0.2, 0.9) : 0,
    reduction: range.reduction < 1 && random.uniform() < REDUCED ? random.uniform(range.reduction, 1) : 1,
  };
}

/** Difference of brightness at which the converter's smoothing counts a neighbour half. */
const LUMA_RANGE = 0.06;

/** Cameras smooth colours far more than brightness, so that what is left of noise is mostly grey and coarse; raw files are not. */
function drawSmoothing(random: Random): Shot['smoothing'] {
  if (random.uniform() < 0.3) return { chroma: 0, luma: 0 };
  return { chroma: 1 + random.int(6), luma: random.uniform() < 0.55 ? 1 + random.int(3) : 0 };
}

/** Camera colours to sRGB: rows that sum to 1 (white stays white), with the leaks that sensors' filters usually have. */
function drawColourMatrix(random: Random): Matrix {
  const leak = (low: number, high: number) => random.uniform(low, high);
  const [rg, rb] = [leak(0.3, 0.75), leak(-0.15, 0.2)];
  const [gr, gb] = [leak(0.1, 0.3), leak(0.1, 0.45)];
  const [br, bg] = [leak(-0.05, 0.1), leak(0.3, 0.7)];
  return Float64Array.of(1 + rg + rb, -rg, -rb, -gr, 1 + gr + gb, -gb, -br, -bg, 1 + br + bg);
}

function inverse(m: Matrix): Matrix {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = m;
  const cofactors = [e * i - f * h, c * h - b * i, b * f - c * e, f * g - d * i, a * i - c * g, c * d - a * f];
  const rest = [d * h - e * g, b * g - a * h, a * e - b * d];
  const determinant = a * (cofactors[0] as number) + b * (cofactors[3] as number) + c * (rest[0] as number);
  return Float64Array.from([...cofactors, ...rest], (value) => value / determinant);
}

const SRGB_STEPS = 4096;
const LINEAR_STEPS = 65536;
let tables: { readonly toLinear: Float32Array; readonly toSrgb: Float32Array } | undefined;

/** Inverse tone and gamma over 4096 steps of the picture's values; gamma and tone over 65536 steps of linear light. */
function toneTables() {
  if (tables) return tables;
  const toLinear = Float32Array.from({ length: SRGB_STEPS + 1 }, (_, i) => {
    // The inverse of the smoothstep 3 y^2 - 2 y^3.
    const y = 0.5 - Math.sin(Math.asin(1 - (2 * i) / SRGB_STEPS) / 3);
    return Math.max(0, y) ** 2.2;
  });
  const toSrgb = Float32Array.from({ length: LINEAR_STEPS + 1 }, (_, i) => {
    const y = (i / LINEAR_STEPS) ** (1 / 2.2);
    return y * y * (3 - 2 * y);
  });
  tables = { toLinear, toSrgb };
  return tables;
}

/** The picture [3, side, side] that comes out of the camera, smaller where the shot reduces it. */
export function develop(scene: Raster, shot: Shot, noisy: boolean): Raster {
  const mosaic = exposeMosaic(blurred(scene, shot.blur), shot, noisy);
  const { width, height } = scene;
  let image = render(demosaic(mosaic, width, height, shot.phase, shot.demosaicing), shot.fromSensor);
  const { chroma, luma } = shot.smoothing;
  if (chroma > 0) image = smoothChroma(image, chroma);
  for (let i = 0; i < luma; i++) image = smoothLuma(image, LUMA_RANGE);
  if (shot.sharpening > 0) image = sharpen(image, shot.sharpening);
  if (shot.reduction < 1) {
    image = resizeRaster(image, Math.round(width * shot.reduction), Math.round(height * shot.reduction));
  }
  return image;
}

function blurred({ width, height, data }: Raster, sigma: number): Raster {
  const plane = width * height;
  const out = createRaster(width, height);
  for (let c = 0; c < 3; c++) {
    out.data.set(gaussianBlur(data.subarray(c * plane, (c + 1) * plane), width, height, sigma), c * plane);
  }
  return out;
}

/** What the sensor's pixels read: each sees one colour (0 red, 1 and 2 green, 3 blue in the 2x2 pattern). */
function exposeMosaic({ width, height, data }: Raster, shot: Shot, noisy: boolean): Float32Array {
  const { toLinear } = toneTables();
  const plane = width * height;
  const mosaic = new Float32Array(plane);
  const field = noisy ? normals(shot.seed, plane) : undefined;
  const [phaseX, phaseY] = shot.phase;
  const rows = [0, 1, 2].map(
    (row) => Array.from(shot.toSensor.subarray(3 * row, 3 * row + 3)) as [number, number, number],
  );
  for (let y = 0; y < height; y++) {
    const parityY = (y + phaseY) & 1;
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const site = parityY + ((x + phaseX) & 1);
      const [r, g, b] = rows[site] as [number, number, number];
      let value =
        r * (toLinear[index(data[at] as number)] as number) +
        g * (toLinear[index(data[plane + at] as number)] as number) +
        b * (toLinear[index(data[2 * plane + at] as number)] as number);
      if (value < 0) value = 0;
      if (field) value += Math.sqrt(shot.shot * value + shot.read) * (field[at] as number);
      mosaic[at] = value;
    }
  }
  return mosaic;
}

const index = (value: number): number => (SRGB_STEPS * (value < 0 ? 0 : value > 1 ? 1 : value) + 0.5) | 0;

/** Sensor colours [3, height, width] to sRGB, clipped. */
function render(sensor: Raster, fromSensor: Matrix): Raster {
  const { toSrgb } = toneTables();
  const { width, height, data } = sensor;
  const out = createRaster(width, height);
  const plane = width * height;
  for (let c = 0; c < 3; c++) {
    const [r, g, b] = [fromSensor[3 * c] as number, fromSensor[3 * c + 1] as number, fromSensor[3 * c + 2] as number];
    for (let i = 0, to = c * plane; i < plane; i++, to++) {
      const value = r * (data[i] as number) + g * (data[plane + i] as number) + b * (data[2 * plane + i] as number);
      out.data[to] = toSrgb[value <= 0 ? 0 : value >= 1 ? LINEAR_STEPS : (LINEAR_STEPS * value + 0.5) | 0] as number;
    }
  }
  return out;
}
