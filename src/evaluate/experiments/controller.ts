/**
 * What the degradation controller finds: which degradations, how sure of it, and how strong.
 *
 * @module
 */
import { degrade } from '../../data/degradations/composite.ts';
import { measure } from '../../data/degradations/index.ts';
import { combinationsOf } from '../../degradations/combinations.ts';
import { FIRST_DEGRADATIONS } from '../../degradations/index.ts';
import { throwIfCancelled } from '../../errors.ts';
import { toBytes } from '../../image/picture.ts';
import type { Findings } from '../../models/model.ts';
import type { Judgement } from '../calibration/thresholds.ts';
import { formatScore } from '../outputs.ts';
import { lineChart } from '../report/charts.ts';
import { compositeSources } from './composites.ts';
import type { ControllerConfig } from './config.ts';
import type { Chart, ExperimentContext, Outcome, Table } from './outcome.ts';
import { BINS, brier, calibrationError, mean, reliabilityChart } from './reliability.ts';

interface Inspection {
  readonly present: readonly string[];
  readonly presence: Readonly<Record<string, boolean>>;
  readonly strength: Readonly<Record<string, number>>;
  readonly found: Findings['degradations'];
}

const nameOf = (names: readonly string[]): string => (names.length === 0 ? 'clean' : names.join(' + '));
const mapNames = <Value>(of: (name: string) => Value): Record<string, Value> =>
  Object.fromEntries(FIRST_DEGRADATIONS.map((name) => [name, of(name)]));
async function inspectAll(config: ControllerConfig, context: ExperimentContext): Promise<Inspection[]> {
  const sources = await compositeSources(config.composites, context.data);
  const clearword = await context.load();
  const inspections: Inspection[] = [];
  try {
    const jobs = combinationsOf(FIRST_DEGRADATIONS).flatMap((present) =>
      Array.from({ length: sources.count }, (_, index) => ({ present, index })).flatMap((job) =>
        // Other strengths of noise only where there is any.
        (job.present.includes('noise') ? config.sigmas : [0]).map((sigma) => ({ ...job, sigma })),
      ),
    );
    for (const [number, { present, index, sigma }] of jobs.entries()) {
      throwIfCancelled(context.signal, config.title);
      context.onProgress(number / jobs.length, `inspecting: ${nameOf(present)}`);
      const { clear, effects } = await sources.make(index, present, sigma, config.seed);
      const { input, readings } = await degrade(clear, effects, new Set(FIRST_DEGRADATIONS), measure);
      const presence = mapNames((name) => readings[name]?.present ?? false);
      const strength = mapNames((name) => readings[name]?.strength ?? 0);
      const options = context.signal === undefined ? {} : { signal: context.signal };
      const { degradations: found } = await clearword.inspect(toBytes(input), options);
      inspections.push({ present: FIRST_DEGRADATIONS.filter((name) => presence[name]), presence, strength, found });
    }
  } finally {
    await clearword.dispose();
  }
  return inspections;
}

/** Rows: what is there. Columns: what was found. Shares of the row, in percent. */
function confusion(inspections: readonly Inspection[]): Table {
  const names = combinationsOf(FIRST_DEGRADATIONS).map(nameOf);
  const foundIn = ({ found }: Inspection) =>
    nameOf(FIRST_DEGRADATIONS.filter((name) => found[name]?.verdict === 'found'));
  const rows = names.flatMap((truth) => {
    const own = inspections.filter(({ present }) => nameOf(present) === truth);
    if (own.length === 0) return [];
    const shares = names.map((name) => (100 * own.filter((one) => foundIn(one) === name).length) / own.length);
    return [[truth, String(own.length), ...shares.map((share) => formatScore(share, 0))]];
  });
  return {
    title: 'What is there, and what was found',
    titles: ['', 'pictures', ...names],
    rows,
    note: 'Percent of the pictures of each row; a degradation is found when its probability reaches the threshold on the card of the model.',
  };
}

/** What was said of one degradation in every picture. */
const judgementsOf = (inspections: readonly Inspection[], name: string): Judgement[] =>
  inspections.map(({ found, presence }) => ({
    probability: found[name]?.probability ?? 0,
    present: presence[name] ?? false,
  }));

function measures(inspections: readonly Inspection[]): Table {
  const rows = FIRST_DEGRADATIONS.map((name) => {
    const sure = ({ found }: Inspection) => found[name]?.verdict === 'found';
    const there = inspections.filter(({ presence }) => presence[name]);
    const absent = inspections.filter(({ presence }) => !presence[name]);
    const right = there.filter(sure).length;
    const judgements = judgementsOf(inspections, name);
    const errors = (own: readonly Inspection[]) =>
      own.map(({ strength, found }) => Math.abs((found[name]?.strength ?? 0) - (strength[name] ?? 0)));
    return [
      name,
      formatScore((100 * right) / there.length, 1),
      formatScore((100 * absent.filter(sure).length) / absent.length, 1),
      formatScore(brier(judgements), 4),
      formatScore(calibrationError(judgements), 4),
      formatScore(mean(errors(there)), 4),
      formatScore(mean(errors(absent)), 4),
    ];
  });
  return {
    title: 'Each degradation by itself',
    titles: ['', 'found (%)', 'false alarms (%)', 'Brier', 'calibration error', 'strength error', 'where absent'],
    rows,
    note: 'Brier: mean squared error of the probability. Calibration error: mean difference of probability and frequency in tenths. Strengths are 0..1 (clearword inspect has their units); errors are mean absolute ones.',
  };
}

/** Mean estimate over the true strength, in tenths of the strengths that occur. */
function strengthChart(inspections: readonly Inspection[]): Chart {
  const series = FIRST_DEGRADATIONS.map((name) => {
    const there = inspections.filter(({ presence }) => presence[name]);
    const tenths = Array.from({ length: BINS }, (_, bin) =>
      there.filter(({ strength }) => Math.min(BINS - 1, Math.floor(BINS * (strength[name] ?? 0))) === bin),
    ).filter((own) => own.length > 0);
    return {
      name,
      points: tenths.map(
        (own) =>
          [
            mean(own.map(({ strength }) => strength[name] ?? 0)),
            mean(own.map(({ found }) => found[name]?.strength ?? 0)),
          ] as const,
      ),
    };
  });
  const ideal = { name: 'ideal', points: [[0, 0] as const, [1, 1] as const] };
  const title = 'Strengths that the controller reports';
  return {
    name: 'strength',
    svg: lineChart({ title, xTitle: 'true strength', yTitle: 'reported strength', series: [...series, ideal] }),
  };
}

export async function testController(config: ControllerConfig, context: ExperimentContext): Promise<Outcome> {
  const inspections = await inspectAll(config, context);
  const judgements = new Map(FIRST_DEGRADATIONS.map((name) => [name, judgementsOf(inspections, name)]));
  return {
    tables: [confusion(inspections), measures(inspections)],
    charts: [reliabilityChart('Calibration of the controller', judgements), strengthChart(inspections)],
    results: [],
    missing: [],
    details: inspections,
  };
}
