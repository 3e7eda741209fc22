/**
 * A batch that is shared: cut into parts that follow each other, or computed by several ranks.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
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

/** The number of the second rank's process, as Linux lists it, as soon as there is one. */
async function follower(): Promise<number> {
  const parentOf = (pid: number) => Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  for (;;) {
    for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
      try {
        const follows = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('clearword_torch.follow');
        if (follows && parentOf(parentOf(pid)) === process.pid) return pid;
      } catch {
        // It has ended.
      }
    }
    await wait(20);
  }
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
      // Notes come another way than answers, and may be later.
      await expect.poll(() => notes).toEqual([saying(2), saying(4)]);

      notes.length = 0;
      const never = await open({ python: await shortOfMemory(0) }, { onNote });
      await expect(run(never, config, useOf(options, 0))).rejects.toMatchObject({
        message: 'PyTorch: OutOfMemoryError: out of memory',
        fix: expect.stringContaining('a smaller batch'),
      });
      await expect.poll(() => notes).toEqual([saying(2), saying(4), saying(5)]);
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

  it('has a picture for each rank', async () => {
    const few = configure({ preset: 'tiny', batch: 1, ranks: 2 });
    const opening = PyTorchEngine.open(few, graphOptions(few), initialVectors('adamw', startingValues(options)));
    const message = 'batch: expected a picture for each of 2 ranks, received 1';
    await expect(opening).rejects.toMatchObject({ code: 'INVALID_OPTION', message });
  });

  it(
    'whose second rank is killed ends with a clear error: before it joins, between two steps and in one',
    async () => {
      const early = open({ ranks: 2 });
      process.kill(await follower(), 'SIGKILL');
      await expect(early).rejects.toThrow('rank 1 of 2 ended by signal 9');

      const use = useOf(options, 0);
      const idle = await open({ ranks: 2 });
      await run(idle, config, use);
      process.kill(await follower(), 'SIGKILL');
      await expect(run(idle, config, use)).rejects.toThrow('rank 1 of 2 ended by signal 9');
      await idle.close();

      const busy = await open({ ranks: 2 });
      await run(busy, config, use);
      const pid = await follower();
      // As on a card whose rank 0 waits: nothing but the end of the other tells it.
      process.kill(pid, 'SIGSTOP');
      const failure = expect(run(busy, config, use)).rejects.toThrow('rank 1 of 2 ended by signal 9');
      process.kill(pid, 'SIGKILL');
      await failure;
    },
    TIMEOUT,
  );
});
