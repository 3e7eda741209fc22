/**
 * Every run on every set: the paper's tables and the figures that compare.
 *
 * @module
 */
import { join, resolve } from 'node:path';
import type { Clearword } from '../../clearword.ts';
import { listPictures } from '../../data/dataset.ts';
import { ClearwordError, throwIfCancelled } from '../../errors.ts';
import { countGraph } from '../../graph/count.ts';
import { Graph } from '../../graph/graph.ts';
import { layoutOf } from '../../graph/parameters.ts';
import { readModel } from '../../models/model-file.ts';
import { predictionGraph } from '../../models/networks.ts';
import { VERSION } from '../../version.ts';
import { type EvaluationResult, evaluate } from '../evaluate.ts';
import { formatScore, meanTable } from '../outputs.ts';
import { promptsFor } from '../sets/captions.ts';
import { casesOfOutputs } from '../sets/outputs.ts';
import type { ComparisonConfig, RunConfig } from './config.ts';
import type { ExperimentContext, Outcome, Table } from './outcome.ts';
import { type OpenSet, openSet } from './sets.ts';
import { trainedModel, trainingCurves } from './training.ts';

/** Something that is not there costs its row, not the experiment. */
const PASSABLE = new Set(['MODEL_NOT_FOUND', 'DATA_INVALID', 'INPUT_NOT_FOUND', 'INPUT_UNREADABLE', 'DOWNLOAD_FAILED']);

/** What `attempt` gives, or undefined and a line in `missing`. */
export async function orMissing<T>(what: string, missing: string[], attempt: () => Promise<T>): Promise<T | undefined> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof ClearwordError) || !PASSABLE.has(error.code)) throw error;
    missing.push(`${what}: not available (${error.message})`);
    return undefined;
  }
}

interface Weights {
  readonly clearword: Clearword;
  readonly path: string;
}

async function weightsOf(run: RunConfig, config: ComparisonConfig, context: ExperimentContext): Promise<Weights> {
  const { training } = config;
  const model =
    run.train === undefined || training === undefined
      ? run.model && resolve(run.model)
      : await trainedModel(run, training, config, context);
  return { clearword: await context.load(model), path: context.pathOf(model) };
}

/** Measures one run on one set. */
async function measure(
  run: RunConfig,
  set: OpenSet,
  clearword: Clearword,
  config: ComparisonConfig,
  { data, configs, folder, meters, signal, onProgress }: ExperimentContext,
): Promise<EvaluationResult> {
  const { steps, sampler, tile, ensemble, prompts: source, prompt, captions } = run;
  const parameters = {
    ...(steps !== undefined && { steps }),
    ...(sampler !== undefined && { sampler }),
    ...(tile !== undefined && { tile }),
    ensemble,
    // A plain network draws no noise.
    ...(clearword.model.defaults !== undefined && { seed: config.seed }),
  };
  const prompts = await promptsFor(set.cases, {
    source,
    prompt,
    captions: captions === undefined ? undefined : join(captions.startsWith('./') ? configs : data, captions),
    task: set.task,
    seed: config.seed,
  });
  const name = `${set.name}, ${run.name}`;
  return evaluate(
    { name, cases: set.cases, prompts },
    {
      meters,
      restorer: { clearword, parameters },
      folder,
      // With the model's defaults filled in; the set's own description decides its pictures.
      settings: {
        version: VERSION,
        set: config.sets.find((own) => own.name === set.name),
        seed: config.seed,
        restored: clearword.settings(parameters),
      },
      signal,
      onProgress: (_, fraction, text) => onProgress(fraction, text),
    },
  );
}

/** Scores the results that a system made of a set, in a folder of the data. */
async function scoreOutputs(
  run: RunConfig,
  set: OpenSet,
  folder: string,
  { data, folder: output, meters, signal, onProgress }: ExperimentContext,
): Promise<EvaluationResult> {
  const cases = casesOfOutputs(set.cases, await listPictures(join(data, folder), `outputs of ${run.name}`));
  return evaluate(
    { name: `${set.name}, ${run.name}`, cases, prompts: cases.map(() => '') },
    {
      meters,
      folder: output,
      settings: { version: VERSION, outputs: folder },
      signal,
      onProgress: (_, fraction, text) => onProgress(fraction, text),
    },
  );
}

/** Size of a run's network, and its operations for a picture of side x side pixels. */
async function sizeRow({ name }: RunConfig, path: string, side: number): Promise<string[]> {
  const { card } = await readModel(path);
  const graph = new Graph();
  predictionGraph(graph, card.preset, side, side);
  const { macs } = countGraph(graph);
  const network = layoutOf((inner) => predictionGraph(inner, card.preset, side, side)).size;
  return [
    name,
    millions(card.parameters),
    millions(network),
    (macs / 1e9).toFixed(3),
    (macs / side ** 2 / 1000).toFixed(1),
  ];
}

