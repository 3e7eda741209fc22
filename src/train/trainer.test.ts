import { mkdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { patternPicture, temporaryFolder } from '../../test/support/pictures.ts';
import { unflatten } from '../graph/parameters.ts';
import { loadModel } from '../models/load.ts';
import { writeModel } from '../models/model-file.ts';
import { type Checkpoint, newestCheckpoint, readCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { parseTrainConfig, type TrainConfig } from './config.ts';
import { exportCheckpoint } from './export.ts';
import { initialValues } from './initialise.ts';
import { graphOptions } from './start.ts';
import { type TrainEvents, train } from './trainer.ts';
import { trainingLayout } from './training-graph.ts';

const root = await temporaryFolder();
const photos = join(root, 'photos');
let count = 0;
const runFolder = () => join(root, `run-${count++}`);

beforeAll(async () => {
  await mkdir(photos);
  for (const width of [48, 56, 64, 72]) {
    const { data, height } = patternPicture(width, 48);
    const raw = { width, height, channels: 3 } as const;
    await sharp(data, { raw })
      .png()
      .toFile(join(photos, `${width}.png`));
  }
});

function configure(changes: object = {}, data: object = {}): TrainConfig {
  const tasks = { haze: 0 };
  const all = { roots: { photos: [photos] }, patch: 32, cacheMegabytes: 4, tasks, ...data };
  const value = { preset: 'tiny', batch: 2, steps: 30, threads: 1, data: all, ...changes };
  return parseTrainConfig(value, 'test');
}

interface LogLine {
  readonly kind: string;
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly rows: readonly { name: string; samples: number; input: number; output: number }[];
}

const logOf = async (folder: string): Promise<LogLine[]> =>
  (await readFile(join(folder, 'log.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

async function newest(folder: string) {
  const path = await newestCheckpoint(folder);
  if (path === undefined) throw new Error(`no checkpoint in ${folder}`);
  return readCheckpoint(path);
}

/** Bit by bit. Not toEqual, which takes seconds for vectors of this length. */
const sameBits = (a: Float32Array, b: Float32Array) =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

function expectSame(actual: Checkpoint['vectors'], expected: Checkpoint['vectors']): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) {
    expect(sameBits(actual[name] ?? new Float32Array(), values), `the same ${name}`).toBe(true);
  }
}

/** Events that stop the run when it has saved this step. */
function stopAt(step: number): TrainEvents {
  const controller = new AbortController();
  const name = `step-${String(step).padStart(8, '0')}`;
  return { signal: controller.signal, onCheckpoint: (path) => path.includes(name) && controller.abort() };
}

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

describe('the optimiser', () => {
  const muon = { kind: 'muon', learningRate: 0.01, otherLearningRate: 0.002, clipNorm: 1 };

  it('muon lowers the loss, and goes on after a stop as if there had been none, bit by bit', async () => {
    const [whole, parts] = [runFolder(), runFolder()];
    const config = configure({ steps: 40, optimiser: muon, checkpoint: { every: 20, keep: 2 } });
    await train(config, whole, false);
    const losses = (await logOf(whole)).map(({ loss }) => loss);
    expect(losses[1]).toBeLessThan(losses[0] as number);
    expect(await train(config, parts, false, stopAt(20))).toMatchObject({ step: 20, finished: false });
    await train(config, parts, true);
    expectSame((await newest(parts)).vectors, (await newest(whole)).vectors);
  });

  it("may be changed for one that keeps the same vectors, and goes on from the other's", async () => {
    const folder = runFolder();
    await train(configure({ steps: 2 }), folder, false);
    const before = await newest(folder);
    expect(await train(configure({ steps: 2, optimiser: muon }), folder, true)).toMatchObject({ step: 2 });
    expectSame((await newest(folder)).vectors, before.vectors);
    expect(await train(configure({ steps: 3, optimiser: muon }), folder, true)).toMatchObject({ step: 3 });
  });

  it('refuses the checkpoint of one that kept other vectors', async () => {
    const folder = runFolder();
    await train(configure({ steps: 1 }), folder, false);
    const { vectors, ...rest } = await newest(folder);
    const { parameters, average, momentum = average } = vectors;
    await saveCheckpoint(folder, { ...rest, vectors: { parameters, momentum, average } }, 1);
    await expect(train(configure({ optimiser: muon }), folder, true)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringMatching(/expected the state of optimiser muon \(momentum, variance\), received momentum$/),
      fix: expect.stringContaining('initialise'),
    });
  });

  it('adamw has no other learning rate', () => {
    expect(() => graphOptions(configure({ optimiser: { otherLearningRate: 1e-3 } }))).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/optimiser.otherLearningRate: expected none for adamw/),
      }),
    );
  });
});

