/** Evaluations of pictures in memory, with restorers and meters whose every answer is known. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fakeModel, fakePlain } from '../../test/support/fake-model.ts';
import { decibelsAt } from '../../test/support/known-systems.ts';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { Clearword } from '../clearword.ts';
import { ClearwordError } from '../errors.ts';
import { createRaster, type Raster } from '../image/raster.ts';
import { type EvaluationOptions, type EvaluationResult, evaluate } from './evaluate.ts';
import type { EvaluationCase } from './sets/pictures.ts';
import type { Meters } from './weights/meters.ts';
import type { InceptionFeatures } from './weights/scorers.ts';

/** A picture of one value, of 255. */
function flat(value: number, width = 20, height = 16): Raster {
  const picture = createRaster(width, height);
  picture.data.fill(value / 255);
  return picture;
}

/** A case of two flat pictures. */
const entryOf = (id: string, input: number, target: number): EvaluationCase => ({
  ...{ id, input: `${id}.in`, target: `${id}.gt` },
  load: async () => ({ input: flat(input), target: flat(target) }),
});
const CASES = [entryOf('a', 108, 100), entryOf('b', 116, 100), entryOf('c', 132, 100)];

const metersOf = (more: Partial<Meters> = {}): Meters => ({ unavailable: {}, close: async () => undefined, ...more });
const evaluated = (
  cases: readonly EvaluationCase[],
  options: Partial<EvaluationOptions> = {},
  prompts = cases.map(() => ''),
): Promise<EvaluationResult> =>
  evaluate({ name: 'set', cases, prompts }, { meters: metersOf(), settings: { own: 1 }, ...options });

const identity = () => fakeModel({ predict: ({ mu }) => mu });
const restorerOf = (model = identity()) => ({ clearword: new Clearword(model), parameters: { seed: 3 } });

describe('FID', () => {
  /** Features [v, 1] of a picture of the value 100 v. */
  const inception = {
    of: async ({ data }: Raster) => Float32Array.of(Math.round(255 * (data[0] ?? 0)) / 100, 1),
  } as unknown as InceptionFeatures;

  it('is the squared distance of the means where results and targets spread alike', async () => {
    const cases = [entryOf('a', 150, 100), entryOf('b', 200, 150), entryOf('c', 250, 200)];
    const result = await evaluated(cases, { meters: metersOf({ inception }) });
    expect(result.fid).toBeCloseTo(0.25, 6);
    expect(result.unavailable).toEqual({});
    // Two pictures have a distribution.
    const two = await evaluated(cases.slice(0, 2), { meters: metersOf({ inception }) });
    expect(two.fid).toBeCloseTo(0.25, 6);
  });

  it('of one picture is not there, and says why', async () => {
    const result = await evaluated(CASES.slice(0, 1), { meters: metersOf({ inception }) });
    expect(result.fid).toBeUndefined();
    expect(result.unavailable).toEqual({ fid: 'one picture has no distribution' });
  });

  it('that nobody asked for is not missed, and the reason of the meters is kept', async () => {
    expect(await evaluated(CASES)).not.toHaveProperty('fid');
    expect((await evaluated(CASES)).unavailable).toEqual({});
    expect((await evaluated([])).unavailable).toEqual({});
    const unavailable = { fid: 'no weights' };
    const result = await evaluated(CASES.slice(0, 1), { meters: metersOf({ inception, unavailable }) });
    expect(result.unavailable).toEqual(unavailable);
  });
});

describe('the results of a system', () => {
  it('are scored as they are: no picture before, no seconds, no memory', async () => {
    const result = await evaluated(CASES);
    expect(result.pictures.map(({ after }) => after.psnr)).toEqual(
      [8, 16, 32].map((difference) => expect.closeTo(decibelsAt(difference), 4)),
    );
    expect(result).toMatchObject({ name: 'set', failures: [], resumed: 0, secondsEach: 0 });
    expect(result).not.toHaveProperty('before');
    for (const picture of result.pictures) {
      expect(picture).toMatchObject({ width: 20, height: 16, seconds: 0, prompt: '' });
      for (const key of ['before', 'decided', 'memory', 'features', 'previews'])
        expect(picture).not.toHaveProperty(key);
    }
    expect(await evaluated([])).toMatchObject({ pictures: [], mean: {}, secondsEach: 0 });
  });
});

