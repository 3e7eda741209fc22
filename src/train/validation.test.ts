/** The rows of a validation with errors that are known: an engine that answers with chosen mean squared errors. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { patternPicture, temporaryFolder } from '../../test/support/pictures.ts';
import { encodeImage } from '../image/image-encode.ts';
import { Engine } from '../runtime/engine.ts';
import type { HostTensors } from '../runtime/protocol.ts';
import { parseTrainConfig } from './config.ts';
import { initialValues } from './initialise.ts';
import { graphOptions } from './start.ts';
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
  const tasks = { clean: 0, noise: 1, rain: 0, hazeGenuine: 0, hazeSynthetic: 0, composite: 0, ...changes };
  const value = {
    preset: 'tiny',
    batch: 2,
    steps: 1,
    threads: 1,
    data: { roots: { photos: [photos] }, patch: PATCH, tasks, sigma: [10, 50] },
    validation: { photos: [photos], samples: 5, every: 1 },
  };
  return parseTrainConfig(value, 'test');
}

interface Asked {
  /** Feeds of every call, in order. */
  readonly feeds: HostTensors[];
}

/** Scores with a session that answers with these errors, one a sample, in order. */
async function scored(errors: readonly number[], tasks: object = {}) {
  const asked: Asked = { feeds: [] };
  const session = {
    async run(feeds: HostTensors) {
      asked.feeds.push(feeds);
      const from = 2 * (asked.feeds.length - 1);
      const data = Float32Array.from({ length: 2 }, (_, n) => errors[from + n] ?? Number.NaN);
      return { outputs: { errors: { dtype: 'float32', shape: [2], data } }, busy: 0 };
    },
  };
  const config = configure(tasks);
  const engine = { load: async () => session } as unknown as Engine;
  const validation = await Validation.open(engine, config, graphOptions(config));
  const rows = await validation?.score(new Float32Array(3));
  return { rows, ...asked };
}

const decibels = (mse: number) => 10 * Math.log10(1 / mse);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** PSNR of each sample's input, by plain loops over what the engine was fed. */
function inputsOf(feeds: readonly HostTensors[]): number[] {
  return feeds.flatMap(({ mu, x0 }) => {
    const [input, target] = [mu?.data, x0?.data].map((data) => Array.from(data ?? [], Number));
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
    const { rows, feeds } = await scored([0.1, 0.01, 0.01, 0.001, 0.0001, 0.00001]);
    expect(feeds).toHaveLength(3);
    const input = mean(inputsOf(feeds));
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
    const { rows, feeds } = await scored(errors, { clean: 1 });
    const inputs = inputsOf(feeds);
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
    expect(a.feeds[0]?.mu?.data).toEqual(b.feeds[0]?.mu?.data);
    expect(a.feeds[0]?.mu?.data).not.toEqual(a.feeds[1]?.mu?.data);
    // What could not be computed is not hidden.
    expect(a.rows?.[0]?.output).toBeNaN();
  });

  it('is left out where it is not asked for', async () => {
    const config = { ...configure({}), validation: undefined };
    const engine = {} as unknown as Engine;
    expect(await Validation.open(engine, config, graphOptions(config))).toBeUndefined();
  });

  it('with the real engine has a row of finite numbers', async () => {
    const config = configure({});
    const options = graphOptions(config);
    const engine = new Engine({ device: 'cpu', threads: 1 });
    try {
      const validation = await Validation.open(engine, config, options);
      const rows = await validation?.score(initialValues(trainingGraph(options).layout, config.seed));
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