const millions = (count: number): string => (count / 1e6).toFixed(3);

/** One row a set and run, the best of each set's column marked by the reader's eye: numbers alone. */
function comparisonTable(config: ComparisonConfig, results: ReadonlyMap<string, EvaluationResult>): Table[] {
  return config.sets.flatMap(({ name }) => {
    const own = config.runs.flatMap((run) => {
      const result = results.get(`${name}, ${run.name}`);
      return result ? [{ ...result, name: run.name }] : [];
    });
    const [first] = own;
    if (!first) return [];
    const { titles, rows } = meanTable(own);
    // The degraded pictures are the same for all runs: one row.
    const degraded = rows
      .filter(([title]) => title === `${first.name}, degraded`)
      .map((row) => ['degraded', ...row.slice(1)]);
    const restored = rows.filter(([title]) => !title?.endsWith(', degraded'));
    return [{ title: name, titles, rows: [...degraded, ...restored] }];
  });
}

/** Differences from the first run, dB of PSNR, picture by picture: the mean and its 95 % interval. */
function gainTable(config: ComparisonConfig, results: ReadonlyMap<string, EvaluationResult>): Table[] {
  const [reference, ...others] = config.runs;
  if (!reference || others.length === 0) return [];
  const rows = config.sets.flatMap(({ name: set }) => {
    const base = new Map(
      results.get(`${set}, ${reference.name}`)?.pictures.map((picture) => [picture.id, picture.after.psnr]),
    );
    return others.flatMap((run) => {
      const gains = (results.get(`${set}, ${run.name}`)?.pictures ?? []).flatMap(({ id, after }) => {
        const before = base.get(id);
        return before === undefined ? [] : [after.psnr - before];
      });
      if (gains.length < 2) return [];
      const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
      const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / (gains.length - 1);
      const interval = 1.96 * Math.sqrt(variance / gains.length);
      return [[`${set}, ${run.name}`, formatScore(mean, 3), formatScore(interval, 3), String(gains.length)]];
    });
  });
  if (rows.length === 0) return [];
  return [{ title: `Difference from: ${reference.name}`, titles: ['', 'PSNR (dB)', '± 95 %', 'pictures'], rows }];
}

export async function compare(config: ComparisonConfig, context: ExperimentContext): Promise<Outcome> {
  const missing: string[] = [];
  const sets: OpenSet[] = [];
  for (const set of config.sets) {
    const open = await orMissing(set.name, missing, () => openSet(set, context.data, config.seed));
    if (open) sets.push(open);
  }
  const results = new Map<string, EvaluationResult>();
  const sizes: string[][] = [];
  for (const run of config.runs) {
    throwIfCancelled(context.signal, config.title);
    if (run.outputs !== undefined) {
      for (const set of sets.filter(({ name }) => run.outputs?.[name] !== undefined)) {
        const name = `${set.name}, ${run.name}`;
        const folder = run.outputs[set.name] ?? '';
        const result = await orMissing(name, missing, () => scoreOutputs(run, set, folder, context));
        if (result) results.set(name, result);
      }
      continue;
    }
    const weights = await orMissing(run.name, missing, () => weightsOf(run, config, context));
    if (!weights) continue;
    try {
      const { count } = config;
      if (count !== undefined) {
        const row = await orMissing(`size of ${run.name}`, missing, () => sizeRow(run, weights.path, count));
        if (row) sizes.push(row);
      }
      for (const set of sets.filter(({ name }) => run.sets?.includes(name) ?? true)) {
        const name = `${set.name}, ${run.name}`;
        const result = await orMissing(name, missing, () => measure(run, set, weights.clearword, config, context));
        if (result) results.set(name, result);
      }
    } finally {
      await weights.clearword.dispose();
    }
  }
  const sizeTitles = [
    '',
    'parameters (M)',
    'of the network (M)',
    `GMAC at ${config.count}x${config.count}`,
    'kMAC a pixel',
  ];
  const sizeNote =
    'Multiply-accumulate operations of convolutions and matrix products for one step; parameters include the encoders in the first column.';
  return {
    tables: [
      ...comparisonTable(config, results),
      ...gainTable(config, results),
      ...(sizes.length > 0 ? [{ title: 'Size and cost', titles: sizeTitles, rows: sizes, note: sizeNote }] : []),
    ],
    charts: config.curves
      ? ((await orMissing('training curves', missing, () => trainingCurves(config.runs, context.folder))) ?? [])
      : [],
    results: [...results.values()],
    missing,
  };
}
