/**
 * The report: one HTML file that needs nothing else.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VERSION } from '../../version.ts';
import type { EvaluationResult } from '../evaluate.ts';
import type { PictureRecord } from '../journal.ts';
import { formatScore, meanTable, missingMetrics } from '../outputs.ts';
import { SCORES, statisticsOf } from '../scores.ts';
import { histogram, lineChart } from './charts.ts';
import { type Cell, escapeHtml, htmlTable, paragraph, section } from './html.ts';
import { SCRIPT, STYLE } from './style.ts';

export interface Report {
  readonly title: string;
  /** What was measured, on what, with what. */
  readonly about: Readonly<Record<string, string>>;
  /** Folder of the previews; without it there are no pictures. */
  readonly folder?: string | undefined;
  readonly results: readonly EvaluationResult[];
  /** So many pictures of each set are shown that lost most against the degraded one; default: both ends of the PSNR. */
  readonly worst?: number | undefined;
  /** HTML of an experiment's own tables and charts, before the results. */
  readonly extra?: readonly string[];
}

/** Pictures shown of each end of a set. */
const EXTREMES = 3;

/** The page as a string. */
export async function reportPage(report: Report): Promise<string> {
  const { title, about, results, folder, worst, extra = [] } = report;
  const facts = Object.entries(about).map(
    ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`,
  );
  const { titles, rows } = meanTable(results);
  const missing = missingMetrics(results).map((text) => paragraph(text, 'warning'));
  const sections = await Promise.all(results.map((result) => resultSection(result, folder, worst)));
  const failures = results.flatMap(({ name, failures: list }) =>
    list.map(({ id, error }) => `${name}, ${id}: ${error instanceof Error ? error.message : String(error)}`),
  );
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<dl>${facts.join('')}</dl>
${section('Means', ...missing, ...(results.length > 0 ? [htmlTable(titles, rows, { caption: 'Mean over the pictures of each set' })] : []))}
${extra.join('\n')}
${sections.join('\n')}
${failures.length > 0 ? section('Not measured', `<ul>${failures.map((text) => `<li>${escapeHtml(text)}</li>`).join('')}</ul>`) : ''}
</main>
<footer>Made by Clearword ${VERSION}.</footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

async function resultSection(
  result: EvaluationResult,
  folder: string | undefined,
  worst: number | undefined,
): Promise<string> {
  const { name, pictures } = result;
  if (pictures.length === 0) return section(name, paragraph('No picture was measured.'));
  return section(
    name,
    `<div class="charts">${chartsOf(pictures).join('')}</div>`,
    spreadTable(pictures),
    ...(worst === undefined ? await extremes(pictures, folder) : await losers(pictures, folder, worst)),
    pictureTable(pictures),
  );
}

/** Both ends of the PSNR. */
function extremes(pictures: readonly PictureRecord[], folder: string | undefined): Promise<string[]> {
  const ranked = [...pictures].sort((a, b) => a.after.psnr - b.after.psnr);
  if (pictures.length <= 2 * EXTREMES) {
    return Promise.all([casesOf('All pictures, from the lowest PSNR', ranked, folder)]);
  }
  return Promise.all([
    casesOf('Worst PSNR', ranked.slice(0, EXTREMES), folder),
    casesOf('Best PSNR', ranked.slice(-EXTREMES).reverse(), folder),
  ]);
}

/** dB of PSNR over the degraded picture. */
export const gainOf = ({ before, after }: PictureRecord): number => after.psnr - (before ?? after).psnr;

function losers(pictures: readonly PictureRecord[], folder: string | undefined, count: number): Promise<string[]> {
  const ranked = [...pictures].sort((a, b) => gainOf(a) - gainOf(b)).slice(0, count);
  return Promise.all([casesOf(`The ${ranked.length} that lost most, or gained least`, ranked, folder)]);
}

function chartsOf(pictures: readonly PictureRecord[]): string[] {
  const restored = pictures.some(({ before }) => before !== undefined);
  const distributions = SCORES.filter(({ name }) => pictures.some(({ after }) => after[name] !== undefined))
    .filter(({ name }) => !name.endsWith('Luma'))
    .map(({ name, title }) =>
      histogram({
        title,
        xTitle: name === 'psnr' ? 'PSNR (dB)' : title,
        series: [
          { name: 'result', values: pictures.map(({ after }) => after[name] ?? Number.NaN) },
          ...(pictures.some(({ before }) => before?.[name] !== undefined)
            ? [{ name: 'degraded', values: pictures.map(({ before }) => before?.[name] ?? Number.NaN) }]
            : []),
        ],
      }),
    );
  const order = [...pictures].sort((a, b) => (a.before ?? a.after).psnr - (b.before ?? b.after).psnr);
  const curve = lineChart({
    title: restored ? 'PSNR of each picture, by that of the degraded one' : 'PSNR of each picture, sorted',
    xTitle: 'picture',
    yTitle: 'dB',
    series: [
      { name: 'result', points: order.map(({ after }, i) => [i + 1, after.psnr]) },
      ...(restored
        ? [{ name: 'degraded', points: order.map(({ before }, i) => [i + 1, before?.psnr ?? Number.NaN] as const) }]
        : []),
    ],
  });
  return [curve, ...distributions];
}

function spreadTable(pictures: readonly PictureRecord[]): string {
  const rows = SCORES.flatMap(({ name, title, digits }) => {
    const statistics = statisticsOf(pictures.map(({ after }) => after[name]));
    if (!statistics) return [];
    const { mean, interval, median, deviation, least, most } = statistics;
    const cells = [mean, median, deviation, least, most].map((value) => formatScore(value, digits));
    return [[title, `${cells[0]} ± ${formatScore(interval, digits)}`, ...cells.slice(1)]];
  });
  const titles = ['', 'mean ± 95 %', 'median', 'deviation', 'least', 'most'];
  return htmlTable(titles, rows, { caption: 'Spread over the pictures' });
}

function pictureTable(pictures: readonly PictureRecord[]): string {
  const shown = SCORES.filter(({ name }) => pictures.some(({ after }) => after[name] !== undefined));
  const restored = pictures.some(({ before }) => before !== undefined);
  const cell = (value: number | undefined, digits: number): Cell => ({
    text: formatScore(value, digits),
    value: value ?? Number.NaN,
  });
  const titles = [
    'Picture',
    'Size',
    ...shown.map(({ title }) => title),
    ...(restored ? ['Degraded PSNR', 'Gain', 's'] : []),
    'Prompt',
  ];
  const rows = pictures.map(({ id, width, height, before, after, seconds, prompt }) => [
    id,
    { text: `${width}x${height}`, value: width * height },
    ...shown.map(({ name, digits }) => cell(after[name], digits)),
    ...(restored ? [cell(before?.psnr, 2), cell(before && after.psnr - before.psnr, 2), cell(seconds, 2)] : []),
    prompt,
  ]);
  return htmlTable(titles, rows, { caption: 'Every picture; the heads of the columns sort', sortable: true });
}

async function casesOf(title: string, pictures: readonly PictureRecord[], folder: string | undefined): Promise<string> {
  if (folder === undefined) return '';
  const figures = await Promise.all(pictures.map((picture) => figureOf(picture, folder)));
  const shown = figures.filter((figure) => figure !== '');
  return shown.length === 0 ? '' : `<h3>${escapeHtml(title)}</h3><div class="cases">${shown.join('\n')}</div>`;
}

/** Two pictures under a slider; the left one can be changed for the target. A preview that was removed is left out. */
async function figureOf({ id, previews, before, after, prompt }: PictureRecord, folder: string): Promise<string> {
  if (!previews) return '';
  const embed = (file: string) =>
    readFile(join(folder, file)).then(
      (bytes) => `data:image/webp;base64,${bytes.toString('base64')}`,
      () => undefined,
    );
  const [degraded, result, target] = await Promise.all([
    previews.before === undefined ? undefined : embed(previews.before),
    embed(previews.after),
    embed(previews.target),
  ]);
  if (result === undefined || target === undefined) return '';
  const name = escapeHtml(id);
  const left = degraded ?? target;
  const word = degraded === undefined ? 'target' : 'degraded';
  const choice =
    degraded === undefined ? '' : `<label><input type="checkbox"> target instead of the degraded picture</label>`;
  const from = before ? `${formatScore(before.psnr, 2)} → ` : '';
  const words = prompt === '' ? '' : `, “${escapeHtml(prompt)}”`;
  return `<figure class="case"><div class="compare"><img class="under" src="${left}" data-other="${target}" alt="${name}, ${word}"><img class="over" src="${result}" alt="${name}, result"><span class="left">${word}</span><span class="right">result</span></div><input type="range" min="0" max="100" value="50" aria-label="Boundary between the two pictures of ${name}">${choice}<figcaption>${name}: ${from}${formatScore(after.psnr, 2)} dB, SSIM ${formatScore(after.ssim, 4)}${words}</figcaption></figure>`;
}
