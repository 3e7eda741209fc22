/**
 * Noise: the white Gaussian noise of the field's benchmarks, chains of what happens to noise in practice, and how much of it
 * shows.
 *
 * @module
 */
import { createRaster, type Raster } from '../../image/raster.ts';
import type { Random } from '../../random/random.ts';
import { gaussianBlur, logUniform, normals, pickWeighted } from './fields.ts';
import type { Effect, Reading } from './record.ts';

/** Largest sigma that the project trains on and reports; strength 1 in `Findings`. */
export const FULL_NOISE_SIGMA = 55;
/** Standard deviation from which noise counts as present, 8-bit units: weaker noise nobody sees. */
const LEAST_SIGMA = 1.5;
const PLACE = 50;

/** A picture as an 8-bit file would hold it: clipped to 0..1 and rounded to multiples of 1/255. */
export function quantise(image: Raster): Raster {
  const out = createRaster(image.width, image.height);
  for (let i = 0; i < out.data.length; i++) out.data[i] = toByte(image.data[i] as number) / 255;
  return out;
}

/**
 * round(clip(x + sigma/255 z)) to 8 bits.
 *
 * @param sigma standard deviation in 8-bit units (0..255)
 * @param field z, N(0, 1), [3, height, width]
 */
export function addGaussianNoise(image: Raster, sigma: number, field: Float32Array): Raster {
  const out = createRaster(image.width, image.height);
  const scale = sigma / 255;
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = toByte((image.data[i] as number) + scale * (field[i] as number)) / 255;
  }
  return out;
}

function toByte(value: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, value)));
}

/** White noise as an effect; its sigma is what it is said to be, whatever clipping leaves of it. */
export function whiteNoise(sigma: number, field: Float32Array): Effect {
  const reading = { strength: Math.min(1, sigma / FULL_NOISE_SIGMA), present: sigma >= LEAST_SIGMA };
  return {
    of: 'noise',
    place: PLACE,
    drawn: `white noise, sigma ${sigma.toFixed(1)}`,
    apply: (before) => addGaussianNoise(before, sigma, field),
    measure: () => reading,
  };
}

const BLOCK = 8;
/** Blocks whose mean lies beyond these are clipped: their noise cannot be seen. */
const CLIPPED = [6 / 255, 249 / 255] as const;

/**
 * Root mean square of `noisy - clean` over the flatter half of the 8x8 blocks, all channels, in 8-bit units of 55. Flat parts,
 * because there the eye sees noise, and there a file's losses do not add to it.
 */
export function measureNoise(clean: Raster, noisy: Raster): Reading {
  const { width, height } = clean;
  const blocks: ReturnType<typeof measureBlock>[] = [];
  for (let top = 0; top + BLOCK <= height; top += BLOCK) {
    for (let left = 0; left + BLOCK <= width; left += BLOCK) {
      blocks.push(measureBlock(clean, noisy, left, top));
    }
  }
  const open = blocks.filter(({ level }) => level > CLIPPED[0] && level < CLIPPED[1]);
  // In the dark all blocks may be clipped: then what is left of the noise counts.
  const seen = (open.length > 0 ? open : blocks).sort((a, b) => a.activity - b.activity);
  const flat = seen.slice(0, Math.max(1, Math.ceil(seen.length / 2)));
  const error = flat.reduce((sum, block) => sum + block.error, 0) / Math.max(1, flat.length);
  const sigma = 255 * Math.sqrt(error);
  return { strength: Math.min(1, sigma / FULL_NOISE_SIGMA), present: sigma >= LEAST_SIGMA };
}

/**
 * The same from a noisy picture alone: what is left of the green of 8x8 blocks when a plane is fitted to them, in the quietest quarter
 * of the blocks. The choice makes it read a little low, texture everywhere high.
 */
