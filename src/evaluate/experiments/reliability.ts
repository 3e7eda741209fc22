/**
 * Whether probabilities are what they say: of the pictures in which something is found with probability p, a share of p should
 * have it.
 *
 * @module
 */
import type { Judgement } from '../calibration/thresholds.ts';
import { formatScore } from '../outputs.ts';
import { lineChart } from '../report/charts.ts';
import type { Chart, Table } from './outcome.ts';

/** Parts of 0..1 in which probabilities are compared with frequencies. */
export const BINS = 10;

export interface Bin {
  /** Mean probability of its pictures. */
  readonly predicted: number;
  /** Share of them that have it. */
  readonly observed: number;
  readonly count: number;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean probability and frequency in each tenth of 0..1 that has pictures; what is unclear counts for neither. */
export function binsOf(judgements: readonly Judgement[]): Bin[] {
  const clear = judgements.filter(({ unclear }) => unclear !== true);
  return Array.from({ length: BINS }, (_, bin) =>
    clear.filter(({ probability }) => Math.min(BINS - 1, Math.floor(BINS * probability)) === bin),
  )
    .filter((own) => own.length > 0)
    .map((own) => ({
      predicted: mean(own.map(({ probability }) => probability)),
      observed: mean(own.map(({ present }) => Number(present))),
      count: own.length,
    }));
}

/** Mean distance of probability and frequency, weighted by the pictures of each tenth. */
export function calibrationError(judgements: readonly Judgement[]): number {
  const bins = binsOf(judgements);
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  return bins.reduce(
    (sum, { predicted, observed, count }) => sum + (count / total) * Math.abs(predicted - observed),
    0,
  );
}

/** Mean squared error of the probability (Brier 1950). */
export const brier = (judgements: readonly Judgement[]): number =>
  mean(judgements.map(({ probability, present }) => (probability - Number(present)) ** 2));

/** Frequency over probability, a curve for each degradation, beside the diagonal. */
export function reliabilityChart(title: string, judgements: ReadonlyMap<string, readonly Judgement[]>): Chart {
  const series = [...judgements].map(([name, own]) => ({
    name,
    points: binsOf(own).map(({ predicted, observed }) => [predicted, observed] as const),
  }));
  const ideal = { name: 'ideal', points: [[0, 0] as const, [1, 1] as const] };
  return {
    name: 'calibration',
    svg: lineChart({ title, xTitle: 'probability', yTitle: 'frequency', series: [...series, ideal] }),
  };
}

export function reliabilityTable(judgements: ReadonlyMap<string, readonly Judgement[]>): Table {
  const rows = [...judgements].map(([name, all]) => {
    const own = all.filter(({ unclear }) => unclear !== true);
    const there = own.filter(({ present }) => present).length;
    return [
      name,
      String(there),
      String(own.length - there),
      formatScore(brier(own), 4),
      formatScore(calibrationError(own), 4),
    ];
  });
  return {
    title: 'Probabilities of the controller',
    titles: ['', 'pictures with it', 'without', 'Brier', 'calibration error'],
    rows,
    note: 'Brier: mean squared error of the probability. Calibration error: mean distance of probability and frequency in tenths; the curve has both.',
  };
}
