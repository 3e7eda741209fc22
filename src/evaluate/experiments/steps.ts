/**
 * Quality by the number of steps, for every sampler.
 *
 * @module
 */
import { throwIfCancelled } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import { type EvaluationResult, evaluate } from '../evaluate.ts';
import { formatScore } from '../outputs.ts';
import { lineChart } from '../report/charts.ts';
import { SCORES, type ScoreName } from '../scores.ts';
import { fileNameOf } from '../write.ts';
import { orMissing } from './comparison.ts';
import type { StepsConfig } from './config.ts';
import type { Chart, ExperimentContext, Outcome, Table } from './outcome.ts';
import { type OpenSet, openSet } from './sets.ts';

interface Point {
  readonly set: string;
  readonly sampler: string;
  readonly steps: number;
  readonly result: EvaluationResult;
}

export async function sweepSteps(config: StepsConfig, context: ExperimentContext): Promise<Outcome> {
  const missing: string[] = [];
  const sets: OpenSet[] = [];
  for (const set of config.sets) {
    const open = await orMissing(set.name, missing, () => openSet(set, context.data, config.seed));
    if (open) sets.push(open);
  }
  const clearword = await context.load();
  const points: Point[] = [];
  // Work is proportional to steps times pictures; the estimate of the time left follows it.
  const total =
    sets.reduce((sum, { cases }) => sum + cases.length, 0) *
    config.steps.reduce((sum, n) => sum + n, 0) *
    config.samplers.length;
  let done = 0;
  try {
    for (const steps of [...config.steps].sort((a, b) => a - b)) {
      for (const sampler of config.samplers) {
        for (const { name, cases } of sets) {
          throwIfCancelled(context.signal, config.title);
          const parameters = { steps, sampler, seed: config.seed };
          const share = steps * cases.length;
          const result = await evaluate(
            { name: `${name}, ${sampler}, ${steps}`, cases, prompts: cases.map(() => '') },
            {
              meters: context.meters,
              restorer: { clearword, parameters },
              folder: context.folder,
              settings: {
                version: VERSION,
                set: config.sets.find((set) => set.name === name),
                restored: clearword.settings(parameters),
              },
              signal: context.signal,
              onProgress: (_, fraction, text) => context.onProgress((done + fraction * share) / total, text),
            },
          );
          done += share;
          points.push({ set: name, sampler, steps, result });
        }
      }
    }
  } finally {
    await clearword.dispose();
  }
  const measured = SCORES.filter(
    ({ name }) => !name.endsWith('Luma') && points.some(({ result }) => result.mean[name] !== undefined),
  );
  const names = sets.map(({ name }) => name);
  return {
    tables: names.flatMap((set) => measured.map((score) => tableOf(set, score, points, config))),
    charts: names.flatMap((set) => measured.map((score) => chartOf(set, score, points, config))),
    // The report shows pictures of the model's defaults only: all of them would be a very long page.
    results: points
      .filter(
        ({ sampler, steps }) =>
          sampler === clearword.model.defaults?.sampler && steps === clearword.model.defaults.steps,
      )
      .map(({ result }) => result),
    missing,
    details: points.map(({ set, sampler, steps, result }) => ({
      set,
      sampler,
      steps,
      mean: result.mean,
      secondsEach: result.secondsEach,
    })),
  };
}

type Score = (typeof SCORES)[number];

const scoreAt = (points: readonly Point[], set: string, sampler: string, steps: number, score: ScoreName) =>
  points.find((point) => point.set === set && point.sampler === sampler && point.steps === steps)?.result.mean[score];

function tableOf(
  set: string,
  { name, title, digits, rising }: Score,
  points: readonly Point[],
  { samplers, steps }: StepsConfig,
): Table {
  const rows = samplers.map((sampler) => [
    sampler,
    ...steps.map((count) => formatScore(scoreAt(points, set, sampler, count, name), digits)),
  ]);
  return {
    title: `${set}: ${title}`,
    titles: ['steps', ...steps.map(String)],
    rows,
    note: rising ? 'Higher is better.' : 'Lower is better.',
  };
}

function chartOf(
  set: string,
  { name, title }: Score,
  points: readonly Point[],
  { samplers, steps }: StepsConfig,
): Chart {
  return {
    name: `steps-${fileNameOf(set)}-${name}`,
    svg: lineChart({
      title: `${set}: ${title}`,
      xTitle: 'steps',
      yTitle: name === 'psnr' ? 'PSNR (dB)' : title,
      places: [...steps].sort((a, b) => a - b),
      series: samplers.map((sampler) => ({
        name: sampler,
        points: steps.map((count) => [count, scoreAt(points, set, sampler, count, name) ?? Number.NaN] as const),
      })),
    }),
  };
}
