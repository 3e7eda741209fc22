/** The sets of configurations: which pictures they have, and what is done to each of them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestDifference, patternPicture, temporaryFolder } from '../../../test/support/pictures.ts';
import { encodeImage } from '../../image/image-encode.ts';
import type { Raster } from '../../image/raster.ts';
import { openSet, type SetConfig, setSchema } from './sets.ts';

const root = await temporaryFolder();
const GREY = 120;
/** Of a rain layer: every fifth value. */
const STREAK = 50;

async function save(path: string, width: number, height: number, valueAt: (i: number) => number): Promise<void> {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => valueAt(Math.floor(i / 3)));
  await mkdir(join(root, path, '..'), { recursive: true });
  await writeFile(join(root, path), await encodeImage({ width, height, channels: 3, data }, { format: 'png' }));
}

beforeAll(async () => {
  for (const i of [1, 2, 3, 4, 5]) await save(`grey/p${i}.png`, 40, 32, () => GREY);
  for (const i of [1, 2, 3, 4, 5]) await save(`layers/l${i}.png`, 40, 32, (at) => (at % (3 + i) === 0 ? STREAK : 0));
  for (const i of [1, 2, 3]) await save(`haze/clear/${i}.png`, 44, 36, (at) => at % 44);
  for (const i of [1, 2, 3]) await save(`haze/hazy/${i}_0.9_0.1.png`, 40, 32, () => 200 + i);
  for (const i of [1, 2]) await save(`pairs/input/${i}.png`, 40, 32, () => 10 * i);
  for (const i of [1, 2]) await save(`pairs/target/${i}.png`, 40, 32, () => GREY);
  await mkdir(join(root, 'waves'), { recursive: true });
  await writeFile(join(root, 'waves/w.png'), await encodeImage(patternPicture(64, 48), { format: 'png' }));
});

const open = (value: object, seed = 7) => openSet(setSchema.parse({ name: 'own', ...value }), root, seed);
async function loaded(value: object, seed?: number) {
  const { cases } = await open(value, seed);
  return Promise.all(cases.map((entry) => entry.load()));
}
const bytes = ({ data }: Raster) => Array.from(data, (value) => Math.round(255 * value));
/** Standard deviation of what was added, 8-bit units. */
const deviation = ({ input, target }: { input: Raster; target: Raster }) =>
  255 * Math.sqrt(input.data.reduce((sum, v, i) => sum + (v - (target.data[i] ?? 0)) ** 2, 0) / input.data.length);

const noise = { kind: 'noise', clean: 'grey', sigma: 10 };
const rain = { kind: 'rain-layers', clean: 'grey', layers: 'layers', heldBack: 2 };
const haze = { kind: 'haze-pairs', folder: 'haze', heldBack: 1 };
const jpeg = { kind: 'jpeg', clean: 'waves', quality: 30 };

