/**
 * The files of an evaluation.
 *
 * @module
 */
import { join } from 'node:path';
import { writeFileAtomic } from '../atomic-file.ts';
import type { EvaluationResult } from './evaluate.ts';
import { resultCsv } from './outputs.ts';
import { type Report, reportPage } from './report/page.ts';

/** Name of a set as a part of a file name. */
export const fileNameOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/** Writes `report.html`, `results.json` and a CSV for each result into the folder; returns their paths. */
export async function writeEvaluation(folder: string, report: Report, json: object): Promise<string[]> {
  const files: [string, string][] = [
    ['results.json', `${JSON.stringify(json, null, 2)}\n`],
    ['report.html', await reportPage({ ...report, folder })],
    ...report.results.map((result): [string, string] => [csvName(result, report.results), resultCsv(result)]),
  ];
  for (const [name, text] of files) await writeFileAtomic(join(folder, name), text, { overwrite: true });
  return files.map(([name]) => join(folder, name));
}

function csvName({ name }: EvaluationResult, results: readonly EvaluationResult[]): string {
  return results.length === 1 ? 'results.csv' : `results-${fileNameOf(name)}.csv`;
}