export function estimateNoise({ width, height, data }: Raster): Reading {
  const green = data.subarray(width * height, 2 * width * height);
  const rests: number[] = [];
  for (let top = 0; top + BLOCK <= height; top += BLOCK) {
    for (let left = 0; left + BLOCK <= width; left += BLOCK)
      rests.push(planeResidual(green, top * width + left, width));
  }
  rests.sort((a, b) => a - b);
  const quiet = rests.slice(0, Math.max(1, Math.ceil(rests.length / 4)));
  const sigma = 255 * Math.sqrt(quiet.reduce((sum, rest) => sum + rest, 0) / quiet.length);
  return { strength: Math.min(1, sigma / FULL_NOISE_SIGMA), present: sigma >= LEAST_SIGMA };
}

/** Mean square of a block's distance from its plane a + b x + c y. */
function planeResidual(values: Float32Array, start: number, width: number): number {
  let [sum, squares, alongX, alongY] = [0, 0, 0, 0];
  for (let y = 0; y < BLOCK; y++) {
    for (let x = 0; x < BLOCK; x++) {
      const value = values[start + y * width + x] as number;
      sum += value;
      squares += value * value;
      alongX += value * (x - MIDDLE);
      alongY += value * (y - MIDDLE);
    }
  }
  const explained = (sum * sum) / BLOCK ** 2 + (alongX * alongX + alongY * alongY) / SPREAD;
  return Math.max(0, squares - explained) / (BLOCK ** 2 - 3);
}

const MIDDLE = (BLOCK - 1) / 2;
/** Sum of (x - middle)^2 over a block. */
const SPREAD = (BLOCK ** 2 * (BLOCK ** 2 - 1)) / 12;

function measureBlock(clean: Raster, noisy: Raster, left: number, top: number) {
  const { width, height, data } = clean;
  const plane = width * height;
  const green = data.subarray(plane, 2 * plane);
  let activity = 0;
  let level = 0;
  let error = 0;
  for (let y = top; y < top + BLOCK; y++) {
    for (let x = left; x < left + BLOCK; x++) {
      const at = y * width + x;
      const here = green[at] as number;
      level += here;
      if (x > left) activity += Math.abs(here - (green[at - 1] as number));
      if (y > top) activity += Math.abs(here - (green[at - width] as number));
      for (let i = at; i < data.length; i += plane) {
        const difference = (noisy.data[i] as number) - (data[i] as number);
        error += difference * difference;
      }
    }
  }
  return { activity, level: level / BLOCK ** 2, error: error / (3 * BLOCK ** 2) };
}

/** What noise goes through in practice (after Zhang et al.: Practical blind denoising via Swin-Conv-UNet, 2023). */
const CHAIN = { grey: 1, channels: 1, covariance: 1, poisson: 1.5, speckle: 0.7, resized: 1, coarse: 3 } as const;

/**
 * A noise field [3, height, width] with its standard deviation as a function of the brightness x:
 * x + (sigma/255) gain(x) z. Two of them, one after the other, in a third of the cases.
 *
 * @param sigma range of the standard deviation, 8-bit units, log-uniform
 * @param factor on each standard deviation drawn
 */
export function drawChain(random: Random, sigma: readonly [number, number], side: number, factor = 1): Effect {
  const count = random.uniform() < 0.35 ? 2 : 1;
  const links = Array.from({ length: count }, () => drawLink(random, sigma, side, factor));
  return {
    of: 'noise',
    place: PLACE,
    drawn: links.map(({ drawn }) => drawn).join(', then '),
    apply: (before) => links.reduce((image, link) => link.apply(image), before),
  };
}

function drawLink(random: Random, range: readonly [number, number], side: number, factor: number) {
  const kind = pickWeighted(random, CHAIN);
  const sigma = factor * logUniform(random, range[0], range[1]);
  const field = FIELDS[kind](random, side);
  // Shot noise grows as the root of the light, speckle with the light; files' noise may grow or fall with brightness.
  const power = kind === 'poisson' ? 0.5 : kind === 'speckle' ? 1 : 0;
  const slope = kind === 'coarse' ? random.uniform(-0.6, 0.6) : 0;
  const gains = Float32Array.from({ length: 256 }, (_, i) => {
    const x = (i + 0.5) / 256;
    return (sigma / 255) * (power > 0 ? (x / 0.5) ** power : Math.max(0.2, 1 + slope * (2 * x - 1)));
  });
  return {
    drawn: `${kind} noise, sigma ${sigma.toFixed(1)}`,
    apply: (before: Raster): Raster => {
      const out = createRaster(before.width, before.height);
      for (let i = 0; i < out.data.length; i++) {
        const x = before.data[i] as number;
        const gain = gains[Math.min(255, Math.max(0, (256 * x) | 0))] as number;
        out.data[i] = Math.min(1, Math.max(0, x + gain * (field[i] as number)));
      }
      return out;
    },
  };
}

