/**
 * Models that an experiment trains for itself.
 *
 * @module
 */
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { throwIfCancelled } from '../../errors.ts';
import { parseTrainConfig } from '../../train/config.ts';
import { exportCheckpoint } from '../../train/export.ts';
import { readLog, type ValidationEntry } from '../../train/log.ts';
import { train } from '../../train/trainer.ts';
import { lineChart } from '../report/charts.ts';
import { fileNameOf } from '../write.ts';
import { type RunConfig, readJson } from './config.ts';
import type { Chart, ExperimentContext } from './outcome.ts';

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `base` with the values of `changes` in place of its own; objects are merged, everything else is replaced. */
export function merged(base: unknown, changes: unknown): unknown {
  if (!isPlain(base) || !isPlain(changes)) return changes;
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(changes)) result[key] = key in base ? merged(base[key], value) : value;
  // A run is limited by steps or by minutes: what is asked for replaces the other.
  if ('steps' in changes) delete result.minutes;
  if ('minutes' in changes) delete result.steps;
  return result;
}

export const runFolder = (folder: string, run: string): string => join(folder, 'runs', fileNameOf(run));

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The weights of a run that trains its model: trained now, gone on with, or there already. Errors: those of training. */
export async function trainedModel(
  { name, train: recipe }: RunConfig & { train: NonNullable<RunConfig['train']> },
  { configs, folder, signal, onProgress }: ExperimentContext,
): Promise<string> {
  const own = runFolder(folder, name);
  const weights = join(own, 'model.safetensors');
  if (await exists(weights)) return weights;
  const config = parseTrainConfig(
    merged(await readJson(resolve(configs, recipe.config)), recipe.overrides),
    `training of ${name}`,
  );
  const result = await train(config, own, await exists(join(own, 'log.jsonl')), {
    ...(signal && { signal }),
    onProgress: ({ fraction, step, loss }) =>
      onProgress(fraction, `training ${name}: step ${step}, loss ${loss.toFixed(4)}`),
  });
  throwIfCancelled(signal, `the training of ${name}`);
  await exportCheckpoint(result.checkpoint, weights, { precision: 'float16', name });
  return weights;
}

/** One chart for each combination of degradations: validation PSNR over steps, a curve for each run. */
export async function trainingCurves(runs: readonly RunConfig[], folder: string): Promise<Chart[]> {
  const logs = await Promise.all(
    runs
      .filter((run) => run.train !== undefined)
      .map(async ({ name }) => {
        const entries = await readLog(runFolder(folder, name));
        return { name, entries: entries.filter((entry): entry is ValidationEntry => entry.kind === 'validation') };
      }),
  );
  const groups = [
    ...new Set(logs.flatMap(({ entries }) => entries.flatMap(({ rows }) => rows.map(({ name }) => name)))),
  ];
  return groups.sort().map((group) => ({
    name: `training-${fileNameOf(group)}`,
    svg: lineChart({
      title: `Training: ${group}`,
      xTitle: 'step',
      yTitle: 'validation PSNR (dB)',
      series: logs.map(({ name, entries }) => ({
        name,
        points: entries.flatMap(({ step, rows }) =>
          rows.filter((row) => row.name === group).map(({ output }) => [step, output] as const),
        ),
      })),
    }),
  }));
}
