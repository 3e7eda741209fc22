/**
 * A batch that is shared: cut into parts that follow each other, or computed by several ranks.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { expectClose, largest } from '../../../test/parity/fixture.ts';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import { PYTHON, required } from '../../../test/support/required.ts';
import { configure, graphOptions, run, startingValues, useOf } from '../../../test/support/training-steps.ts';
import { initialVectors } from '../optimisers/index.ts';
import type { StepEngine } from '../step-engine.ts';
import { PyTorchEngine, type PyTorchOptions } from './engine.ts';

/** Between a batch that is shared and one that is not: the order in which numbers are added. */
const SHARED = 1e-5;
/** Starting PyTorch takes its time where the cores are busy, ms. */
const TIMEOUT = 400_000;

const { missing, note } = required('pytorch');
const opened: StepEngine[] = [];
afterEach(() => Promise.all(opened.splice(0).map((engine) => engine.close())));

/** Five pictures: halves of them are not of one size. */
const common = { preset: 'tiny', loss: 'psnr', batch: 5, optimiser: { weightDecay: 0.1 } } as const;
const config = configure(common);
const options = graphOptions(config);

async function open(changes: object, events: PyTorchOptions = {}): Promise<PyTorchEngine> {
  const vectors = initialVectors('adamw', startingValues(options));
  const engine = await PyTorchEngine.open({ ...config, ...changes }, options, vectors, events);
  opened.push(engine);
  return engine;
}

/** Takes some steps of both, one after the other. */
async function expectSame(one: StepEngine, shared: StepEngine): Promise<void> {
  for (let step = 0; step < 4; step++) {
    const use = useOf(options, step);
    const [a, b] = [await run(one, config, use), await run(shared, config, use)];
    expectClose('loss', [b.loss], [a.loss], SHARED * Math.abs(a.loss));
    expectClose('gradientNorm', [b.gradientNorm], [a.gradientNorm], SHARED * a.gradientNorm);
    expect(b.errors).toHaveLength(5);
    expectClose('errors', b.errors, a.errors, SHARED * largest(a.errors));
  }
  const [mine, other] = [await one.vectors(), await shared.vectors()];
  // The momentum is the gradients' own mean, value by value.
  for (const name of ['parameters', 'momentum'] as const) {
    expectClose(name, other[name] ?? [], mine[name] ?? [], SHARED * largest(mine[name] ?? []));
  }
}

/** An interpreter whose device has room for so many pictures at once. */
async function shortOfMemory(pictures: number): Promise<string> {
  const folder = await temporaryFolder();
  const [python, main] = [join(folder, 'python'), join(folder, 'main.py')];
  const code = `import torch
from clearword_torch import __main__, system
whole = system.System.losses
def losses(self, given, settings):
    if len(given["t"]) > ${pictures}:
        raise torch.cuda.OutOfMemoryError("out of memory")
    return whole(self, given, settings)
system.System.losses = losses
__main__.main()`;
  await writeFile(main, code);
  const [asks, runs] = [`[ "$1" = -c ] && exec ${PYTHON} "$@"`, `exec ${PYTHON} -u ${main}`];
  await writeFile(python, `#!/bin/sh\n${asks}\n${runs}\n`, { mode: 0o755 });
  return python;
}

describe.skipIf(missing)(`a shared batch${note}`, () => {
  it(
    'in two parts gives the gradient of the whole, and so do more parts than pictures',
    async () => {
      const one = await open({});
      await expectSame(one, await open({ parts: 2 }));
      await expectSame(await open({}), await open({ parts: 64 }));
    },
    TIMEOUT,
  );

  it(
    'is cut where memory is short, into no more parts than pictures',
    async () => {
      const notes: string[] = [];
      const onNote = (each: string) => notes.push(each);
      const cut = await open({ python: await shortOfMemory(2) }, { onNote });
      await expectSame(await open({}), cut);
      const held = await cut.score([useOf(options, 99)]);
      expect(held[0]).toHaveLength(5);
      const saying = (parts: number) => `the device's memory is too small: batches are cut into ${parts} parts`;
      expect(notes).toEqual([saying(2), saying(4)]);

      notes.length = 0;
      const never = await open({ python: await shortOfMemory(0) }, { onNote });
      await expect(run(never, config, useOf(options, 0))).rejects.toMatchObject({
        message: 'PyTorch: OutOfMemoryError: out of memory',
        fix: expect.stringContaining('a smaller batch'),
      });
      expect(notes).toEqual([saying(2), saying(4), saying(5)]);
    },
    TIMEOUT,
  );

  it(
    'of two ranks gives the gradient of one',
    async () => {
      // One rank has two of the pictures, the other three.
      const two = await open({ ranks: 2 });
      expect(two.description).toContain('2 x cpu');
      await expectSame(await open({}), two);
    },
    TIMEOUT,
  );

  it('of more ranks than pictures says so', async () => {
    const config = configure({ preset: 'tiny', batch: 1, ranks: 2 });
    const options = graphOptions(config);
    const engine = await PyTorchEngine.open(config, options, initialVectors('adamw', startingValues(options)));
    opened.push(engine);
    await expect(run(engine, config, useOf(options, 0))).rejects.toThrow('a picture for each of 2 ranks, received 1');
  });
});