describe('a part of a model alone', () => {
  const only = ['controller.detector.'];
  const trained = { only, loss: 'none', optimiser: { learningRate: 1e-2 } };

  it('is trained, and nothing else changes by a bit', async () => {
    const config = configure({ ...trained, steps: 3 });
    const folder = runFolder();
    await train(config, folder, false);
    const { vectors } = await newest(folder);
    const { entries, size } = trainingLayout(graphOptions(config));
    const before = initialValues({ entries, size }, config.seed);
    const changed = entries.filter(
      ({ offset, size: length }) =>
        !sameBits(vectors.parameters.subarray(offset, offset + length), before.subarray(offset, offset + length)),
    );
    expect(changed.length).toBeGreaterThan(5);
    expect(changed.filter(({ name }) => !name.startsWith('controller.detector.'))).toEqual([]);
  });

  it('may be new to the model that it begins from', async () => {
    const options = graphOptions(configure());
    const { encoders } = options.preset;
    if (!encoders) throw new Error('expected a preset with a controller');
    const { detector: _, ...controller } = encoders.controller;
    const preset = { ...options.preset, encoders: { ...encoders, controller } };
    const layout = trainingLayout({ ...options, preset });
    const values = initialValues(layout, 99);
    const model = join(root, 'before.safetensors');
    await writeModel(
      model,
      layout,
      values,
      { name: 'before', preset, licence: 'none', training: {}, quality: {} },
      'float32',
    );

    const folder = runFolder();
    await train(configure({ ...trained, steps: 1, initialise: model }), folder, false);
    const { parameters } = (await newest(folder)).vectors;
    const after = unflatten(trainingLayout(options), parameters);
    for (const [name, before] of unflatten(layout, values)) {
      expect(sameBits(after.get(name) ?? new Float32Array(), before), name).toBe(true);
    }
    expect(after.size).toBeGreaterThan(layout.entries.length);

    const all = train(configure({ steps: 1, initialise: model }), runFolder(), false);
    await expect(all).rejects.toMatchObject({ code: 'MODEL_INVALID', message: expect.stringContaining('detector') });
  });

  it('is named so that a slip of the pen is seen', () => {
    expect(() => graphOptions(configure({ only: ['controler.'] }))).toThrow(/only: expected .* received controler\./);
    expect(() => configure({ loss: 'none' })).toThrow('only: expected the names');
    expect(() => configure({ ...trained, optimiser: { weightDecay: 0.1 } })).toThrow(
      'weightDecay: expected 0 beside only',
    );
  });
});

describe('a disk that is full', () => {
  // What a folder in the place of the file does to a write is what a full disk does: it fails.
  const blocked = (folder: string, step: number) => join(folder, `step-${String(step).padStart(8, '0')}.safetensors`);

  it('for a while costs nothing: the run goes on, says so, and saves what it could not', async () => {
    const folder = runFolder();
    const [failed, saved] = [[] as string[], [] as string[]];
    const config = configure({ steps: 24, checkpoint: { every: 5, keep: 9 } });
    const result = await train(config, folder, false, {
      onUnwritable: ({ message }) => failed.push(message),
      onCheckpoint: (path) => {
        saved.push(basename(path, '.safetensors').replace(/step-0*/, ''));
        if (saved.length === 1) mkdirSync(blocked(folder, 10));
      },
    });
    expect(result).toMatchObject({ step: 24, finished: true });
    expect(failed).toEqual([expect.stringContaining(blocked(folder, 10))]);
    expect(saved).toEqual(['5', '15', '20', '24']);
  });

  it('at the end is an error that names the file, and the checkpoint before it stays', async () => {
    const folder = runFolder();
    const config = configure({ steps: 24, checkpoint: { every: 20, keep: 2 } });
    const onCheckpoint = () => mkdirSync(blocked(folder, 24));
    await expect(train(config, folder, false, { onCheckpoint })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining(blocked(folder, 24)),
    });
    expect((await readCheckpoint(blocked(folder, 20))).step).toBe(20);
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

describe('beside a run that has ended', () => {
  const folder = runFolder();
  const config = configure({ steps: 22, average: { decay: 0.9, every: 5 } });
  let ended: Awaited<ReturnType<typeof newest>>;
  let checkpoint: string;

  beforeAll(async () => {
    ({ checkpoint } = await train(config, folder, false));
    ended = await newest(folder);
  });
  // Nothing below may touch what it has saved.
  afterEach(async () => expectSame((await newest(folder)).vectors, ended.vectors));

  it('resuming it has nothing to do', async () => {
    expect(await train(config, folder, true)).toMatchObject({ step: 22, finished: true });
  });

  it('another one in its folder is refused', async () => {
    await expect(train(config, folder, false)).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      fix: expect.stringContaining('--resume'),
    });
  });

  it('resuming it with another network is refused', async () => {
    await expect(train(configure({ preset: 'lite' }), folder, true)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringMatching(/expected the parameters of preset lite, received those of another network/),
    });
  });

  it('resuming from a damaged copy is refused', async () => {
    const other = runFolder();
    await mkdir(other);
    await writeFile(join(other, basename(checkpoint)), (await readFile(checkpoint)).subarray(0, -4));
    await expect(train(config, other, true)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  });

  it('another one starts from its averaged parameters', async () => {
    const other = runFolder();
    await train(configure({ initialise: checkpoint }), other, false, { signal: AbortSignal.abort() });
    const { vectors } = await newest(other);
    const zeros = new Float32Array(vectors.parameters.length);
    const { average } = ended.vectors;
    expectSame(vectors, { parameters: average, average, momentum: zeros, variance: zeros });
  });

  it('another one starts from a model exported from it', async () => {
    const model = join(runFolder(), 'model.safetensors');
    await mkdir(dirname(model));
    await exportCheckpoint(checkpoint, model, { precision: 'float32' });
    const other = runFolder();
    await train(configure({ initialise: model }), other, false, { signal: AbortSignal.abort() });
    const { parameters, average } = (await newest(other)).vectors;
    expect(parameters).toEqual(ended.vectors.average);
    expect(average).toEqual(parameters);
    const next = join(dirname(model), 'next.safetensors');
    const { training } = await exportCheckpoint((await newestCheckpoint(other)) ?? '', next, { precision: 'float32' });
    expect(training, 'how both parts were trained').toMatchObject({ steps: 0, before: { steps: 22 } });
    await expect(train(configure({ preset: 'lite', initialise: model }), runFolder(), false)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    });
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
