/**
 * What an experiment gives: tables, charts and the measurements behind them; and the files that they are written to.
 *
 * @module
 */
import { join } from 'node:path';
import { writeFileAtomic } from '../../atomic-file.ts';
import type { Clearword, LoadOptions } from '../../clearword.ts';
import type { EvaluationResult } from '../evaluate.ts';
import { markdownTable, missingMetrics, resultJson, textTable } from '../outputs.ts';
import { htmlTable, paragraph, section } from '../report/html.ts';
import { reportPage } from '../report/page.ts';
import { CHART_STYLE } from '../report/style.ts';
import type { Meters } from '../weights/meters.ts';
import type { ExperimentConfig } from './config.ts';

/** What experiments are given beside their configuration. */
export interface ExperimentContext {
  /** Data folder, resolved. */
  readonly data: string;
  /** Folder of the experiment's configuration: that of a training is relative to it. */
  readonly configs: string;
  /** Folder of the journal, the previews and trained models. */
  readonly folder: string;
  readonly meters: Meters;
  /** A model: the given weights, or those of the command line. Whoever loads it disposes of it. */
  load(model?: string): Promise<Clearword>;
  /** Path of the weights that `load` takes. */
  pathOf(model?: string): string;
  readonly device: NonNullable<LoadOptions['device']>;
  readonly signal: AbortSignal | undefined;
  onProgress(fraction: number, text: string): void;
}

export interface Table {
  readonly title: string;
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What its columns mean, where they do not say it themselves. */
  readonly note?: string;
}

export interface Chart {
  /** File name without extension. */
  readonly name: string;
  /** As `lineChart` and `histogram` draw it. */
  readonly svg: string;
}

export interface Outcome {
  readonly tables: readonly Table[];
  readonly charts: readonly Chart[];
  readonly results: readonly EvaluationResult[];
  /** So many pictures of each set that lost most are shown, instead of the lowest and highest PSNR. */
  readonly worst?: number;
  /** What was not measured, and why. */
  readonly missing: readonly string[];
  /** Numbers for results.json that no table has. */
  readonly details?: object;
}

/** A chart as a file of its own. */
const standalone = (svg: string): string => svg.replace(/(<svg[^>]*>)/, `$1${CHART_STYLE}`);

/** Everything as text, for the terminal. */
export function outcomeText({ tables, missing, results }: Outcome): string {
  const parts = tables.map(
    ({ title, titles, rows, note }) => `${title}\n\n${textTable(titles, rows)}\n${note ? `${note}\n` : ''}`,
  );
  return [...parts, ...[...missingMetrics(results), ...missing].map((text) => `${text}\n`)].join('\n');
}

/** Writes report.html, results.json, tables.md and the charts; returns the report's path. */
export async function writeOutcome(
  config: ExperimentConfig,
  outcome: Outcome,
  about: Readonly<Record<string, unknown>>,
  folder: string,
): Promise<string> {
  const { tables, charts, results, details, worst } = outcome;
  const missing = [...new Set(outcome.missing)];
  const prose = (title: string, lines: readonly string[], kind = '') =>
    lines.length === 0 ? [] : [section(title, ...lines.map((line) => paragraph(line, kind)))];
  const extra = [
    ...prose('About these numbers', config.notes),
    ...prose('What the paper reports', config.paper),
    ...prose('Not measured', missing, 'warning'),
    ...tables.map(({ title, titles, rows, note }) =>
      section(title, htmlTable(titles, rows, { caption: note ?? title })),
    ),
    ...(charts.length > 0
      ? [section('Curves', `<div class="charts">${charts.map(({ svg }) => svg).join('\n')}</div>`)]
      : []),
  ];
  const facts = Object.fromEntries(Object.entries(about).map(([name, value]) => [name, String(value)]));
  const html = await reportPage({ title: config.title, about: facts, folder, results, extra, worst });
  const markdown = [
    ...tables.map(
      ({ title, titles, rows, note }) => `## ${title}\n\n${markdownTable(titles, rows)}\n${note ? `\n${note}\n` : ''}`,
    ),
    ...[...missingMetrics(results), ...missing].map((text) => `- ${text}`),
  ].join('\n');
  const json = {
    title: config.title,
    ...about,
    config,
    tables,
    missing,
    ...(details && { details }),
    results: results.map((result) => resultJson(result, {})),
  };
  const files: [string, string][] = [
    ['report.html', html],
    ['results.json', `${JSON.stringify(json, null, 2)}\n`],
    ['tables.md', `${markdown}\n`],
    ...charts.map(({ name, svg }): [string, string] => [`${name}.svg`, `${standalone(svg)}\n`]),
  ];
  for (const [name, text] of files) await writeFileAtomic(join(folder, name), text, { overwrite: true });
  return join(folder, 'report.html');
}
