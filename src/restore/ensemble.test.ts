import { expect, it } from 'vitest';
import { fakeModel } from '../../test/support/fake-model.ts';
import { largestDifference, patternPicture } from '../../test/support/pictures.ts';
import { createRaster } from '../image/raster.ts';
import { overSymmetries, symmetriesFor } from './ensemble.ts';
import { settingsFor } from './options.ts';
import { restorePicture } from './restore-picture.ts';

const ALL = symmetriesFor(['noise', 'compression', 'darkness']);

/** A tile with a different value everywhere; not square, so that a wrong turn shows. */
function tile(width: number, height: number) {
  const raster = createRaster(width, height);
  raster.data.forEach((_, i) => {
    raster.data[i] = i + 1;
  });
  return raster;
}

it('turns the picture and its noise alike, and turns the results back', async () => {
  const mu = tile(5, 3);
  const noise = (draw: number) => mu.data.map((value) => 1000 * draw + value * value);
  const seen = new Set<string>();
  const result = await overSymmetries(ALL, mu, noise, async (turned, turnedNoise) => {
    seen.add(`${turned.width}x${turned.height}: ${turned.data.join()}`);
    const z = turnedNoise(2);
    // At every pixel the noise is the one that belongs to it.
    turned.data.forEach((value, i) => {
      expect(z[i]).toBe(2000 + value * value);
    });
    return turned.data;
  });
  expect(seen.size).toBe(8);
  expect([...seen].filter((text) => text.startsWith('3x5')).length).toBe(4);
  expect(largestDifference(result, mu.data)).toBeLessThan(1e-5);
});

it('is the mean over all directions for a restorer that prefers one', async () => {
  const mu = createRaster(3, 3);
  mu.data[4] = 8;
  // Moves everything one pixel to the right.
  const result = await overSymmetries(
    ALL,
    mu,
    () => new Float32Array(27),
    async ({ width, height, data }) => {
      const out = new Float32Array(data.length);
      for (let i = 0; i < 3 * width * height; i++) if (i % width > 0) out[i] = data[i - 1] as number;
      return out;
    },
  );
  // Two of the eight directions end at each neighbour of the centre.
  expect([...result.subarray(0, 9)]).toEqual([0, 2, 0, 2, 0, 2, 0, 2, 0]);
});

it('changes nothing with a network that treats all directions alike, takes eight passes and is recorded', async () => {
  const picture = patternPicture(90, 70);
  const [plain, turned] = [fakeModel({ stateShare: 0.3 }), fakeModel({ stateShare: 0.3 })];
  const steps: number[] = [];
  const settings = { steps: 2, tile: 64, overlap: 16, seed: 3 };
  const one = await restorePicture(plain, picture, settingsFor(plain, settings));
  const eight = await restorePicture(turned, picture, settingsFor(turned, { ...settings, ensemble: true }), {
    onProgress: ({ fraction }) => steps.push(fraction),
  });
  expect(turned.calls.length).toBe(8 * plain.calls.length);
  expect(largestDifference(one.mean.data, eight.mean.data)).toBeLessThanOrEqual(1);
  expect(steps.at(-1)).toBe(1);
  expect(Math.max(...steps)).toBe(1);
});

it.each([
  ['rain', 'noise'],
  ['haze', 'compression'],
])('only mirrors pictures with %s, whatever else they have', async (...degradations) => {
  const mu = tile(4, 3);
  const seen: string[] = [];
  const result = await overSymmetries(
    symmetriesFor(degradations),
    mu,
    () => new Float32Array(36),
    async ({ data }) => {
      seen.push([...data.subarray(0, 4)].join());
      return data;
    },
  );
  expect(seen).toEqual(['1,2,3,4', '4,3,2,1']);
  expect([...result]).toEqual([...mu.data]);
});

it('does so where rain is found, also where it is to stay', async () => {
  const picture = patternPicture(40, 30);
  const model = fakeModel({ stateShare: 0.3, rainy: true });
  await restorePicture(model, picture, settingsFor(model, { prompt: 'remove the noise', steps: 1, ensemble: true }));
  expect(model.calls.length).toBe(2);
});
