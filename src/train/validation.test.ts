/** The rows of a validation with errors that are known: of an engine that answers with chosen mean squared errors. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { patternPicture, temporaryFolder } from '../../test/support/pictures.ts';
import type { Batch } from '../data/batch.ts';
import { encodeImage } from '../image/image-encode.ts';
import { BuiltInEngine } from './built-in-engine.ts';
import { parseTrainConfig } from './config.ts';
import { initialValues } from './initialise.ts';
import { initialVectors } from './optimisers/index.ts';
import { graphOptions } from './start.ts';
import type { BatchUse } from './step.ts';
import type { StepEngine } from './step-engine.ts';
import { trainingGraph } from './training-graph.ts';
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
  const tasks = { clean: 0, noise: 1, rain: 0, haze: 0, compression: 0, darkness: 0, composite: 0, ...changes };
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

/** Scores with an engine that answers with these errors, one a sample, in order; and the batches that it was asked about. */
async function scored(errors: readonly number[], tasks: object = {}) {
  const asked: BatchUse[] = [];
  const score = async (uses: readonly BatchUse[]) => {
    asked.push(...uses);
    return uses.map((_, i) => Float32Array.from({ length: 2 }, (__, n) => errors[2 * i + n] ?? Number.NaN));
  };
  const config = configure(tasks);
  const validation = await Validation.open(config, graphOptions(config));
  const rows = await validation?.score({ score } as unknown as StepEngine);
  return { rows, batches: asked.map(({ batch }) => batch) };
}

const decibels = (mse: number) => 10 * Math.log10(1 / mse);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** PSNR of each sample's input, by plain loops over the bytes that the engine is fed. */
function inputsOf(batches: readonly Batch[]): number[] {
  return batches.flatMap(({ input, target }) => {
    const size = 3 * PATCH * PATCH;
    expect([input.length, target.length]).toEqual([2 * size, 2 * size]);
    return [0, 1].map((n) => {
      let sum = 0;
      for (let i = n * size; i < (n + 1) * size; i++) {
        sum += (((input[i] ?? Number.NaN) - (target[i] ?? Number.NaN)) / 255) ** 2;
      }
      return decibels(sum / size);
    });
  });
}

describe('validation', () => {
  it('has the mean PSNR of inputs and outputs', async () => {
    // 10, 20, 20, 30, 40 and 50 dB.
    const { rows, batches } = await scored([0.1, 0.01, 0.01, 0.001, 0.0001, 0.00001]);
    expect(batches).toHaveLength(3);
    const input = mean(inputsOf(batches));
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
    const { rows, batches } = await scored(errors, { clean: 1 });
    const inputs = inputsOf(batches);
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

  it('asks about the same pictures each time', async () => {
    const [a, b] = [await scored([]), await scored([])];
    expect(a.batches).toHaveLength(3);
    expect(a.batches).toEqual(b.batches);
    expect(a.batches[0]?.input).not.toEqual(a.batches[1]?.input);
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
    const values = initialValues(trainingGraph(options).layout, config.seed);
    const engine = await BuiltInEngine.open(config, options, initialVectors(config.optimiser.kind, values));
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
