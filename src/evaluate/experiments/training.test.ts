/** Configurations of an experiment's own trainings, and the curves that their logs make. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import { dataConfigSchema } from '../../data/config.ts';
import { runSchema } from './config.ts';
import { merged, runFolder, trainingCurves, trainingOf, withRoots } from './training.ts';

const runOf = (name: string, train?: object) => runSchema.parse({ name, ...(train && { train }) });

describe('what is changed in a configuration', () => {
  it.each([
    [{ a: { b: 1 } }, { a: null }, { a: null }],
    [{ a: null }, { a: { b: 1 } }, { a: { b: 1 } }],
    [{ a: [1] }, { a: { b: 1 } }, { a: { b: 1 } }],
    [{ a: { b: 1 } }, { a: [1] }, { a: [1] }],
    [{ a: { b: 1 } }, { a: 'text' }, { a: 'text' }],
    [{ a: { b: 1 } }, { a: {}, c: 2 }, { a: { b: 1 }, c: 2 }],
    [{ steps: 5 }, { minutes: 2 }, { minutes: 2 }],
    [{ minutes: 5 }, { steps: 2 }, { steps: 2 }],
    [{ steps: 5 }, {}, { steps: 5 }],
    [undefined, { a: 1 }, { a: 1 }],
  ])('%j with %j is %j', (base, changes, expected) => {
    expect(merged(base, changes)).toEqual(expected);
  });

  it('is changed by the experiment, and then by the run', async () => {
    const folder = await temporaryFolder();
    const base = { preset: 'tiny', steps: 1, batch: 1, data: { roots: { photos: ['p'] }, patch: 16 } };
    await writeFile(join(folder, 'base.json'), JSON.stringify(base));
    const training = { config: 'base.json', overrides: { batch: 2, steps: 3 } };
    const { preset, steps, batch } = await trainingOf(runOf('own', { steps: 4 }), training, folder);
    expect([preset, batch, steps]).toEqual(['tiny', 2, 4]);
    await expect(trainingOf(runOf('own', { steps: 0 }), training, folder)).rejects.toThrow(/training of own/);
  });
});

describe('data of another folder', () => {
  const moved = (roots: object) => {
    const tasks = { clean: 1, noise: 0, rain: 0, haze: 0, composite: 0 };
    return withRoots(dataConfigSchema.parse({ roots: { photos: ['data/p'], ...roots }, tasks }), 'data', '/there')
      .roots;
  };

  it('is what lies below the first, whatever it is; the rest stays where it is', () => {
    const elsewhere = resolve('..', 'elsewhere');
    expect(moved({ photos: ['data/p', 'data', 'database/p', elsewhere], captions: ['data/c.tsv'] })).toMatchObject({
      photos: ['/there/p', '/there', 'database/p', elsewhere],
      captions: ['/there/c.tsv'],
    });
    expect(moved({ rainLayers: 'data/r', hazePairs: 'data/h', pairs: { haze: 'data/j' } })).toMatchObject({
      ...{ rainLayers: ['/there/r'], hazePairs: '/there/h', pairs: { haze: '/there/j' } },
    });
    expect(moved({ rainLayers: ['data/r', 'other'] }).rainLayers).toEqual(['/there/r', 'other']);
  });

  it('is none where there was none', () => {
    const roots = moved({});
    expect(roots).not.toHaveProperty('rainLayers');
    expect(roots).not.toHaveProperty('hazePairs');
  });
});

it('draws the validation of each combination over the steps, a curve for each run that trains', async () => {
  const folder = await temporaryFolder();
  const validation = (step: number, values: Readonly<Record<string, number>>) => ({
    ...{ kind: 'validation', step, minutes: 1 },
    rows: Object.entries(values).map(([name, output]) => ({ name, samples: 1, input: 20, output })),
  });
  const step = {
    ...{ kind: 'step', step: 5, loss: 1, restoration: 1, contrastive: 0, strength: 0, intent: 0, gradientNorm: 1 },
    ...{ learningRate: 1, stepsPerSecond: 1, busyShare: 1, minutes: 1 },
  };
  const logs = {
    'Run A': [validation(10, { noise: 25, all: 24 }), step, validation(20, { noise: 27, all: 26 })],
    b: [validation(10, { noise: 21 })],
  };
  for (const [name, entries] of Object.entries(logs)) {
    await mkdir(runFolder(folder, name), { recursive: true });
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    await writeFile(join(runFolder(folder, name), 'log.jsonl'), text);
  }
  const charts = await trainingCurves([runOf('Run A', {}), runOf('loaded'), runOf('b', {})], folder);
  expect(charts.map(({ name }) => name)).toEqual(['training-all', 'training-noise']);
  const points = charts.map(({ svg }) => [...svg.matchAll(/<title>([^<]+)<\/title>/g)].map(([, text]) => text));
  expect(points).toEqual([
    ['Run A, 10: 24.000', 'Run A, 20: 26.000'],
    ['Run A, 10: 25.000', 'Run A, 20: 27.000', 'b, 10: 21.000'],
  ]);
  expect(charts[1]?.svg).toContain('>Training: noise<');
  expect(charts[1]?.svg).toContain('>validation PSNR (dB)<');
});
