import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import { createRaster } from '../../image/raster.ts';
import { promptsFor } from './captions.ts';
import { locate, type TaskName } from './layout.ts';
import { pairByName, sceneOf } from './pairing.ts';
import { type EvaluationCase, fitTarget, noiseField } from './pictures.ts';

let root = '';
beforeAll(async () => {
  root = await temporaryFolder();
});

/** Files without content: only their names matter here. */
async function dataSet(name: string, files: readonly string[]): Promise<string> {
  for (const file of files) {
    await mkdir(join(root, name, file, '..'), { recursive: true });
    await writeFile(join(root, name, file), '');
  }
  return join(root, name);
}

const named = (pairs: readonly { input: string; target: string }[]) =>
  pairs.map(({ input, target }) => `${basename(input)} ${basename(target)}`);

describe('names', () => {
  it.each([
    ['rain-001.png', '1'],
    ['norain-001.png', '1'],
    ['norain-12x2.png', '12'],
    ['kodim01_sigma50.png', 'kodim01'],
    ['photo-7.restored.png', 'photo-7'],
    ['0010_GT.png', '10'],
    ['102061.jpg', '102061'],
    ['rain.png', 'rain'],
    ['0000.png', '0'],
    ['hazy_7.png', '7'],
    ['7_noisy_25.png', '7'],
  ])('%s shows scene %s', (name, scene) => expect(sceneOf(name)).toBe(scene));

  it('belong together by the longest beginning, and not by a mere prefix', () => {
    const { pairs, unused } = pairByName(
      ['a/1_10_x.png', 'a/12_x.png', 'a/kodim10_dn.png'],
      ['1.png', '1_10.png', '12.png', 'kodim1.png', 'kodim10.png'],
      'pictures',
    );
    expect(named(pairs)).toEqual(['1_10_x.png 1_10.png', '12_x.png 12.png', 'kodim10_dn.png kodim10.png']);
    expect(unused).toEqual(['1.png', 'kodim1.png']);
  });

  it('are refused where a picture belongs to none, or to two', () => {
    expect(() => pairByName(['x.png'], ['y.png'], 'pictures')).toThrow(/x\.png belongs to none/);
    expect(() => pairByName(['1.png'], ['rain-1.png', 'norain-1.png'], 'pictures')).toThrow(
      /1\.png belongs to rain-1\.png and norain-1\.png/,
    );
  });

  it('that belong to none are shown, three at most, and the rest counted', () => {
    const refused = (inputs: readonly string[]) => () => pairByName(inputs, ['y.png', 'z.png'], 'results');
    expect(refused(['a.png', 'b.png', 'c.png'])).toThrow(
      /one target for each of 3 results among 2 pictures such as y\.png, received: a\.png .*; b\.png .*; c\.png belongs to none$/,
    );
    expect(refused(['a.png', 'b.png', 'c.png', 'd.png'])).toThrow(/; c\.png belongs to none and 1 more$/);
    expect(() => pairByName(['a.png'], [], 'results')).toThrow(/among 0 pictures such as none/);
  });

  it('belong together where one is the beginning of the other up to a separator', () => {
    const targets = ['photo.png', 'photo2.png', '.png'];
    const inputs = ['photo_x4.png', 'photo2-x4.png', 'photo 3.png', 'photo.out.png'];
    expect(named(pairByName(inputs, targets, 'results').pairs)).toEqual([
      ...['photo_x4.png photo.png', 'photo2-x4.png photo2.png', 'photo 3.png photo.png', 'photo.out.png photo.png'],
    ]);
    expect(() => pairByName(['photograph.png'], targets, 'results')).toThrow(/belongs to none/);
  });
});

