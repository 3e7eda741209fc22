import { mkdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectSame, newest, shortTraining } from '../../test/support/short-training.ts';
import { newestCheckpoint, readCheckpoint } from './checkpoint.ts';
import { exportCheckpoint } from './export.ts';
import { train } from './trainer.ts';

const { configure, runFolder } = await shortTraining();

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
