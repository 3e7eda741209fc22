/**
 * Random fields for training data: fast, and functions of their seed and size alone.
 *
 * `gaussianField` gives a tile what the whole picture has there, at the price of a counter-based generator. Training regions are
 * made whole, so a sequential generator does; it is about ten times as fast.
 *
 * @module
 */
import type { Random } from '../../random/random.ts';
import { createPlane, type Plane } from './plane.ts';

/** A number between, equally likely in each factor: exp(uniform(ln a, ln b)). */
export function logUniform(random: Random, low: number, high: number): number {
  return Math.exp(random.uniform(Math.log(low), Math.log(high)));
}

/** One of the keys, by weight (at least one above 0). */
export function pickWeighted<Key extends string>(random: Random, weights: Readonly<Record<Key, number>>): Key {
  const keys = Object.keys(weights) as Key[];
  let rest = random.uniform() * keys.reduce((sum, key) => sum + weights[key], 0);
  for (const key of keys) {
    rest -= weights[key];
    if (rest < 0) return key;
  }
  // Only rounding leads here: the last one that can be drawn at all.
  return keys.filter((key) => weights[key] > 0).at(-1) as Key;
}

const QUANTILE_BITS = 14;
let quantiles: Float32Array | undefined;

/** Quantiles (i + 0.5) / 2^14 of N(0, 1): a random index is a normal draw within +-4, its variance right to 1e-3. */
function normalQuantiles(): Float32Array {
  if (quantiles) return quantiles;
  const size = 1 << QUANTILE_BITS;
  const table = new Float32Array(size);
  // Numerical inversion of the distribution: Newton's steps on the upper half, the lower one mirrored.
  let z = 0;
  for (let i = size / 2; i < size; i++) {
    const p = (i + 0.5) / size;
    for (let step = 0; step < 8; step++) z -= (normalDistribution(z) - p) / normalDensity(z);
    table[i] = z;
    table[size - 1 - i] = -z;
  }
  quantiles = table;
  return table;
}

const normalDensity = (z: number): number => Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);

/** Phi(z) for z >= 0 by its series z phi(z) (1 + z^2/3 + z^4/15 + ...) + 1/2. */
function normalDistribution(z: number): number {
  let term = z;
  let sum = z;
  for (let k = 3; k < 120 && term > 1e-17 * sum; k += 2) {
    term *= (z * z) / k;
    sum += term;
  }
  return 0.5 + normalDensity(z) * sum;
}

/**
 * `count` draws of N(0, 1): two quantiles from each word of Chris Doty-Humphrey's sfc32.
 *
 * @param seed 0..2^32 - 1
 */
export function normals(seed: number, count: number): Float32Array {
  const table = normalQuantiles();
  const out = new Float32Array(count);
  let a = seed | 0;
  let b = 0x9e3779b9 | 0;
  let c = (seed ^ 0x5bd1e995) | 0;
  let d = 1;
  const mask = (1 << QUANTILE_BITS) - 1;
  // The first words still show the seed's pattern.
  for (let i = -24; i < count; i += 2) {
    const word = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + word) | 0;
    if (i < 0) continue;
    out[i] = table[word & mask] as number;
    if (i + 1 < count) out[i + 1] = table[(word >>> QUANTILE_BITS) & mask] as number;
  }
  return out;
}

/** A smooth field of values in 0..1: a grid of `cells` x `cells` uniform values, joined by smoothsteps. */
export function smoothField(random: Random, width: number, height: number, cells: number): Plane {
  const knots = cells + 1;
  const grid = Float32Array.from({ length: knots * knots }, () => random.uniform());
  const out = createPlane(width, height);
  const place = (i: number, size: number) => {
    const at = ((i + 0.5) * cells) / size;
    const low = Math.floor(at);
    const f = at - low;
    return { low, f: f * f * (3 - 2 * f) };
  };
  const columns = Array.from({ length: width }, (_, x) => place(x, width));
  for (let y = 0; y < height; y++) {
    const { low: row, f: v } = place(y, height);
    for (let x = 0; x < width; x++) {
      const { low, f } = columns[x] as { low: number; f: number };
      const at = row * knots + low;
      const upper = (grid[at] as number) * (1 - f) + (grid[at + 1] as number) * f;
      const lower = (grid[at + knots] as number) * (1 - f) + (grid[at + knots + 1] as number) * f;
      out.data[y * width + x] = upper * (1 - v) + lower * v;
    }
  }
  return out;
}

/** Gaussian blur of one plane [height, width] in place of the values given; borders repeat their last value. */
export function gaussianBlur(values: Float32Array, width: number, height: number, sigma: number): Float32Array {
  const radius = Math.max(1, Math.ceil(2.7 * sigma));
  const kernel = Float32Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const sum = kernel.reduce((total, value) => total + value, 0);
  for (let i = 0; i < kernel.length; i++) kernel[i] = (kernel[i] as number) / sum;
  const rows = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = y * width;
    for (let x = 0; x < width; x++) {
      let value = 0;
      if (x >= radius && x + radius < width) {
        const first = start + x - radius;
        for (let k = 0; k < kernel.length; k++) value += (kernel[k] as number) * (values[first + k] as number);
      } else {
        for (let k = 0; k < kernel.length; k++) {
          const at = Math.min(width - 1, Math.max(0, x + k - radius));
          value += (kernel[k] as number) * (values[start + at] as number);
        }
      }
      rows[start + x] = value;
    }
  }
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < kernel.length; k++) {
      const from = Math.min(height - 1, Math.max(0, y + k - radius)) * width;
      const weight = kernel[k] as number;
      for (let x = 0, to = y * width; x < width; x++, to++) {
        out[to] = (out[to] as number) + weight * (rows[from + x] as number);
      }
    }
  }
  return out;
}
