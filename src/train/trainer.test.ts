import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectSame, logOf, newest, sameBits, shortTraining, stopAt } from '../../test/support/short-training.ts';
import { loadModel } from '../models/load.ts';
import { exportCheckpoint } from './export.ts';
import { graphOptions } from './start.ts';
import { train } from './trainer.ts';

const { configure, photos, root, runFolder } = await shortTraining();

describe('a run', () => {
  it('lowers the loss, reports and logs it, and ends with a checkpoint', async () => {
    const folder = runFolder();
    const config = configure({ steps: 60, optimiser: { learningRate: 3e-3, warmup: 5 } });
    const reported: number[] = [];
    const result = await train(config, folder, false, { onProgress: ({ step }) => reported.push(step) });
    expect(result).toMatchObject({ step: 60, finished: true });
    expect(result.busyShare).toBeGreaterThan(0);
    expect(result.busyShare).toBeLessThanOrEqual(1);
    expect(reported).toEqual([20, 40, 60]);
    const log = await logOf(folder);
    expect(log.map(({ kind, step }) => [kind, step])).toEqual([20, 40, 60].map((step) => ['step', step]));
    const losses = log.map(({ loss }) => loss);
    expect(losses[2]).toBeLessThan(0.9 * (losses[0] as number));
    const { step, vectors } = await newest(folder);
    expect(step).toBe(60);
    for (const vector of Object.values(vectors)) expect(vector.every(Number.isFinite)).toBe(true);
    // The average lags behind the parameters, but has moved as well.
    expect(sameBits(vectors.average, vectors.parameters)).toBe(false);
  });

  it('by the clock ends when its time is over', async () => {
    const result = await train(configure({ steps: undefined, minutes: 0.005 }), runFolder(), false);
    expect(result.finished).toBe(true);
    expect(result.step).toBeGreaterThan(0);
  });

  it('validates on held-back photos, in one step, and logs a row per combination', async () => {
    const folder = runFolder();
    const seen: number[] = [];
    const config = configure({ steps: 4, validation: { photos: [photos], samples: 6, every: 2 } });
    await train(config, folder, false, { onValidation: (step) => seen.push(step) });
    expect(seen).toEqual([2, 4]);
    const lines = (await logOf(folder)).filter(({ kind }) => kind === 'validation');
    expect(lines.map(({ step }) => step)).toEqual([2, 4]);
    const rows = lines[0]?.rows ?? [];
    expect(rows.find(({ name }) => name === 'all')?.samples).toBe(6);
    expect(rows.filter(({ name }) => name !== 'all').reduce((sum, { samples }) => sum + samples, 0)).toBe(6);
    // The same samples each time: what came in is scored alike.
    expect(lines[1]?.rows.map(({ name, input }) => [name, input])).toEqual(
      rows.map(({ name, input }) => [name, input]),
    );
    expect(rows.every(({ input, output }) => Number.isFinite(input) && Number.isFinite(output))).toBe(true);
  });
});

describe('a run that was stopped', () => {
  const config = configure({
    optimiser: { learningRate: 2e-3, warmup: 4, weightDecay: 0.01, clipNorm: 1 },
    average: { decay: 0.9, every: 4 },
    checkpoint: { every: 13, keep: 4 },
    steps: 24,
  });

  it('goes on as if it had not been: the same losses and the same parameters, bit by bit', async () => {
    const [whole, parts] = [runFolder(), runFolder()];
    await train(config, whole, false);
    // Between two averages and two reports. Once only: what takes long is each start.
    expect(await train(config, parts, false, stopAt(13))).toMatchObject({ step: 13, finished: false });
    // Other threads at the data change nothing either.
    const busier = { ...config, data: { ...config.data, workers: 2, prefetch: 7 } };
    expect(await train(busier, parts, true)).toMatchObject({ step: 24, finished: true });

    const [expected, actual] = [await newest(whole), await newest(parts)];
    expectSame(actual.vectors, expected.vectors);
    // The last line averages steps 21 to 24 in both.
    const [a, b] = [(await logOf(whole)).at(-1), (await logOf(parts)).at(-1)];
    for (const key of ['step', 'loss', 'gradientNorm', 'learningRate'] as const) expect(b?.[key], key).toBe(a?.[key]);
    // Every step is in one line of the log, also those between the last report and a stop.
    const sums = async (folder: string) => {
      let before = 0;
      let sum = 0;
      for (const { step, loss } of await logOf(folder)) {
        sum += (step - before) * loss;
        before = step;
      }
      return sum / before;
    };
    expect(await sums(parts)).toBeCloseTo(await sums(whole), 9);
    // Time adds up over the parts.
    expect(actual.milliseconds).toBeGreaterThan(0);
  });

  it('before its first step has saved where it would have begun', async () => {
    const folder = runFolder();
    const result = await train(config, folder, false, { signal: AbortSignal.abort() });
    expect(result).toMatchObject({ step: 0, finished: false });
    expect((await newest(folder)).step).toBe(0);
    expect(await train({ ...config, steps: 3 }, folder, true)).toMatchObject({ step: 3, finished: true });
  });
});