type FieldMaker = (random: Random, side: number) => Float32Array;

/** Unit-variance fields [3, side, side] of each kind. */
const FIELDS: Readonly<Record<keyof typeof CHAIN, FieldMaker>> = {
  grey: (random, side) => mixed(normals(random.uint32(), 3 * side * side), 1),
  channels: (random, side) => normals(random.uint32(), 3 * side * side),
  covariance: (random, side) => mixed(normals(random.uint32(), 3 * side * side), random.uniform(0, 0.95)),
  poisson: (random, side) => mixed(normals(random.uint32(), 3 * side * side), random.uniform() < 0.4 ? 1 : 0),
  speckle: (random, side) => mixed(normals(random.uint32(), 3 * side * side), random.uniform() < 0.4 ? 1 : 0),
  resized(random, side) {
    const small = Math.max(4, Math.round(side / random.uniform(1.15, 2)));
    return mixed(enlarged(normals(random.uint32(), 3 * small * small), small, side), random.uniform(0, 0.8));
  },
  coarse(random, side) {
    const field = normals(random.uint32(), 3 * side * side);
    const radius = random.uniform(0.3, 1.2);
    const plane = side * side;
    for (let c = 0; c < 3; c++) {
      const channel = field.subarray(c * plane, (c + 1) * plane);
      channel.set(gaussianBlur(channel, side, side, radius));
    }
    return mixed(normalised(field), random.uniform(0, 0.9));
  },
};

/** Colours correlated by `share`: sqrt(share) z_grey + sqrt(1 - share) z_c; the grey part is taken from the first channel. */
function mixed(field: Float32Array, share: number): Float32Array {
  if (share === 0) return field;
  const plane = field.length / 3;
  const [grey, own] = [Math.sqrt(share), Math.sqrt(1 - share)];
  for (let i = 0; i < plane; i++) {
    const [r, g, b] = [field[i] as number, field[plane + i] as number, field[2 * plane + i] as number];
    // An orthogonal sum of the three is as good a common part as a fourth field.
    const common = grey * (r + g + b) * INVERSE_ROOT_3;
    const norm = 1 / Math.sqrt(1 + 2 * grey * own * INVERSE_ROOT_3);
    field[i] = norm * (common + own * r);
    field[plane + i] = norm * (common + own * g);
    field[2 * plane + i] = norm * (common + own * b);
  }
  return field;
}

const INVERSE_ROOT_3 = 1 / Math.sqrt(3);

/** Scaled to a mean square of 1. */
function normalised(field: Float32Array): Float32Array {
  let squares = 0;
  for (let i = 0; i < field.length; i++) squares += (field[i] as number) ** 2;
  const scale = Math.sqrt(field.length / Math.max(1e-12, squares));
  for (let i = 0; i < field.length; i++) field[i] = (field[i] as number) * scale;
  return field;
}

/** Three planes of `small`^2 values drawn bilinearly on `side`^2 ones, as a resized noisy picture has them; unit variance. */
function enlarged(field: Float32Array, small: number, side: number): Float32Array {
  const out = new Float32Array(3 * side * side);
  const step = (small - 1) / Math.max(1, side - 1);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < side; y++) {
      const top = Math.min(small - 2, Math.floor(y * step));
      const v = y * step - top;
      for (let x = 0; x < side; x++) {
        const left = Math.min(small - 2, Math.floor(x * step));
        const u = x * step - left;
        const at = (c * small + top) * small + left;
        const upper = (field[at] as number) * (1 - u) + (field[at + 1] as number) * u;
        const lower = (field[at + small] as number) * (1 - u) + (field[at + small + 1] as number) * u;
        out[(c * side + y) * side + x] = upper * (1 - v) + lower * v;
      }
    }
  }
  return normalised(out);
}
