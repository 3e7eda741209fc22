import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectSame, logOf, newest, sameBits, shortTraining, stopAt } from '../../test/support/short-training.ts';
import { unflatten } from '../graph/parameters.ts';
import { writeModel } from '../models/model-file.ts';
import { saveCheckpoint } from './checkpoint.ts';
import { initialValues } from './initialise.ts';
import { graphOptions } from './start.ts';
import { train } from './trainer.ts';
import { trainingLayout } from './training-graph.ts';

const { configure, root, runFolder } = await shortTraining();

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
