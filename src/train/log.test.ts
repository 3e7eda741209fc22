import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { temporaryFolders } from '../../test/support/pictures.ts';
import { RunLog, readLog, type StepEntry } from './log.ts';

/** When set, appending writes this many bytes and then the disk is full. */
const disk = vi.hoisted(() => ({ room: Number.POSITIVE_INFINITY }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const appendFile: typeof real.appendFile = async (path, data) => {
    if (disk.room === Number.POSITIVE_INFINITY) return real.appendFile(path, data);
    await real.appendFile(path, String(data).slice(0, disk.room));
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  };
  return { ...real, appendFile };
});

const folder = await temporaryFolders();

const entry = (step: number, loss = 1 / step): StepEntry => ({
  kind: 'step',
  step,
  loss,
  restoration: loss,
  contrastive: 0,
  strength: 0,
  intent: 0,
  gradientNorm: 1,
  learningRate: 1e-3,
  stepsPerSecond: 2,
  busyShare: 0.9,
  minutes: step / 60,
});

it('gives back what was appended, in the order of the steps', async () => {
  const path = await folder();
  const log = await RunLog.open(path);
  for (const step of [20, 40, 60]) await log.append(entry(step));
  expect(await readLog(path)).toEqual([20, 40, 60].map((step) => entry(step)));
});

it('of steps that were done twice, the later ones count', async () => {
  const path = await folder();
  const first = await RunLog.open(path);
  for (const step of [20, 40]) await first.append(entry(step, 9));
  const second = await RunLog.open(path);
  await second.append(entry(40, 3));
  expect((await readLog(path)).map(({ step, ...rest }) => [step, (rest as StepEntry).loss])).toEqual([
    [20, 9],
    [40, 3],
  ]);
});

it('a line that a crash cut short is left out, and spoils none that follow', async () => {
  const path = await folder();
  await (await RunLog.open(path)).append(entry(20));
  await appendFile(join(path, 'log.jsonl'), '{"kind":"step","step":4');
  expect(await readLog(path)).toEqual([entry(20)]);
  const again = await RunLog.open(path);
  await again.append(entry(40));
  await again.append(entry(60));
  expect(await readLog(path)).toEqual([entry(20), entry(40), entry(60)]);
});

it('a full disk leaves whole lines, and what it kept out is written later', async () => {
  const path = await folder();
  const log = await RunLog.open(path);
  await log.append(entry(20));
  const before = await readFile(join(path, 'log.jsonl'), 'utf8');
  disk.room = 30;
  try {
    for (const step of [40, 60]) {
      await expect(log.append(entry(step))).rejects.toMatchObject({
        code: 'OUTPUT_UNWRITABLE',
        message: expect.stringContaining('log.jsonl: the disk is full'),
      });
    }
  } finally {
    disk.room = Number.POSITIVE_INFINITY;
  }
  expect(await readFile(join(path, 'log.jsonl'), 'utf8')).toBe(before);
  await log.append(entry(80));
  expect((await readLog(path)).map(({ step }) => step)).toEqual([20, 40, 60, 80]);
});

it('names a run without a log, and a line that is none', async () => {
  const path = await folder();
  await expect(readLog(path)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  await writeFile(join(path, 'log.jsonl'), `nonsense\n${JSON.stringify(entry(20))}\n`);
  await expect(readLog(path)).rejects.toMatchObject({
    code: 'DATA_INVALID',
    message: expect.stringContaining('line 1 is no log entry'),
  });
  await rm(path, { recursive: true });
});