describe('a restorer', () => {
  it('is told the prompt of each picture, and the scores are those of its results', async () => {
    const halves = fakeModel({ predict: ({ mu }) => mu.map((value) => (value + 100 / 255) / 2) });
    const result = await evaluated(CASES, { restorer: restorerOf(halves) }, ['first', 'second', 'third']);
    expect(result.pictures.map(({ prompt }) => prompt)).toEqual(['first', 'second', 'third']);
    const decibels = (differences: readonly number[]) => differences.map((d) => expect.closeTo(decibelsAt(d), 4));
    expect(result.pictures.map(({ before }) => before?.psnr)).toEqual(decibels([8, 16, 32]));
    expect(result.pictures.map(({ after }) => after.psnr)).toEqual(decibels([4, 8, 16]));
    expect(result.before?.psnr).toBeCloseTo([8, 16, 32].map(decibelsAt).reduce((a, b) => a + b) / 3, 4);
    expect(result.pictures.map(({ decided }) => [decided?.status, decided?.untouched])).toEqual(
      Array(3).fill(['restored', false]),
    );
    expect(result.pictures[0]?.decided?.findings).toMatchObject({ noise: { probability: 0.97, verdict: 'found' } });
    const same = await evaluated(CASES, { restorer: restorerOf() });
    expect(same.pictures.map(({ decided }) => decided?.untouched)).toEqual([true, true, true]);
  });

  it('takes the seconds and the megabytes that it takes', async () => {
    const waiting = fakeModel({
      predict: ({ mu }) => mu,
      onPredict: () => new Promise((done) => setTimeout(done, 60)),
    });
    const started = performance.now();
    const result = await evaluated(CASES.slice(0, 2), { restorer: restorerOf(waiting) });
    const whole = (performance.now() - started) / 1000;
    const seconds = result.pictures.map((picture) => picture.seconds);
    for (const each of seconds) {
      expect(each).toBeGreaterThan(0.05);
      // Milliseconds, rounded.
      expect(1000 * each).toBeCloseTo(Math.round(1000 * each), 6);
    }
    expect(seconds.reduce((sum, each) => sum + each, 0)).toBeLessThan(whole + 0.002);
    expect(result.secondsEach).toBeCloseTo(seconds.reduce((sum, each) => sum + each, 0) / 2, 9);
    for (const { memory } of result.pictures) {
      expect(memory).toBeGreaterThan(20);
      expect(memory).toBeLessThan(64_000);
      expect(memory).toBe(Math.round(memory ?? 0));
    }
  });

  it('says how far it is: every picture has an equal part, named by its set and itself', async () => {
    const seen: [number, number, string][] = [];
    const onProgress = (...all: [number, number, string]) => void seen.push(all);
    await evaluated(CASES, { restorer: restorerOf(), onProgress });
    const first = ['a', 'b', 'c'].map((id) => seen.find(([, , text]) => text === `set: ${id}`));
    expect(first).toEqual([
      [0, 0, 'set: a'],
      [1, expect.closeTo(1 / 3, 9), 'set: b'],
      [2, expect.closeTo(2 / 3, 9), 'set: c'],
    ]);
    const fractions = seen.map(([, fraction]) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBeCloseTo(1, 9);
  });
});

describe('loading', () => {
  it.each([
    [undefined, 4],
    [1, 2],
    [0, 1],
  ])('begins so many pictures ahead: %s', async (ahead, expected) => {
    const started: string[] = [];
    const cases = ['a', 'b', 'c', 'd', 'e', 'f'].map(
      (id): EvaluationCase => ({
        ...entryOf(id, 108, 100),
        load: async () => {
          started.push(id);
          return { input: flat(108), target: flat(100) };
        },
      }),
    );
    const begun: number[] = [];
    const onProgress = () => void begun.push(started.length);
    const result = await evaluated(cases, { onProgress, ...(ahead !== undefined && { ahead }) });
    expect(begun).toEqual([0, 1, 2, 3, 4, 5].map((i) => Math.min(6, i + expected)));
    // Each of them once.
    expect(started).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(result.pictures).toHaveLength(6);
  });

  it('that fails costs its picture alone', async () => {
    const [a, , c] = CASES as [EvaluationCase, EvaluationCase, EvaluationCase];
    const seen: number[] = [];
    const error = new ClearwordError('NOT_AN_IMAGE', 'damaged');
    const broken = { ...entryOf('b', 1, 1), load: () => Promise.reject(error) };
    const result = await evaluated([a, broken, c], { onProgress: (done) => void seen.push(done) });
    expect(result.failures).toEqual([{ id: 'b', error }]);
    expect(result.pictures.map(({ id }) => id)).toEqual(['a', 'c']);
    expect(seen).toEqual([0, 1, 2]);
  });
});

describe('what was measured before', () => {
  it('is not measured again, where the pictures, the words and the settings are the same', async () => {
    const folder = await temporaryFolder();
    const calls = async (
      cases: readonly EvaluationCase[],
      prompts?: string[],
      more: Partial<EvaluationOptions> = {},
    ) => {
      const model = identity();
      const result = await evaluated(cases, { folder, restorer: restorerOf(model), ...more }, prompts);
      expect(result.pictures).toHaveLength(cases.length);
      expect(model.calls.length).toBe(more.restorer ? 0 : cases.length - result.resumed);
      return result.resumed;
    };
    expect(await calls(CASES.slice(0, 2))).toBe(0);
    expect(await calls(CASES)).toBe(2);
    const [a, b, c] = CASES as [EvaluationCase, EvaluationCase, EvaluationCase];
    expect(await calls([a, { ...b, input: 'other.in' }, c])).toBe(2);
    expect(await calls([a, b, { ...c, target: 'other.gt' }])).toBe(1);
    expect(await calls(CASES, ['', '', 'words'])).toBe(2);
    expect(await calls(CASES, ['', '', 'words'])).toBe(3);
    expect(await calls(CASES, undefined, { settings: { own: 2 } })).toBe(0);
    const meters = metersOf({ unavailable: { lpips: 'no weights' } });
    expect(await calls(CASES, undefined, { meters })).toBe(0);
    const plain = async (reading: string) => {
      const clearword = new Clearword({ ...fakePlain((tile) => tile.data), reading });
      return (await evaluated(CASES, { folder, restorer: { clearword, parameters: {} } })).resumed;
    };
    // Of a plain network also how its input is made.
    expect([await plain('rgb'), await plain('rgb'), await plain('bgr')]).toEqual([0, 3, 0]);
    // Results as they are have no model; they are others than those of one.
    const result = await evaluated(CASES, { folder });
    expect(result.resumed).toBe(0);
  });

  it('is shown: before, after and target, or without the first where nothing was restored here', async () => {
    const folder = await temporaryFolder();
    const [restored] = (await evaluated(CASES.slice(0, 1), { folder, restorer: restorerOf() })).pictures;
    expect(Object.keys(restored?.previews ?? {}).sort()).toEqual(['after', 'before', 'target']);
    const [given] = (await evaluated(CASES.slice(0, 1), { folder })).pictures;
    expect(Object.keys(given?.previews ?? {}).sort()).toEqual(['after', 'target']);
    expect(await readdir(join(folder, 'previews'))).toHaveLength(5);
  });
});

describe('an evaluation', () => {
  it('ends where it is told to, or cannot write', async () => {
    const stop = new AbortController();
    const onProgress = (done: number) => done === 1 && stop.abort();
    await expect(evaluated(CASES, { signal: stop.signal, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' });
    // The picture that is being restored ends, too, and is not kept.
    const last = new AbortController();
    const model = fakeModel({ predict: ({ mu }) => mu, onPredict: () => last.abort() });
    const only = evaluated(CASES.slice(0, 1), { signal: last.signal, restorer: restorerOf(model) });
    await expect(only).rejects.toMatchObject({ code: 'CANCELLED' });
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    const below = evaluated(CASES, { folder: join(file, 'below') });
    await expect(below).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });
});
