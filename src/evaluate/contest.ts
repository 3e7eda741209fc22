/**
 * Several models on one set: a column each, what they differ by picture by picture, and all results of a picture under one slider.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvaluationResult } from './evaluate.ts';
import type { PictureRecord } from './journal.ts';
import { formatScore } from './outputs.ts';
import { type Cell, escapeHtml, htmlTable, paragraph, section } from './report/html.ts';
import { SCORES, type ScoreName, statisticsOf } from './scores.ts';

/** What a model made of a set. */
export interface Entrant {
  /** Unlike that of any other. */
  readonly name: string;
  readonly hash: string;
  readonly result: EvaluationResult;
}

/** A difference of two models over the pictures that both restored: later minus first. */
export interface PairedDifference {
  readonly model: string;
  readonly from: string;
  readonly score: ScoreName;
  readonly mean: number;
  /** Half the width of the 95 % confidence interval of the mean. */
  readonly interval: number;
  readonly pictures: number;
}

const COMPARED: readonly ScoreName[] = ['psnr', 'ssim', 'psnrLuma', 'ssimLuma', 'lpips', 'niqe'];

/** Differences of every model from every one before it. */
export function pairedDifferences(entrants: readonly Entrant[]): PairedDifference[] {
  return entrants.flatMap((later, i) => entrants.slice(0, i).flatMap((first) => differences(first, later)));
}

function differences(first: Entrant, later: Entrant): PairedDifference[] {
  const base = new Map(first.result.pictures.map((picture) => [picture.id, picture]));
  return COMPARED.flatMap((score) => {
    const gains = later.result.pictures.map(({ id, after }) => {
      const before = base.get(id)?.after[score];
      const own = after[score];
      return before === undefined || own === undefined ? undefined : own - before;
    });
    const statistics = statisticsOf(gains);
    if (statistics === undefined || statistics.count < 2) return [];
    const { mean, interval, count: pictures } = statistics;
    return [{ model: later.name, from: first.name, score, mean, interval, pictures }];
  });
}

const megapixels = ({ width, height }: PictureRecord): number => (width * height) / 1e6;

/** Seconds for a megapixel, over all pictures together. */
export function secondsPerMegapixel(pictures: readonly PictureRecord[]): number {
  const sum = (of: (picture: PictureRecord) => number) => pictures.reduce((total, picture) => total + of(picture), 0);
  return sum(({ seconds }) => seconds) / sum(megapixels);
}

/** Most memory that the process held while a picture was restored, in megabytes. */
export const mostMemory = (pictures: readonly PictureRecord[]): number | undefined =>
  pictures.reduce<number | undefined>(
    (most, { memory }) => (memory === undefined ? most : Math.max(most ?? 0, memory)),
    undefined,
  );

/** Titles and rows: a measure each, with a column for every model. */
export function contestTable(entrants: readonly Entrant[]): { readonly titles: string[]; readonly rows: string[][] } {
  const [first] = entrants;
  const degraded = first?.result.before;
  const titles = ['', ...(degraded ? ['degraded'] : []), ...entrants.map(({ name }) => name)];
  const row = (
    title: string,
    digits: number,
    before: number | undefined,
    of: (entrant: Entrant) => number | undefined,
  ) => [
    title,
    ...(degraded ? [formatScore(before, digits)] : []),
    ...entrants.map((entrant) => formatScore(of(entrant), digits)),
  ];
  const shown = SCORES.filter(({ name }) => entrants.some(({ result }) => result.mean[name] !== undefined));
  const withFid = entrants.some(({ result }) => result.fid !== undefined);
  return {
    titles,
    rows: [
      ...shown.map(({ name, title, digits }) =>
        row(title, digits, degraded?.[name], ({ result }) => result.mean[name]),
      ),
      ...(withFid ? [row('FID', 2, undefined, ({ result }) => result.fid)] : []),
      row('pictures', 0, undefined, ({ result }) => result.pictures.length),
      row('s a picture', 2, undefined, ({ result }) => result.secondsEach),
      row('s a megapixel', 2, undefined, ({ result }) => secondsPerMegapixel(result.pictures)),
      row('MB of memory', 0, undefined, ({ result }) => mostMemory(result.pictures)),
    ],
  };
}

const scoreOf = (name: ScoreName) => SCORES.find((score) => score.name === name);

/** Titles and rows of the paired differences. */
export function differenceTable(entrants: readonly Entrant[]): {
  readonly titles: string[];
  readonly rows: string[][];
} {
  const rows = pairedDifferences(entrants).map(({ model, from, score, mean, interval, pictures }) => {
    const { title = score, digits = 3 } = scoreOf(score) ?? {};
    const more = digits + 1;
    return [`${model} - ${from}`, title, formatScore(mean, more), formatScore(interval, more), String(pictures)];
  });
  return { titles: ['', 'measure', 'mean difference', '± 95 %', 'pictures'], rows };
}

/** Pictures whose results are shown: the most different ones first. */
const SHOWN = 12;

