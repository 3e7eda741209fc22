import { describe, expect, it } from 'vitest';
import { resizeArea } from '../../image/area-average.ts';
import { createRaster, type Raster } from '../../image/raster.ts';
import { Random } from '../../random/random.ts';
import { develop, drawShot, type Shot } from './camera.ts';
import { smoothChroma } from './converter.ts';
import { demosaic } from './demosaic.ts';
import { gaussianBlur, normals, smoothField } from './fields.ts';
import { drawChain, estimateNoise, measureNoise, whiteNoise } from './noise.ts';

const SIDE = 128;

function grey(value: number, side = SIDE): Raster {
  const image = createRaster(side, side);
  image.data.fill(value);
  return image;
}

/** A soft colour gradient: no mosaic loses anything of it. */
function gradient(): Raster {
  const image = createRaster(SIDE, SIDE);
  for (let i = 0; i < image.data.length; i++) {
    const [c, y, x] = [Math.floor(i / SIDE ** 2), Math.floor(i / SIDE) % SIDE, i % SIDE];
    image.data[i] = 0.2 + (0.5 * (c === 1 ? y : x)) / SIDE + 0.05 * c;
  }
  return image;
}

const plain = (seed: number, changes: Partial<Shot> = {}): Shot => ({
  ...drawShot(new Random(seed), { shot: [1e-3, 1e-3], reduction: 1 }),
  smoothing: { chroma: 0, luma: 0 },
  sharpening: 0,
  ...changes,
});

const rms = (a: Raster, b: Raster) =>
  Math.sqrt(a.data.reduce((sum, value, i) => sum + (value - (b.data[i] as number)) ** 2, 0) / a.data.length);

describe('fields', () => {
  it('draws normal values: moments, independence of neighbours, another seed another field', () => {
    const field = normals(1, 200_000);
    const moment = (power: number) => field.reduce((sum, z) => sum + z ** power, 0) / field.length;
    expect(moment(1)).toBeCloseTo(0, 2);
    expect(moment(2)).toBeCloseTo(1, 2);
    expect(moment(3)).toBeCloseTo(0, 1);
    expect(moment(4)).toBeCloseTo(3, 1);
    const other = normals(2, field.length);
    const product = (of: (i: number) => number) => field.reduce((sum, z, i) => sum + z * of(i), 0) / field.length;
    for (const lag of [1, 2, 3, 128]) expect(Math.abs(product((i) => field[i + lag] ?? 0))).toBeLessThan(0.01);
    expect(Math.abs(product((i) => other[i] as number))).toBeLessThan(0.01);
    expect(normals(1, 10)).toEqual(field.slice(0, 10));
  });

  it('blurs with the variance of its Gaussian, and keeps the sum', () => {
    const point = new Float32Array(41 * 41);
    point[20 * 41 + 20] = 1;
    const blurred = gaussianBlur(point, 41, 41, 1.5);
    expect(blurred.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 4);
    const variance = blurred.reduce((sum, value, i) => sum + value * ((i % 41) - 20) ** 2, 0);
    expect(Math.sqrt(variance)).toBeCloseTo(1.5, 1);
  });

  it('changes smoothly, within 0..1', () => {
    const { data } = smoothField(new Random(1), 64, 64, 3);
    expect(Math.min(...data)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...data)).toBeLessThanOrEqual(1);
    const steps = Array.from(data, (value, i) => (i % 64 === 0 ? 0 : Math.abs(value - (data[i - 1] as number))));
    expect(Math.max(...steps)).toBeLessThan(0.1);
  });

  it('averages areas exactly, whatever the ratio', () => {
    const values = Float32Array.from({ length: 35 }, (_, i) => i % 7);
    const mean = (of: Float32Array) => of.reduce((sum, value) => sum + value, 0) / of.length;
    for (const [w, h] of [
      [3, 2],
      [7, 5],
      [2, 5],
      [14, 10],
    ] as const) {
      expect(mean(resizeArea(values, 7, 5, w, h))).toBeCloseTo(3, 5);
    }
    // Cells of 3.5 columns: (0 + 1 + 2 + 3/2) / 3.5 and the rest.
    expect([...resizeArea(values.subarray(0, 7), 7, 1, 2, 1)].map((v) => v.toFixed(4))).toEqual(['1.2857', '4.7143']);
  });
});

