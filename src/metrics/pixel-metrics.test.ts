import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createRaster, type Raster } from '../image/raster.ts';
import { psnr } from './psnr.ts';
import { ssim } from './ssim.ts';

/** dB; the pictures are 8-bit values held in float32, each off by up to 3e-8. */
const PSNR_ABSOLUTE = 1e-4;
/** As above: luma of the reference is float32. */
const SSIM_ABSOLUTE = 1e-5;

interface Wave {
  frequency: number;
  phase: number;
  amplitude: number;
}
interface Pair {
  height: number;
  width: number;
  a: Wave;
  b: Wave;
  /** null: infinite, the pictures are equal. */
  psnrRgb: number | null;
  psnrLumaBt601: number | null;
  ssimGaussianRgb: number;
  ssimGaussianLumaBt601: number;
}

const { images } = JSON.parse(readFileSync(new URL('../../test/fixtures/metrics.json', import.meta.url), 'utf8')) as {
  images: Pair[];
};

/** The fixture's imageFormula; its index k runs over [height, width, channel], a raster over [channel, height, width]. */
function picture({ height, width }: Pair, { frequency, phase, amplitude }: Wave): Raster {
  const raster = createRaster(width, height);
  for (let k = 0; k < raster.data.length; k++) {
    const value = Math.floor(127.5 + amplitude * Math.sin(frequency * k + phase) + 40 * Math.sin(0.0007 * k) + 0.5);
    raster.data[(k % 3) * width * height + Math.floor(k / 3)] = Math.min(Math.max(value, 0), 255) / 255;
  }
  return raster;
}

test('the fixture has pictures', () => expect(images.length).toBeGreaterThan(0));

describe.each(images)('$width x $height, b: $b', (pair) => {
  const a = picture(pair, pair.a);
  const b = picture(pair, pair.b);

  test.each([{ eightBit: false }, { eightBit: true }])(
    'equals the reference, %o (the pictures are 8-bit)',
    (options) => {
      const luma = { channels: 'luma', ...options } as const;
      for (const [received, expected] of [
        [psnr(a, b, options), pair.psnrRgb],
        [psnr(a, b, luma), pair.psnrLumaBt601],
      ] as const) {
        if (expected === null) expect(received).toBe(Number.POSITIVE_INFINITY);
        else expect(Math.abs(received - expected)).toBeLessThan(PSNR_ABSOLUTE);
      }
      expect(Math.abs(ssim(a, b, options) - pair.ssimGaussianRgb)).toBeLessThan(SSIM_ABSOLUTE);
      expect(Math.abs(ssim(a, b, luma) - pair.ssimGaussianLumaBt601)).toBeLessThan(SSIM_ABSOLUTE);
    },
  );

  test('is symmetric, and perfect for a picture and itself', () => {
    expect(psnr(b, a)).toBe(psnr(a, b));
    expect(ssim(b, a)).toBeCloseTo(ssim(a, b), 12);
    expect(psnr(a, a)).toBe(Number.POSITIVE_INFINITY);
    expect(ssim(a, a)).toBeCloseTo(1, 12);
  });
});

test('eightBit clips and rounds before comparing', () => {
  const a = createRaster(11, 11);
  const b = createRaster(11, 11);
  a.data.fill(1.4);
  b.data.fill(0.9985);
  expect(psnr(a, b)).toBeLessThan(10);
  expect(psnr(a, b, { eightBit: true })).toBe(Number.POSITIVE_INFINITY);
  expect(ssim(a, b, { eightBit: true })).toBeCloseTo(1, 12);
});

test('one grey level apart is 48.13 dB', () => {
  const a = createRaster(4, 3);
  const b = createRaster(4, 3);
  b.data.fill(1 / 255);
  expect(psnr(a, b)).toBeCloseTo(20 * Math.log10(255), 4);
});

test('pictures of different sizes, and pictures too small for the window, are refused by name and size', () => {
  const size = expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(/12x11 and 11x12/) });
  expect(() => psnr(createRaster(12, 11), createRaster(11, 12))).toThrow(size);
  expect(() => ssim(createRaster(12, 11), createRaster(11, 12))).toThrow(size);
  expect(() => ssim(createRaster(10, 40), createRaster(10, 40))).toThrow(/at least 11x11 .* received 10x40/);
});
