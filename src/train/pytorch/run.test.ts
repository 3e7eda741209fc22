/**
 * Whole runs through PyTorch: switched from one engine to the other, with the paper's encoders, and killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { patternPicture, temporaryFolder } from '../../../test/support/pictures.ts';
import { PROGRAM } from '../../../test/support/program.ts';
import { PYTHON, required } from '../../../test/support/required.ts';
import { writeTinyEncoders } from '../../../test/support/tiny-encoders.ts';
import { Random } from '../../random/random.ts';
import { newestCheckpoint, readCheckpoint } from '../checkpoint.ts';
import { parseTrainConfig, type TrainConfig } from '../config.ts';
import { readLog } from '../log.ts';
import { train } from '../trainer.ts';

/** Starting PyTorch takes its time where the cores are busy, ms. */
const TIMEOUT = 600_000;
/** Kills of one run, in turns of either process. All ten take minutes: continuous integration takes two. */
const KILLS = Number(process.env.CLEARWORD_KILLS ?? 2);
/** Seconds after the first checkpoint of a part within which it is killed. */
const WITHIN = 3;

const { missing, note } = required('pytorch');
const root = await temporaryFolder();
const photos = join(root, 'photos');
const encoders = join(root, 'daclip.safetensors');

beforeAll(async () => {
  await mkdir(photos);
  for (const width of [48, 56, 64]) {
    const { data, height } = patternPicture(width, 48);
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(photos, `${width}.png`));
  }
  await writeTinyEncoders(encoders, 'daclip');
});

const torch = { engine: 'pytorch', python: PYTHON, device: 'cpu', precision: 'float32', compile: false } as const;

function settingsWith(changes: object = {}) {
  const data = { roots: { photos: [photos] }, patch: 32, cacheMegabytes: 4, tasks: { haze: 0 } };
  return { preset: 'tiny', batch: 2, threads: 1, optimiser: { learningRate: 3e-3, warmup: 5 }, data, ...changes };
}
const configure = (changes: object): TrainConfig => parseTrainConfig(settingsWith(changes), 'test');

async function lossesOf(folder: string): Promise<Map<number, number>> {
  const steps = (await readLog(folder)).flatMap((entry) => (entry.kind === 'step' ? [entry] : []));
  return new Map(steps.map(({ step, loss }) => [step, loss]));
}

describe.skipIf(missing)(`a run through PyTorch${note}`, () => {
  it(
    'goes on where another engine stopped, as if it had been its own',
    async () => {
      const steps = 40;
      const common = { steps, checkpoint: { every: 20 } };
      const built = configure(common);
      const other = configure({ ...common, ...torch });
      /** 20 steps by the first engine, the rest by the second. */
      const switched = async (first: TrainConfig, second: TrainConfig, name: string) => {
        const folder = join(root, name);
        const controller = new AbortController();
        await train(first, folder, false, { signal: controller.signal, onCheckpoint: () => controller.abort() });
        const before = await readCheckpoint((await newestCheckpoint(folder)) ?? '');
        expect(before.step).toBe(20);
        const result = await train(second, folder, true);
        expect(result).toMatchObject({ step: steps, finished: true });
        return lossesOf(folder);
      };
      const whole = await switched(built, built, 'whole');
      const parts = { there: await switched(built, other, 'there'), back: await switched(other, built, 'back') };
      for (const [name, losses] of Object.entries(parts)) {
        expect([...losses.keys()], name).toEqual([20, 40]);
        // The noise is another one: means over 20 steps agree within a quarter, where a fresh start is far away.
        const [own, expected] = [losses.get(40) ?? 0, whole.get(40) ?? 0];
        expect(Math.abs(own - expected) / expected, name).toBeLessThan(0.25);
        expect(own, name).toBeLessThan(whole.get(20) ?? 0);
      }
    },
    TIMEOUT,
  );

  it(
    "trains the paper's system, with encoders from outside",
    async () => {
      const average = { decay: 0.5, every: 1 };
      const weights = { weights: encoders, cache: join(root, 'cache') };
      const common = { preset: 'tiny-paper', loss: 'matching', steps: 3, average, encoders: weights };
      const losses: number[] = [];
      for (const engine of [{}, torch]) {
        const folder = join(root, `paper-${losses.length}`);
        expect(await train(configure({ ...common, ...engine }), folder, false)).toMatchObject({ step: 3 });
        losses.push((await lossesOf(folder)).get(3) ?? Number.NaN);
        const { vectors } = await readCheckpoint((await newestCheckpoint(folder)) ?? '');
        expect(vectors.parameters.every(Number.isFinite)).toBe(true);
      }
      const [ours = 0, theirs = 0] = losses;
      expect(Math.abs(theirs - ours) / ours).toBeLessThan(0.25);
    },
    TIMEOUT,
  );

  it(
    `goes on after kill -9 of either process, ${KILLS} times in random places`,
    async () => {
      const folder = join(root, 'killed');
      const file = join(root, 'killed.json');
      const value = settingsWith({ ...torch, steps: 1_000_000, checkpoint: { every: 2, keep: 2 } });
      await writeFile(file, JSON.stringify(value));
      const random = new Random(9);
      let reached = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const run = start(file, folder, kill > 0);
        await run.past(folder, reached);
        await wait(1000 * WITHIN * random.uniform());
        const victim = kill % 2 === 0 ? run.child.pid : run.python();
        expect(victim, `kill ${kill}`).toBeGreaterThan(0);
        const worker = run.python();
        process.kill(victim ?? 0, 'SIGKILL');
        const { code, errors } = await run.ended;
        if (kill % 2 === 1) {
          expect(code).toBe(1);
          expect(errors).toContain('was ended by SIGKILL');
          expect(errors).toContain('--resume');
        }
        expect(await isGone(worker ?? 0), `PyTorch after kill ${kill}`).toBe(true);
        const { step, vectors } = await readCheckpoint((await newestCheckpoint(folder)) ?? '');
        expect(step, `kill ${kill}`).toBeGreaterThan(reached);
        expect(vectors.parameters.every(Number.isFinite)).toBe(true);
        reached = step;
      }
      const last = configure({ ...torch, steps: reached + 4 });
      expect(await train(last, folder, true)).toMatchObject({ step: reached + 4, finished: true });
    },
    TIMEOUT,
  );
});

/** `clearword train` as a program of its own. */
function start(config: string, folder: string, resume: boolean) {
  const args = [...PROGRAM, 'train', config, '-o', folder];
  const child = spawn(process.execPath, [...args, ...(resume ? ['--resume'] : [])], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString();
  });
  const ended = new Promise<{ code: number | null; errors: string }>((resolve) => {
    child.once('exit', (code) => resolve({ code, errors }));
  });
  const alive = () => child.exitCode === null && child.signalCode === null;
  /** Until it has gone on beyond a step. */
  const past = async (place: string, step: number): Promise<void> => {
    while (alive()) {
      const path = existsSync(place) ? await newestCheckpoint(place) : undefined;
      if (Number(/step-(\d+)/.exec(path ?? '')?.[1] ?? 0) > step) return;
      await wait(50);
    }
    throw new Error(`expected it to train, it ended: ${errors}`);
  };
  return { child, ended, past, python: () => pythonOf(child) };
}

/** The PyTorch process of a program, as Linux lists it. */
function pythonOf({ pid }: ChildProcess): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return children
    .map(Number)
    .find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('clearword_torch'));
}

async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (state === undefined || / Z /.test(state)) return true;
    await wait(50);
  }
  return false;
}