describe('demosaic', () => {
  it.each(['bilinear', 'corrected'] as const)('gives linear gradients back in every phase, %s', (method) => {
    const image = gradient();
    const plane = SIDE ** 2;
    for (const phase of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const) {
      const mosaic = Float32Array.from({ length: plane }, (_, i) => {
        const [x, y] = [(i % SIDE) + phase[0], Math.floor(i / SIDE) + phase[1]];
        return image.data[((x & 1) + (y & 1)) * plane + i] as number;
      });
      const result = demosaic(mosaic, SIDE, SIDE, phase, method);
      let worst = 0;
      for (let i = 0; i < result.data.length; i++) {
        const [y, x] = [Math.floor(i / SIDE) % SIDE, i % SIDE];
        if (Math.min(x, y, SIDE - 1 - x, SIDE - 1 - y) < 3) continue;
        worst = Math.max(worst, Math.abs((result.data[i] as number) - (image.data[i] as number)));
      }
      expect(worst).toBeLessThan(0.012);
    }
  });
});

describe('a camera', () => {
  it('gives a smooth picture back where there is no noise', () => {
    const image = gradient();
    for (const seed of [1, 2, 3]) expect(255 * rms(develop(image, plain(seed), false), image)).toBeLessThan(1.5);
  });

  it('makes noise that grows with the light of the sensor, the same each time', () => {
    const shot = plain(4, { shot: 1e-3, read: 1e-5 });
    const noise = (value: number) => 255 * rms(develop(grey(value), shot, true), develop(grey(value), shot, false));
    expect(noise(0.6)).toBeGreaterThan(noise(0.05));
    expect(noise(0.6)).toBe(noise(0.6));
    const more = plain(4, { shot: 4e-3, read: 1e-5 });
    const ratio = rms(develop(grey(0.6), more, true), develop(grey(0.6), more, false)) / (noise(0.6) / 255);
    // Four times the variance.
    expect(ratio).toBeCloseTo(2, 0);
  });

  it('reduces to the side that was asked for', () => {
    expect(develop(grey(0.5, 91), plain(1, { reduction: 64 / 91 }), true).width).toBe(64);
  });

  it('smooths colours and leaves brightness', () => {
    const noisy = whiteNoise(20, normals(5, 3 * SIDE ** 2)).apply(grey(0.5)) as Raster;
    const smooth = smoothChroma(noisy, 3);
    const plane = SIDE ** 2;
    let [before, after, luma] = [0, 0, 0];
    for (let i = 0; i < plane; i++) {
      const of = ({ data }: Raster, c: number) => data[c * plane + i] as number;
      const y = (image: Raster) => 0.299 * of(image, 0) + 0.587 * of(image, 1) + 0.114 * of(image, 2);
      before += (of(noisy, 2) - y(noisy)) ** 2;
      after += (of(smooth, 2) - y(smooth)) ** 2;
      luma = Math.max(luma, Math.abs(y(smooth) - y(noisy)));
    }
    expect(after).toBeLessThan(0.1 * before);
    expect(luma).toBeLessThan(1e-5);
  });
});

describe('the strength of noise', () => {
  it('is the standard deviation in flat parts', () => {
    for (const sigma of [5, 15, 30]) {
      const noisy = whiteNoise(sigma, normals(sigma, 3 * SIDE ** 2)).apply(gradient()) as Raster;
      expect(55 * measureNoise(gradient(), noisy).strength).toBeCloseTo(sigma, -0.3);
      const estimate = 55 * estimateNoise(noisy).strength;
      expect(estimate).toBeGreaterThan(0.75 * sigma);
      expect(estimate).toBeLessThan(1.05 * sigma);
    }
    expect(estimateNoise(gradient()).present).toBe(false);
  });

  it('is within the range drawn for a chain', () => {
    for (let seed = 0; seed < 12; seed++) {
      const noisy = drawChain(new Random(seed), [10, 10], SIDE).apply(grey(0.5)) as Raster;
      const sigma = 55 * measureNoise(grey(0.5), noisy).strength;
      expect(sigma).toBeGreaterThan(9);
      expect(sigma).toBeLessThan(15);
    }
  });
});
