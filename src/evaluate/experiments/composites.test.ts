/** Composites of pictures in closed form: which file each index takes, and what lies on which part of it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { writeComposites } from '../../../test/support/composite-data.ts';
import { largestDifference, patternPicture, temporaryFolder } from '../../../test/support/pictures.ts';
import { degrade } from '../../data/degradations/composite.ts';
import { measure } from '../../data/degradations/index.ts';
import type { Raster } from '../../image/raster.ts';
import { compositeSources } from './composites.ts';

const root = await temporaryFolder();
beforeAll(() => writeComposites(root));

const config = { clean: 'clean', layers: 'layers', haze: 'haze', heldBack: 2, pictures: 9, centre: 64 };
const SEED = 5;

/** The photo that was written for this number, at the size of its file, from (left, top): see `writeComposites`. */
function part(side: number, left: number, width: number, change: (value: number) => number): number[][] {
  const whole = patternPicture(side, side).data;
  return [0, 1, 2].map((channel) =>
    Array.from({ length: width * width }, (_, i) => {
      const [x, y] = [left + (i % width), left + Math.floor(i / width)];
      return Math.floor(change(whole[3 * (y * side + x) + channel] ?? 0));
    }),
  );
}
const photo = (value: number) => 40 + value / 2;
const scene = (value: number) => value;
const planes = ({ data }: Raster) => {
  const plane = data.length / 3;
  return [0, 1, 2].map((c) => Array.from(data.subarray(c * plane, (c + 1) * plane), (v) => Math.round(255 * v)));
};

/** Arrays of this length are slow to compare one value at a time. */
const differ = (a: readonly number[][], b: readonly number[][]) => largestDifference(a.flat(), b.flat());

/** What is brighter in the second of two pictures. */
function added(clear: Raster, input: Raster): number[][] {
  const before = planes(clear);
  return planes(input).map((plane, c) => plane.map((value, i) => value - (before[c]?.[i] ?? Number.NaN)));
}

/** The clear picture, and with everything that is present on it. */
async function composite(index: number, present: readonly string[], changes: object = {}, sigma = 0, seed = SEED) {
  const sources = await compositeSources({ ...config, ...changes }, root);
  const { clear, effects } = await sources.make(index, present, sigma, seed);
  const { input } = await degrade(clear, effects, new Set(), measure);
  return { clear, input, of: effects.map((effect) => effect.of) };
}

describe('clear pictures', () => {
  it('are the middles of the photos, one after another and from the first again', async () => {
    // 72, 80 and 88 pixels wide.
    for (const [index, side, left] of [
      [0, 72, 4],
      [1, 80, 8],
      [2, 88, 12],
      [3, 72, 4],
    ] as const) {
      const { clear } = await composite(index, []);
      expect([clear.width, clear.height]).toEqual([64, 64]);
      expect(differ(planes(clear), part(side, left, 64, photo))).toBe(0);
    }
  });

  it('are whole where a photo is smaller than what is used, and odd pixels are left at the right', async () => {
    const { clear } = await composite(0, [], { centre: 256 });
    expect(differ(planes(clear), part(72, 0, 72, photo))).toBe(0);
    expect(differ(planes((await composite(0, [], { centre: 69 })).clear), part(72, 1, 69, photo))).toBe(0);
  });

  it('are scenes that are held back where there is to be haze', async () => {
    // Of scenes of 80, 88 and 96 pixels the first and the last; every third of those.
    for (const [index, side, left] of [
      [0, 80, 8],
      [1, 96, 16],
      [2, 80, 8],
    ] as const) {
      expect(differ(planes((await composite(index, ['haze', 'rain'])).clear), part(side, left, 64, scene))).toBe(0);
    }
    expect(differ(planes((await composite(1, ['haze'], { heldBack: 1 })).clear), part(88, 12, 64, scene))).toBe(0);
  });

  it('are as many as there are photos, or as are asked for', async () => {
    expect((await compositeSources(config, root)).count).toBe(3);
    expect((await compositeSources({ ...config, pictures: 2 }, root)).count).toBe(2);
  });
});

describe('what lies on them', () => {
  it('is nothing, or what is named: haze, then rain, then noise', async () => {
    expect((await composite(0, [])).of).toEqual([]);
    expect((await composite(0, ['noise', 'rain', 'haze'])).of).toEqual(['haze', 'rain', 'noise']);
    for (const name of ['noise', 'rain', 'haze']) expect((await composite(0, [name])).of).toEqual([name]);
  });

  it('is rain from the place of the part, upright and repeated beyond the edges of its layer', async () => {
    // Layers of 64 x 48 pixels, of which the second and the third are held back: a streak at every 9th and 10th pixel.
    const layer = (every: number, left: number) =>
      Array.from({ length: 64 * 64 }, (_, i) => {
        const [x, y] = [left + (i % 64), left + Math.floor(i / 64)];
        return ((y % 48) * 64 + (x % 64)) % every === 0 ? 60 : 0;
      });
    for (const [index, left, every] of [
      [0, 4, 10],
      [1, 8, 10],
    ] as const) {
      const { clear, input } = await composite(index, ['rain']);
      for (const plane of added(clear, input)) expect(largestDifference(plane, layer(every, left))).toBe(0);
    }
    const { clear, input } = await composite(0, ['rain'], { heldBack: 1 });
    expect(largestDifference(added(clear, input)[0] ?? [], layer(10, 4))).toBe(0);
  });

  it('is the haze of the genuine pair, on the same part', async () => {
    const { clear, input } = await composite(1, ['haze']);
    // I = J t + A (1 - t) with t = 0.6 and A = 0.9, as 8-bit files hold it.
    const expected = clear.data.map((value) => 0.6 * value + 0.4 * 0.9);
    expect(largestDifference(input.data, expected)).toBeLessThan(2.5 / 255);
  });

  it('is noise of the sigma that is asked for, other noise for each index and seed', async () => {
    const drawn = async (index: number, seed: number) => {
      const { clear, input } = await composite(index, ['noise'], {}, 12, seed);
      return Array.from(input.data, (value, i) => 255 * (value - (clear.data[i] ?? 0)));
    };
    const [first, again] = [await drawn(0, SEED), await drawn(0, SEED)];
    const deviation = Math.sqrt(first.reduce((sum, value) => sum + value * value, 0) / first.length);
    // Of 12288 values: 0.6 % of error, four times.
    expect(Math.abs(deviation / 12 - 1)).toBeLessThan(0.026);
    expect(largestDifference(again, first)).toBe(0);
    expect(largestDifference(await drawn(0, SEED + 1), first)).toBeGreaterThan(12);
    expect(largestDifference(await drawn(1, SEED), first)).toBeGreaterThan(12);
  });
});