describe('a set', () => {
  it.each<[object, SetConfig['kind'], string]>([
    [noise, 'noise', 'denoise'],
    [rain, 'rain-layers', 'derain'],
    [haze, 'haze-pairs', 'dehaze'],
    [{ kind: 'data', folder: 'pairs' }, 'data', 'any'],
    [{ kind: 'data', folder: 'pairs', task: 'derain' }, 'data', 'derain'],
    [{ kind: 'clean', clean: 'grey' }, 'clean', 'any'],
    [jpeg, 'jpeg', 'any'],
    [{ ...jpeg, sigma: 10 }, 'jpeg', 'denoise'],
  ])('%j is for its task', async (value, _, task) => {
    expect(await open(value)).toMatchObject({ name: 'own', task });
  });

  it('of noise has as much as it says, other noise for each picture and seed, and the same again', async () => {
    const first = await loaded(noise);
    expect(first).toHaveLength(5);
    for (const pair of first) {
      expect(new Set(bytes(pair.target))).toEqual(new Set([GREY]));
      // 3840 values: 1.1 % of error, three times.
      expect(deviation(pair)).toBeGreaterThan(10 * (1 - 0.04));
      expect(deviation(pair)).toBeLessThan(10 * (1 + 0.04));
    }
    const seen = (pairs: readonly { input: Raster }[]) => pairs.map(({ input }) => bytes(input).join());
    expect(new Set(seen(first)).size).toBe(5);
    expect(seen(await loaded(noise))).toEqual(seen(first));
    expect(seen(await loaded(noise, 8))[0]).not.toBe(seen(first)[0]);
    const [entry] = (await open(noise)).cases;
    expect(entry).toMatchObject({ id: 'p1', target: join(root, 'grey/p1.png') });
    expect(entry?.input).toBe(`${join(root, 'grey/p1.png')} + noise 10`);
  });

  it('of rain has a picture for each layer that is held back, the photos one after another', async () => {
    const set = { ...rain, heldBack: 4, clean: 'pairs/target' };
    const { cases } = await open(set);
    expect(cases.map(({ id }) => id)).toEqual(['1, layer l2', '2, layer l3', '1, layer l4', '2, layer l5']);
    expect(cases[1]?.input).toBe(`${join(root, 'pairs/target/2.png')} + ${join(root, 'layers/l3.png')}`);
    expect(cases[1]?.target).toBe(join(root, 'pairs/target/2.png'));
    for (const [i, { input, target }] of (await loaded(set)).entries()) {
      const expected = Array.from({ length: 40 * 32 }, (_, at) => (at % (5 + i) === 0 ? GREY + STREAK : GREY));
      expect(bytes(input)).toEqual([...expected, ...expected, ...expected]);
      expect(new Set(bytes(target))).toEqual(new Set([GREY]));
    }
  });

  it('of haze has the pairs of the scenes that are held back, without the border that the hazy one lacks', async () => {
    const { cases } = await open(haze);
    expect(cases.map(({ id, input, target }) => [id, basename(input), basename(target)])).toEqual([
      ['2_0.9_0.1', '2_0.9_0.1.png', '2.png'],
    ]);
    const [{ input, target } = { input: undefined, target: undefined }] = await loaded(haze);
    expect(new Set(bytes(input as Raster))).toEqual(new Set([202]));
    expect([target?.width, target?.height]).toEqual([40, 32]);
    // Two pixels are cut off at each side.
    expect(bytes(target as Raster).slice(0, 40)).toEqual(Array.from({ length: 40 }, (_, x) => x + 2));
  });

  it('of files has pairs as they are, or clean ones with noise', async () => {
    const pairs = await loaded({ kind: 'data', folder: 'pairs' });
    expect(pairs.map(({ input, target }) => [bytes(input)[0], bytes(target)[0]])).toEqual([
      [10, GREY],
      [20, GREY],
    ]);
    const [noisy] = await loaded({ kind: 'data', folder: 'grey', task: 'denoise', sigma: 20 });
    expect(Math.round(deviation(noisy as { input: Raster; target: Raster }))).toBe(20);
  });

  it('of clean pictures gives them as they are', async () => {
    const [pair] = await loaded({ kind: 'clean', clean: 'waves' });
    expect(pair?.input).toEqual(pair?.target);
    expect(bytes(pair?.target as Raster)).toHaveLength(3 * 64 * 48);
  });

  it('of JPEG files has what the quality leaves, and noise before it where there is a sigma', async () => {
    const of = async (value: object) => {
      const [pair] = await loaded({ ...jpeg, ...value });
      if (!pair) throw new Error('expected a picture');
      expect(bytes(pair.target)).toHaveLength(3 * 64 * 48);
      return pair;
    };
    const [best, worse, worst] = [await of({ quality: 100 }), await of({}), await of({ quality: 1 })];
    expect(deviation(best)).toBeGreaterThan(0);
    expect(deviation(best)).toBeLessThan(1.5);
    expect(deviation(worse)).toBeGreaterThan(deviation(best) + 0.5);
    expect(deviation(worst)).toBeGreaterThan(deviation(worse) + 5);
    const noisy = await of({ quality: 100, sigma: 30 });
    // Colours are kept at half the resolution: their noise is not.
    expect(deviation(noisy)).toBeGreaterThan(15);
    const path = join(root, 'waves/w.png');
    const inputs = await Promise.all([open(jpeg), open({ ...jpeg, sigma: 5 })]);
    expect(inputs.map(({ cases }) => cases[0]?.input)).toEqual([`${path}, JPEG 30`, `${path} + noise 5, JPEG 30`]);
  });
});

describe('a part of a set', () => {
  const names = async (value: object) =>
    (await open({ kind: 'clean', clean: 'grey', ...value })).cases.map(({ id }) => id);

  it('is every second picture from the first or the second, and then the first of them', async () => {
    expect(await names({})).toEqual(['p1', 'p2', 'p3', 'p4', 'p5']);
    expect(await names({ half: 'even' })).toEqual(['p1', 'p3', 'p5']);
    expect(await names({ half: 'odd' })).toEqual(['p2', 'p4']);
    expect(await names({ half: 'odd', limit: 1 })).toEqual(['p2']);
    expect(await names({ limit: 2 })).toEqual(['p1', 'p2']);
  });

  it('is the middle of each picture, cut after it was degraded, input and target alike', async () => {
    const [whole] = await loaded(noise);
    const [middle] = await loaded({ ...noise, centre: 20 });
    const [cropped] = await loaded({ ...noise, crop: '16' });
    const [both] = await loaded({ ...noise, crop: '16', centre: 20 });
    const sizes = [middle, cropped, both].map((pair) => [pair?.input.width, pair?.input.height, pair?.target.width]);
    expect(sizes).toEqual([
      [20, 20, 20],
      [32, 32, 32],
      [20, 20, 20],
    ]);
    const rowOf = (picture: Raster | undefined, y: number, from: number) =>
      picture?.data.subarray(y * picture.width + from, y * picture.width + from + 20);
    expect(largestDifference(rowOf(middle?.input, 0, 0) ?? [], rowOf(whole?.input, 6, 10) ?? [])).toBe(0);
    // Of the 32 pixels from the left.
    expect(largestDifference(rowOf(both?.input, 0, 0) ?? [], rowOf(whole?.input, 6, 6) ?? [])).toBe(0);
  });

  it('of a folder that is not there is refused with the name of the set', async () => {
    await expect(open({ kind: 'clean', clean: 'nowhere' })).rejects.toMatchObject({
      ...{ code: 'DATA_INVALID', message: expect.stringContaining('set own') },
    });
  });
});