describe('layouts', () => {
  it.each<[string, TaskName, number | undefined, string[], string[]]>([
    [
      'Rain100L, as published',
      'any',
      undefined,
      ['rain-001.png', 'norain-001.png', 'rain-002.png', 'norain-002.png'],
      ['rain-001.png norain-001.png', 'rain-002.png norain-002.png'],
    ],
    [
      'Rain100H, in folders',
      'derain',
      undefined,
      ['rain/rain-1.png', 'norain/norain-1.png'],
      ['rain-1.png norain-1.png'],
    ],
    ['Rain100L, arranged anew', 'any', undefined, ['test/input/1.png', 'test/target/1.png'], ['1.png 1.png']],
    [
      'SOTS outdoor',
      'dehaze',
      undefined,
      ['outdoor/hazy/0001_0.8_0.2.jpg', 'outdoor/clear/0001.png', 'outdoor/clear/0002.png'],
      ['0001_0.8_0.2.jpg 0001.png'],
    ],
    [
      'SOTS indoor',
      'any',
      undefined,
      ['hazy/1400_10.png', 'hazy/1400_1.png', 'gt/1400.png'],
      ['1400_1.png 1400.png', '1400_10.png 1400.png'],
    ],
    ['RESIDE-6k', 'any', undefined, ['test/hazy/1.jpg', 'test/GT/1.jpg'], ['1.jpg 1.jpg']],
    [
      'CBSD68, ready noise',
      'denoise',
      50,
      ['noisy15/0000.png', 'noisy50/0000.png', 'original_png/0000.png'],
      ['0000.png 0000.png'],
    ],
    ['LQ and GT', 'denoise', undefined, ['LQ/a.png', 'GT/a.png'], ['a.png a.png']],
  ])('%s', async (name, task, sigma, files, expected) => {
    const located = await locate(await dataSet(name, files), task, sigma);
    expect(located.kind).toBe('pairs');
    if (located.kind === 'pairs') expect(named(located.pairs)).toEqual(expected);
  });

  it('takes the ready noise of the sigma that was asked for, or adds it', async () => {
    const folder = await dataSet('BSD68', ['noisy15/1.png', 'noisy25/1.png', 'original/1.png']);
    const ready = await locate(folder, 'denoise', 25);
    expect(ready.kind === 'pairs' && ready.layout).toBe('noisy25 / original');
    const added = await locate(folder, 'denoise', 50);
    expect(added.kind === 'clean' && added.pictures.map((path) => basename(path))).toEqual(['1.png']);
  });

  it.each([
    ['Kodak24', ['kodim01.png', 'kodim02.png'], 2],
    ['WED and BSD400', ['WED/1.png', 'BSD400/1.png', 'BSD400/2.png'], 3],
  ] as const)('%s: clean pictures', async (name, files, count) => {
    const located = await locate(await dataSet(name, files), 'denoise', 25);
    expect(located.kind === 'clean' && located.pictures).toHaveLength(count);
  });

  it('says what is there where it knows none', async () => {
    const folder = await dataSet('unknown', ['left/1.png', 'right/1.png']);
    await expect(locate(folder, 'any')).rejects.toThrow(/received left\/, right\//);
    await expect(locate(join(root, 'missing'), 'any')).rejects.toThrow(/cannot be listed/);
    const pictures = ['1', '2', '3', '4'].map((name) => `${name}.png`);
    await expect(locate(await dataSet('plain', pictures), 'any')).rejects.toThrow(/received 1\.png, 2\.png, 3\.png$/);
    const many = Array.from({ length: 9 }, (_, i) => `folder${i}/1.png`);
    await expect(locate(await dataSet('many', many), 'any')).rejects.toThrow(/received (folder\d\/, ){7}folder\d\/$/);
    await mkdir(join(root, 'nothing'));
    await expect(locate(join(root, 'nothing'), 'any')).rejects.toThrow(/received nothing$/);
  });

  it('of another task are not taken for the one that was asked for', async () => {
    const both = await dataSet('both', ['rain/1.png', 'hazy/2.png', 'noisy/3.png', 'gt/1.png', 'gt/2.png', 'gt/3.png']);
    const layoutOf = async (task: TaskName) => (await locate(both, task)).layout;
    expect(await layoutOf('derain')).toBe('rain / gt');
    expect(await layoutOf('dehaze')).toBe('hazy / gt');
    expect(await layoutOf('denoise')).toBe('noisy / gt');
    expect(await layoutOf('any')).toBe('rain / gt');
    const rain = await dataSet('rain only', ['rain/1.png', 'gt/1.png']);
    await expect(locate(rain, 'dehaze')).rejects.toThrow(/received (rain\/, gt\/|gt\/, rain\/)/);
  });

  it('with ready noise are for denoising it alone: of the sigma before others, without a number before numbered', async () => {
    const noise = await dataSet('noise', ['noisy/1.png', 'noisy25/1.png', 'noisy15/1.png', 'original/1.png']);
    expect((await locate(noise, 'denoise')).layout).toBe('noisy / original');
    expect((await locate(noise, 'any', 25)).layout).toBe('noisy25 / original');
    const numbered = await dataSet('numbered', ['noisy25/1.png', 'original/1.png', 'original/2.png']);
    expect(await locate(numbered, 'denoise')).toMatchObject({ layout: 'noisy25 / original', unused: 1 });
    const beside = await dataSet('beside', ['hazy/1.png', 'noisy25/1.png', 'clear/1.png', 'original/1.png']);
    expect((await locate(beside, 'any', 25)).layout).toBe('noisy25 / original');
    expect((await locate(beside, 'any', 50)).layout).toBe('hazy / clear');
  });

  it('of rain side by side need both kinds, and leave what is neither', async () => {
    const one = await dataSet('one kind', ['rain-1.png', 'rain-2.png']);
    await expect(locate(one, 'any')).rejects.toThrow(/received rain-1\.png, rain-2\.png$/);
    const both = await dataSet('both kinds', ['rain-1.png', 'norain-1.png', 'norain-2.png', 'readme.png']);
    expect(await locate(both, 'any')).toMatchObject({ kind: 'pairs', pairs: { length: 1 }, unused: 1 });
  });

  it('of clean pictures alone are the pictures beside the folders, or those of the originals', async () => {
    const beside = await dataSet('beside folders', ['1.png', '2.png', 'original/3.png']);
    const located = await locate(beside, 'denoise', 25);
    expect(located.kind === 'clean' && located.pictures.map((path) => basename(path))).toEqual(['1.png', '2.png']);
    const original = await locate(await dataSet('originals', ['gt/3.png', 'other/4.png']), 'denoise', 25);
    expect(original.kind === 'clean' && original.pictures.map((path) => basename(path))).toEqual(['3.png']);
  });
});

it('cuts the border off a target that RESIDE cut off its hazy picture, and refuses other sizes', () => {
  const names = { input: 'a', target: 'b' };
  expect(fitTarget(createRaster(620, 460), createRaster(640, 480), names)).toMatchObject({ width: 620, height: 460 });
  expect(fitTarget(createRaster(40, 30), createRaster(42, 32), names)).toMatchObject({ width: 40, height: 30 });
  const same = createRaster(40, 30);
  expect(fitTarget(createRaster(40, 30), same, names)).toBe(same);
  // 32 pixels at each side and no more, as many at each, and as many across as down.
  expect(fitTarget(createRaster(40, 30), createRaster(104, 94), names)).toMatchObject({ width: 40, height: 30 });
  for (const [width, height] of [
    [106, 96],
    [43, 33],
    [42, 34],
    [42, 30],
    [40, 32],
  ] as const) {
    expect(() => fitTarget(createRaster(40, 30), createRaster(width, height), names)).toThrow(/one size/);
  }
  expect(() => fitTarget(createRaster(40, 40), createRaster(48, 40), names)).toThrow(/40x40 \(a\) and 48x40 \(b\)/);
  expect(() => fitTarget(createRaster(48, 48), createRaster(40, 40), names)).toThrow(/one size/);
});

it('draws a value of noise for each value of a picture, by seed and number', () => {
  const drawn = (seed: number, index: number) => noiseField(createRaster(5, 4), seed, index);
  expect(drawn(1, 0)).toHaveLength(3 * 5 * 4);
  expect(drawn(1, 0)).toEqual(drawn(1, 0));
  expect(drawn(1, 0)).not.toEqual(drawn(1, 1));
  expect(drawn(1, 0)).not.toEqual(drawn(2, 0));
});

describe('prompts', () => {
  const cases = ['1', '2', '3'].map(
    (id): EvaluationCase => ({
      id,
      input: `rain/rain-${id}.png`,
      target: `clean/norain-${id}.png`,
      load: () => Promise.reject(new Error('not loaded')),
    }),
  );
  const options = { prompt: 'a cup of milk', task: 'derain', seed: 4 } as const;
  const table = async (rows: string) => {
    const path = join(root, 'captions.tsv');
    await writeFile(path, rows);
    return path;
  };

  it('come from a table, by file name or by scene', async () => {
    const captions = await table(
      'file\tcaption\nclean/norain-1.png\ta dog\tmore\n2\ta cat\n003.png\ta fish\n3\tlater\n',
    );
    const own = ['a dog', 'a cat', 'a fish'];
    expect(await promptsFor(cases, { ...options, source: 'captions', captions })).toEqual(own);
    expect(await promptsFor(cases, { ...options, source: 'degraded-captions', captions })).toEqual(own);
    const shuffled = await promptsFor(cases, { ...options, source: 'shuffled', captions });
    expect([...shuffled].sort()).toEqual([...own].sort());
    shuffled.forEach((caption, i) => {
      expect(caption).not.toBe(own[i]);
    });
    expect(await promptsFor(cases, { ...options, source: 'shuffled', captions })).toEqual(shuffled);
  });

  it('are of the degraded pictures where their own captions are asked for', async () => {
    const rows = [1, 2, 3].flatMap((i) => [`rain-${i}.png\tgrey ${i}\n`, `norain-${i}.png\tgreen ${i}\n`]);
    const captions = await table(`\n${rows.join('\r\n')}`);
    const of = (source: 'captions' | 'degraded-captions') => promptsFor(cases, { ...options, source, captions });
    expect(await of('captions')).toEqual(['green 1', 'green 2', 'green 3']);
    expect(await of('degraded-captions')).toEqual(['grey 1', 'grey 2', 'grey 3']);
  });

  it('of a single picture cannot be those of another', async () => {
    const captions = await table('1\ta dog\n');
    expect(await promptsFor(cases.slice(0, 1), { ...options, source: 'shuffled', captions })).toEqual(['a dog']);
  });

  it('may be the same for all', async () => {
    const of = (source: 'empty' | 'constant' | 'task' | 'wrong-task') => promptsFor(cases, { ...options, source });
    expect(new Set(await of('empty'))).toEqual(new Set(['']));
    expect(new Set(await of('constant'))).toEqual(new Set(['a cup of milk']));
    expect(new Set(await of('task'))).toEqual(new Set(['remove the rain']));
    expect((await of('wrong-task'))[0]).toMatch(/keep the rain/);
  });

  it('are missed by name', async () => {
    const captions = await table('1\ta dog\n');
    await expect(promptsFor(cases, { ...options, source: 'captions', captions })).rejects.toThrow(/none for 2, 3$/);
    const more = [...cases, ...cases.map((entry, i) => ({ ...entry, id: `${i + 4}`, target: `clean/${i + 4}.png` }))];
    const missed = (count: number) => promptsFor(more.slice(0, count), { ...options, source: 'captions', captions });
    await expect(missed(4)).rejects.toThrow(/none for 2, 3, 4$/);
    await expect(missed(6)).rejects.toThrow(/none for 2, 3, 4 and 2 more$/);
    const broken = await table('1\ta dog\n\nno tab\n');
    await expect(promptsFor(cases, { ...options, source: 'captions', captions: broken })).rejects.toThrow(
      /expected file<TAB>caption in line 3 of /,
    );
    const gone = join(root, 'gone.tsv');
    await expect(promptsFor(cases, { ...options, source: 'captions', captions: gone })).rejects.toThrow(/not a file/);
    await expect(promptsFor(cases, { ...options, source: 'captions' })).rejects.toThrow(/--captions/);
  });
});
