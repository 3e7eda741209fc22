/**
 * Models that an experiment trains for itself.
 *
 * @module
 */
import { access } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { DataConfig } from '../../data/config.ts';
import { throwIfCancelled } from '../../errors.ts';
import { parseTrainConfig, type TrainConfig } from '../../train/config.ts';
import { exportCheckpoint } from '../../train/export.ts';
import { readLog, type ValidationEntry } from '../../train/log.ts';
import { train } from '../../train/trainer.ts';
import { lineChart } from '../report/charts.ts';
import { fileNameOf } from '../write.ts';
import { type ComparisonConfig, type RunConfig, readJson, type Training } from './config.ts';
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

/** The configuration of a run's training. Errors: INPUT_NOT_FOUND, INVALID_OPTION. */
export async function trainingOf(run: RunConfig, training: Training, configs: string): Promise<TrainConfig> {
  const common = merged(await readJson(resolve(configs, training.config)), training.overrides);
  return parseTrainConfig(merged(common, run.train), `training of ${run.name}`);
}

/** What lies below `from`, in `to`. */
const movedBelow = (from: string, to: string) => (path: string) => {
  const below = relative(resolve(from), resolve(path));
  return below.startsWith('..') ? path : join(to, below);
};

/** The same with the data of another folder: what lies below `from` is taken from `to`. */
export function withRoots(data: DataConfig, from: string, to: string): DataConfig {
  const moved = movedBelow(from, to);
  const { photos, rainLayers, hazePairs, pairs, captions } = data.roots;
  const roots = {
    photos: photos.map(moved),
    captions: captions.map(moved),
    ...(rainLayers !== undefined && { rainLayers: [rainLayers].flat().map(moved) }),
    ...(hazePairs !== undefined && { hazePairs: moved(hazePairs) }),
    pairs: Object.fromEntries(Object.entries(pairs).map(([name, path]) => [name, path && moved(path)])),
  };
  return { ...data, roots };
}

function withData(config: TrainConfig, from: string, to: string): TrainConfig {
  const { data, validation } = config;
  return {
    ...config,
    data: withRoots(data, from, to),
    ...(validation && { validation: { ...validation, photos: validation.photos.map(movedBelow(from, to)) } }),
  };
}

/** The weights of a run that trains its model: trained now, gone on with, or there already. Errors: those of training. */
export async function trainedModel(
  run: RunConfig,
  training: Training,
  { data: from }: ComparisonConfig,
  { configs, folder, data, signal, onProgress }: ExperimentContext,
): Promise<string> {
  const { name } = run;
  const own = runFolder(folder, name);
  const weights = join(own, 'model.safetensors');
  if (await exists(weights)) return weights;
  const config = withData(await trainingOf(run, training, configs), from, data);
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
