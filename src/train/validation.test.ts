/** The rows of a validation with errors that are known: an engine that answers with chosen mean squared errors. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { patternPicture, temporaryFolder } from '../../test/support/pictures.ts';
import { encodeImage } from '../image/image-encode.ts';
import { BuiltInEngine } from './built-in-engine.ts';
import { parseTrainConfig } from './config.ts';
import { initialValues } from './initialise.ts';
import { initialVectors } from './optimisers/index.ts';
import { graphOptions } from './start.ts';
import type { BatchUse } from './step.ts';
import type { StepEngine } from './step-engine.ts';
import { trainingLayout } from './training-graph.ts';
import { Validation } from './validation.ts';

const PATCH = 32;
const photos = await temporaryFolder();
beforeAll(async () => {
  await mkdir(photos, { recursive: true });
  for (const side of [48, 56, 64]) {
    await writeFile(join(photos, `${side}.png`), await encodeImage(patternPicture(side, side), { format: 'png' }));
  }
});

function configure(changes: object) {
  const tasks = { clean: 0, noise: 1, rain: 0, haze: 0, composite: 0, ...changes };
  const value = {
    preset: 'tiny',
    batch: 2,
    steps: 1,
    threads: 1,
    data: { roots: { photos: [photos] }, patch: PATCH, tasks, noise: { sigma: [10, 50] } },
    validation: { photos: [photos], samples: 5, every: 1 },
  };
  return parseTrainConfig(value, 'test');
}

/** Scores with an engine that answers with these errors, one a sample, in order. */
async function scored(errors: readonly number[], tasks: object = {}) {
  const uses: BatchUse[] = [];
  const engine = {
    score: async (asked: readonly BatchUse[]) => {
      uses.push(...asked);
      return asked.map((_, i) => Float32Array.from({ length: 2 }, (__, n) => errors[2 * i + n] ?? Number.NaN));
    },
  } as unknown as StepEngine;
  const config = configure(tasks);
  const validation = await Validation.open(config, graphOptions(config));
  const rows = await validation?.score(engine);
  return { rows, uses };
}

const decibels = (mse: number) => 10 * Math.log10(1 / mse);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** PSNR of each sample's input, by plain loops over what the engine was given. */
function inputsOf(uses: readonly BatchUse[]): number[] {
  return uses.flatMap(({ batch }) => {
    const [input, target] = [batch.input, batch.target].map((data) => Array.from(data, (value) => value / 255));
    const size = 3 * PATCH * PATCH;
    return [0, 1].map((n) => {
      let sum = 0;
      for (let i = 0; i < size; i++) {
        sum += ((input?.[n * size + i] ?? Number.NaN) - (target?.[n * size + i] ?? Number.NaN)) ** 2;
      }
      return decibels(sum / size);
    });
  });
}

describe('validation', () => {
  it('has the mean PSNR of inputs and outputs', async () => {
    // 10, 20, 20, 30, 40 and 50 dB.
    const { rows, uses } = await scored([0.1, 0.01, 0.01, 0.001, 0.0001, 0.00001]);
    expect(uses).toHaveLength(3);
    const input = mean(inputsOf(uses));
    // Of sigma 10 to 50: 28 to 14 dB, and a little more where values are clipped.
    expect(input).toBeGreaterThan(14);
    expect(input).toBeLessThan(29);
    const close = { samples: 6, input: expect.closeTo(input, 4), output: expect.closeTo(170 / 6, 4) };
    expect(rows).toEqual([
      { name: 'all', ...close },
      { name: 'noise', ...close },
    ]);
  });

  it('keeps combinations apart, and counts all of them together', async () => {
    const errors = [0.1, 0.01, 0.01, 0.001, 0.0001, 0.00001];
    const { rows, uses } = await scored(errors, { clean: 1 });
    const inputs = inputsOf(uses);
    const isClean = inputs.map((value) => !Number.isFinite(value));
    const of = (clean: boolean) => errors.filter((_, n) => isClean[n] === clean).map(decibels);
    expect(of(true).length).toBeGreaterThan(0);
    expect(of(false).length).toBeGreaterThan(0);
    const row = (name: string) => rows?.find((one) => one.name === name);
    expect(rows?.map(({ name }) => name)).toEqual(['all', 'clean', 'noise']);
    // An input without any error counts as 100 dB: infinity would be the mean of all.
    expect(row('clean')).toEqual({
      name: 'clean',
      samples: of(true).length,
      input: 100,
      output: expect.closeTo(mean(of(true)), 4),
    });
    expect(row('noise')?.output).toBeCloseTo(mean(of(false)), 4);
    expect(row('all')?.input).toBeCloseTo(mean(inputs.map((value) => Math.min(100, value))), 4);
    expect(row('all')?.output).toBeCloseTo(170 / 6, 4);
  });

  it('tells rain from nothing', async () => {
    const { rows, uses } = await scored([0.1, 0.01, 0.01, 0.001, 0.0001, 0.00001], { noise: 0, rain: 1 });
    expect(uses[0]?.batch.degradations.slice(0, 2)).toEqual(['noise', 'rain']);
    expect(rows?.map(({ name, output }) => [name, Math.round((output ?? 0) * 1000)])).toEqual([
      ['all', 28_333],
      ['clean', 10_000],
      ['rain', 32_000],
    ]);
  });

  it('asks about the same pictures each time', async () => {
    const [a, b] = [await scored([]), await scored([])];
    expect(a.uses[0]?.batch.input).toEqual(b.uses[0]?.batch.input);
    expect(a.uses[0]?.batch.input).not.toEqual(a.uses[1]?.batch.input);
    // What could not be computed is not hidden.
    expect(a.rows?.[0]?.output).toBeNaN();
  });

  it('is left out where it is not asked for', async () => {
    const config = { ...configure({}), validation: undefined };
    expect(await Validation.open(config, graphOptions(config))).toBeUndefined();
  });

  it('with the real engine has a row of finite numbers', async () => {
    const config = configure({});
    const options = graphOptions(config);
    const values = initialValues(trainingLayout(options), config.seed);
    const engine = await BuiltInEngine.open(config, options, initialVectors('adamw', values));
    try {
      const validation = await Validation.open(config, options);
      const rows = await validation?.score(engine);
      expect(rows?.map(({ name, samples }) => [name, samples])).toEqual([
        ['all', 6],
        ['noise', 6],
      ]);
      for (const { output } of rows ?? []) expect(output).toSatisfy(Number.isFinite);
    } finally {
      await engine.close();
    }
  });
});