describe('a value that is not finite', () => {
  it('stops the run, says where, and leaves the last finite state in a checkpoint', async () => {
    const folder = runFolder();
    const config = configure({ steps: 20, optimiser: { learningRate: 1e30 } });
    const error = await train(config, folder, false).catch((e: unknown) => e);
    const { step, vectors } = await newest(folder);
    expect(error).toMatchObject({
      code: 'NON_FINITE',
      message: expect.stringMatching(
        new RegExp(
          `^step ${step + 1}: .*expected a finite loss and gradient, received .*step-${String(step).padStart(8, '0')}`,
        ),
      ),
      fix: expect.stringContaining('lower the learning rate'),
    });
    expect(step).toBeGreaterThan(0);
    for (const vector of Object.values(vectors)) expect(vector.every(Number.isFinite)).toBe(true);
  });
});

it('trains a changed preset, whose model says what was changed', async () => {
  const folder = runFolder();
  const { checkpoint } = await train(configure({ steps: 1, network: { expansion: 3 } }), folder, false);
  const model = join(folder, 'model.safetensors');
  const { preset } = await exportCheckpoint(checkpoint, model, { precision: 'float32' });
  expect(preset).toMatchObject({ name: 'tiny-changed', network: { expansion: 3 } });
  const loaded = await loadModel({ path: model });
  expect(loaded.hash).toHaveLength(64);
  await loaded.dispose();
});

describe('what is refused', () => {
  it('resuming what is not there', async () => {
    await expect(train(configure(), runFolder(), true)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  });

  it('changes to a preset that do not fit together', () => {
    const refused = (network: object) => () => graphOptions(configure({ network }));
    expect(refused({ blocks: [1] })).toThrow(
      /network.blocks: expected 2 values, one for each of multipliers, received 1/,
    );
    expect(refused({ kernels: [3, 4] })).toThrow(/network.kernels.1: expected an odd side, received 4/);
    expect(refused({ multipliers: [1, 3] })).toThrow(/network.multipliers.1: expected a multiple of 32 channels/);
    expect(() => configure({ network: { depth: 3 } })).toThrow(/network: Unrecognized key: "depth"/);
  });

  it('patches in which a detector sees nothing', () => {
    expect(() => graphOptions(configure({}, { patch: 20 }))).toThrow(
      'data.patch: expected a multiple of 8, at least 8, for the detector of preset tiny, received 20',
    );
    expect(() => graphOptions(configure({ preset: 'lite' }, { patch: 16 }))).toThrow(/at least 24, .* received 16/);
  });

  it('a loss that the preset cannot have, and a preset whose encoders are missing', async () => {
    expect(() => graphOptions(configure({ preset: 'paper' }))).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(/loss: expected matching/) }),
    );
    await expect(train(configure({ preset: 'paper', loss: 'matching' }), runFolder(), false)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/encoders.weights: expected weights for preset paper, received none/),
    });
  });

  it('data that turn out to be broken, without hanging', async () => {
    const broken = join(root, 'broken');
    await mkdir(broken);
    await writeFile(join(broken, 'torn.png'), 'not a picture');
    const config = configure({}, { roots: { photos: [broken] } });
    await expect(train(config, runFolder(), false)).rejects.toMatchObject({
      message: expect.stringContaining('torn.png'),
    });
  });
});