/** The sections of a report. */
export async function contestSections(entrants: readonly Entrant[], folder: string): Promise<string[]> {
  const table = contestTable(entrants);
  const paired = differenceTable(entrants);
  const pictures = picturesOf(entrants);
  const figures = await Promise.all(
    pictures.slice(0, SHOWN).map(({ id, records }) => figureOf(id, entrants, records, folder)),
  );
  return [
    section(
      'Models',
      htmlTable(table.titles, table.rows, { caption: 'Means over the pictures' }),
      ...(paired.rows.length > 0
        ? [
            htmlTable(paired.titles, paired.rows, { caption: 'Paired differences, picture by picture' }),
            paragraph('Where 0 lies within mean ± interval, the pictures do not tell the two models apart.'),
          ]
        : []),
    ),
    section(
      'Results side by side',
      `<div class="cases">${figures.filter((figure) => figure !== '').join('\n')}</div>`,
      wideTable(entrants, pictures),
    ),
  ];
}

interface Row {
  readonly id: string;
  /** As many as models; undefined where it could not restore the picture. */
  readonly records: readonly (PictureRecord | undefined)[];
}

/** Every picture that a model restored, those first on which the models differ most. */
function picturesOf(entrants: readonly Entrant[]): readonly Row[] {
  const ids = [...new Set(entrants.flatMap(({ result }) => result.pictures.map(({ id }) => id)))];
  const rows = ids.map((id) => ({
    id,
    records: entrants.map(({ result }) => result.pictures.find((picture) => picture.id === id)),
  }));
  const spread = ({ records }: Row) => {
    const values = records.flatMap((record) => (record ? [record.after.psnr] : []));
    return Math.max(...values) - Math.min(...values);
  };
  return rows.sort((a, b) => spread(b) - spread(a));
}

function wideTable(entrants: readonly Entrant[], pictures: readonly Row[]): string {
  const cell = (value: number | undefined, digits: number): Cell => ({
    text: formatScore(value, digits),
    value: value ?? Number.NaN,
  });
  const titles = ['Picture', 'Size', ...entrants.flatMap(({ name }) => [`${name}: PSNR`, 'SSIM', 's', 's/MP', 'MB'])];
  const rows = pictures.map(({ id, records }) => {
    const known = records.find((record) => record !== undefined);
    return [
      id,
      { text: `${known?.width}x${known?.height}`, value: (known?.width ?? 0) * (known?.height ?? 0) },
      ...records.flatMap((record) => [
        cell(record?.after.psnr, 2),
        cell(record?.after.ssim, 4),
        cell(record?.seconds, 2),
        cell(record && record.seconds / megapixels(record), 2),
        cell(record?.memory, 0),
      ]),
    ];
  });
  return htmlTable(titles, rows, { caption: 'Every picture; the heads of the columns sort', sortable: true });
}

/** A slider between any two of the degraded picture, the results and the target. */
async function figureOf(
  id: string,
  entrants: readonly Entrant[],
  records: Row['records'],
  folder: string,
): Promise<string> {
  const embed = (file: string | undefined) =>
    file === undefined
      ? undefined
      : readFile(join(folder, file)).then(
          (bytes) => `data:image/webp;base64,${bytes.toString('base64')}`,
          () => undefined,
        );
  const any = records.find((record) => record?.previews !== undefined)?.previews;
  const all = [
    { label: 'degraded', source: await embed(any?.before) },
    ...(await Promise.all(
      entrants.map(async ({ name }, i) => ({ label: name, source: await embed(records[i]?.previews?.after) })),
    )),
    { label: 'target', source: await embed(any?.target) },
  ].flatMap(({ label, source }) => (source === undefined ? [] : [{ label, source }]));
  const [left, right] = all;
  if (left === undefined || right === undefined) return '';
  const name = escapeHtml(id);
  const choice = (side: string, chosen: number) =>
    `<select data-side="${side}" aria-label="${side} picture of ${name}">${all
      .map(({ label }, i) => `<option${i === chosen ? ' selected' : ''}>${escapeHtml(label)}</option>`)
      .join('')}</select>`;
  // The pictures are there once; the script takes them from here.
  const sources = all.map(({ label, source }) => `<img hidden alt="${escapeHtml(label)}" src="${source}">`).join('');
  const scores = records.flatMap((record, i) =>
    record === undefined ? [] : [`${entrants[i]?.name ?? ''} ${formatScore(record.after.psnr, 2)} dB`],
  );
  return `<figure class="case contest"><div class="compare"><img class="under" src="${left.source}" alt="${name}, left"><img class="over" src="${right.source}" alt="${name}, right"><span class="left">${escapeHtml(left.label)}</span><span class="right">${escapeHtml(right.label)}</span></div><input type="range" min="0" max="100" value="50" aria-label="Boundary between the two pictures of ${name}"><div>${choice('left', 0)} ${choice('right', 1)}</div><div class="sources" hidden>${sources}</div><figcaption>${name}: ${escapeHtml(scores.join(', '))}</figcaption></figure>`;
}
