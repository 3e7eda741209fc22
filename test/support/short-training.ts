/**
 * Short runs of training with the preset `tiny` on a few small pictures, and what tests look at of them.
 *
 * @module
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect } from 'vitest';
import { type Checkpoint, newestCheckpoint, readCheckpoint } from '../../src/train/checkpoint.ts';
import { parseTrainConfig, type TrainConfig } from '../../src/train/config.ts';
import type { TrainEvents } from '../../src/train/trainer.ts';
import { patternPicture, temporaryFolder } from './pictures.ts';

/** A folder of a test file with pictures to train on, its configurations and folders for its runs. Removed after its tests. */
export async function shortTraining() {
  const root = await temporaryFolder();
  const photos = join(root, 'photos');
  await mkdir(photos);
  for (const width of [48, 56, 64, 72]) {
    const { data, height } = patternPicture(width, 48);
    const raw = { width, height, channels: 3 } as const;
    await sharp(data, { raw })
      .png()
      .toFile(join(photos, `${width}.png`));
  }
  let count = 0;
  return {
    root,
    photos,
    runFolder: () => join(root, `run-${count++}`),
    configure(changes: object = {}, data: object = {}): TrainConfig {
      const tasks = { haze: 0 };
      const all = { roots: { photos: [photos] }, patch: 32, cacheMegabytes: 4, tasks, ...data };
      const value = { preset: 'tiny', batch: 2, steps: 30, threads: 1, data: all, ...changes };
      return parseTrainConfig(value, 'test');
    },
  };
}

interface LogLine {
  readonly kind: string;
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly rows: readonly { name: string; samples: number; input: number; output: number }[];
}

export const logOf = async (folder: string): Promise<LogLine[]> =>
  (await readFile(join(folder, 'log.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

export async function newest(folder: string) {
  const path = await newestCheckpoint(folder);
  if (path === undefined) throw new Error(`no checkpoint in ${folder}`);
  return readCheckpoint(path);
}

/** Bit by bit. Not toEqual, which takes seconds for vectors of this length. */
export const sameBits = (a: Float32Array, b: Float32Array) =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

export function expectSame(actual: Checkpoint['vectors'], expected: Checkpoint['vectors']): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) {
    expect(sameBits(actual[name] ?? new Float32Array(), values), `the same ${name}`).toBe(true);
  }
}

/** Events that stop the run when it has saved this step. */
export function stopAt(step: number): TrainEvents {
  const controller = new AbortController();
  const name = `step-${String(step).padStart(8, '0')}`;
  return { signal: controller.signal, onCheckpoint: (path) => path.includes(name) && controller.abort() };
}
