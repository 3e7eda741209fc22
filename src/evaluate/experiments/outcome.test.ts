/** The files and the text of an outcome that is written down here. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import { lineChart } from '../report/charts.ts';
import { parseExperiment } from './config.ts';
import { type Outcome, outcomeText, writeOutcome } from './outcome.ts';

const config = parseExperiment(
  {
    ...{ kind: 'controller', title: 'Own', notes: ['One note.'], paper: [] },
    composites: { clean: 'c', layers: 'l', haze: 'h' },
  },
  'given',
);
const line = lineChart({ title: 'C', xTitle: 'x', yTitle: 'y', series: [{ name: 's', points: [[0, 1]] }] });
const whole: Outcome = {
  tables: [
    { title: 'First', titles: ['', 'dB'], rows: [['a', '1.00']], note: 'What dB are.' },
    { title: 'Second', titles: ['', 'dB'], rows: [['b', '2.00']] },
  ],
  charts: [{ name: 'curve', svg: line }],
  results: [],
  missing: ['gone', 'gone'],
  details: { own: 1 },
};
const bare: Outcome = { tables: [], charts: [], results: [], missing: [] };

async function written(outcome: Outcome) {
  const folder = await temporaryFolder();
  const path = await writeOutcome(config, outcome, { model: 'm' }, folder);
  expect(path).toBe(join(folder, 'report.html'));
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  return { folder, html: await read('report.html'), tables: await read('tables.md'), json: await read('results.json') };
}

it('as text has its tables with their notes, and what is missing', () => {
  expect(outcomeText(whole)).toBe(
    [
      ...['First', '', '     dB', '-  ----', 'a  1.00', 'What dB are.', '', 'Second', '', '     dB', '-  ----'],
      ...['b  2.00', '', 'gone', '', 'gone', ''],
    ].join('\n'),
  );
  expect(outcomeText(bare)).toBe('');
});

it('is written as a page, as Markdown, as JSON and as pictures that bring their own colours', async () => {
  const { folder, html, tables, json } = await written(whole);
  expect((await readdir(folder)).sort()).toEqual(['curve.svg', 'report.html', 'results.json', 'tables.md']);
  const headings = [...html.matchAll(/<h2>([^<]+)</g)].map(([, text]) => text);
  expect(headings).toEqual(['Means', 'About these numbers', 'Not measured', 'First', 'Second', 'Curves']);
  expect(html).toContain('<p>One note.</p>');
  expect(html.match(/<p class="warning">gone<\/p>/g)).toHaveLength(1);
  expect(html).toContain('<caption>What dB are.</caption>');
  expect(html).toContain('<caption>Second</caption>');
  expect(tables).toBe(
    [
      ...['## First', '', '|  | dB |', '| --- | ---: |', '| a | 1.00 |', '', 'What dB are.', ''],
      ...['## Second', '', '|  | dB |', '| --- | ---: |', '| b | 2.00 |', '', '- gone', ''],
    ].join('\n'),
  );
  expect(JSON.parse(json)).toMatchObject({ title: 'Own', model: 'm', missing: ['gone'], details: { own: 1 } });
  const svg = await readFile(join(folder, 'curve.svg'), 'utf8');
  expect(svg).toMatch(/^<svg[^>]*><style>[\s\S]*--series-0/);
});

it('has no section for what it has not', async () => {
  const { folder, html, json } = await written(bare);
  expect([...html.matchAll(/<h2>([^<]+)</g)].map(([, text]) => text)).toEqual(['Means', 'About these numbers']);
  expect(JSON.parse(json)).not.toHaveProperty('details');
  expect((await readdir(folder)).sort()).toEqual(['report.html', 'results.json', 'tables.md']);
});
