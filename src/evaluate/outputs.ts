/**
 * Results as text: a table for the terminal, JSON and CSV.
 *
 * @module
 */
import type { EvaluationResult } from './evaluate.ts';
import { type MeanScores, SCORES, type Scores, statisticsOf } from './scores.ts';

/** Cells right-aligned below their titles, the first column left-aligned. */
export function textTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(titles), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** A table as Markdown. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

export const formatScore = (value: number | undefined, digits: number): string =>
  value === undefined || !Number.isFinite(value) ? '-' : value.toFixed(digits);

/** Titles and rows of the means of several results: before and after where both are known. */
export function meanTable(results: readonly EvaluationResult[]): { titles: string[]; rows: string[][] } {
  const shown = SCORES.filter(({ name }) => results.some(({ mean }) => mean[name] !== undefined));
  const withFid = results.some(({ fid }) => fid !== undefined);
  const titles = ['', ...shown.map(({ title }) => title), ...(withFid ? ['FID'] : []), 'pictures', 's each'];
  const row = (name: string, mean: MeanScores, rest: readonly string[]) => [
    name,
    ...shown.map(({ name: score, digits }) => formatScore(mean[score], digits)),
    ...rest,
  ];
  const rows = results.flatMap((result) => {
    const count = String(result.pictures.length);
    const fid = withFid ? [formatScore(result.fid, 2)] : [];
    const after = row(result.name, result.mean, [...fid, count, formatScore(result.secondsEach, 2)]);
    if (!result.before) return [after];
    return [row(`${result.name}, degraded`, result.before, [...(withFid ? ['-'] : []), count, '-']), after];
  });
  return { titles, rows };
}

/** "lpips: not available (...)" for each metric that is missing. */
export function missingMetrics(results: readonly Pick<EvaluationResult, 'unavailable'>[]): string[] {
  const reasons = new Map(results.flatMap(({ unavailable }) => Object.entries(unavailable)));
  return [...reasons].map(([metric, reason]) => `${metric.toUpperCase()}: not available (${reason})`);
}

/** One object: what was measured, the means, and every picture. */
export function resultJson(result: EvaluationResult, about: Readonly<Record<string, unknown>>): object {
  const spread = SCORES.flatMap(({ name }) => {
    const statistics = statisticsOf(result.pictures.map(({ after }) => after[name]));
    return statistics === undefined ? [] : [[name, statistics] as const];
  });
  return {
    name: result.name,
    ...about,
    count: result.pictures.length,
    failed: result.failures.length,
    mean: { ...result.mean, ...(result.fid !== undefined && { fid: result.fid }) },
    ...(result.before && { degraded: result.before }),
    unavailable: result.unavailable,
    statistics: Object.fromEntries(spread),
    secondsEach: result.secondsEach,
    pictures: result.pictures.map(({ id, input, target, prompt, width, height, seconds, memory, before, after }) => ({
      id,
      input,
      target,
      prompt,
      width,
      height,
      seconds,
      ...(memory !== undefined && { memory }),
      ...(before && { degraded: before }),
      scores: after,
    })),
  };
}

/** A cell of RFC 4180; text that a spreadsheet would take for a formula is kept from it by a quote. */
function csvCell(value: string | number | undefined): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const text = value ?? '';
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One line a picture, with a header. */
export function resultCsv(result: EvaluationResult): string {
  const names = SCORES.map(({ name }) => name);
  const header = [
    'id',
    'input',
    'target',
    'prompt',
    'width',
    'height',
    'seconds',
    ...names,
    ...names.map((n) => `degraded_${n}`),
  ];
  const scores = (values: Scores | undefined) => names.map((name) => values?.[name]);
  const rows = result.pictures.map(({ id, input, target, prompt, width, height, seconds, before, after }) =>
    [id, input, target, prompt, width, height, seconds, ...scores(after), ...scores(before)].map(csvCell).join(','),
  );
  return `${[header.join(','), ...rows].join('\r\n')}\r\n`;
}
