/**
 * Makes the pages of docs/results from the output folders of `clearword experiment`:
 *
 *   npx tsx scripts/publish-results.ts RESULTS_FOLDER [--output docs/results]
 *
 * RESULTS_FOLDER has a folder for each experiment, called as it is. A page has the experiment's command, notes, tables and
 * curves; the HTML report comes along where it is small.
 */
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { markdownTable, missingMetrics } from '../src/evaluate/outputs.ts';

/** The repository is no place for megabytes of previews. */
const SMALL_REPORT = 1_000_000;

const resultsSchema = z.object({
  title: z.string(),
  experiment: z.string(),
  weights: z.string(),
  version: z.string(),
  machine: z.string(),
  date: z.string(),
  limit: z.int().optional(),
  config: z.object({ notes: z.array(z.string()), paper: z.array(z.string()) }),
  tables: z.array(
    z.object({
      title: z.string(),
      titles: z.array(z.string()),
      rows: z.array(z.array(z.string())),
      note: z.string().optional(),
    }),
  ),
  missing: z.array(z.string()),
  results: z.array(z.object({ unavailable: z.record(z.string(), z.string()) })),
});
type Results = z.infer<typeof resultsSchema>;

const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

function page(results: Results, charts: readonly string[], report: boolean): string {
  const { experiment, config, tables, limit } = results;
  const missing = [...missingMetrics(results.results), ...results.missing];
  const about = `Weights: ${results.weights}. Clearword ${results.version}, ${results.machine}, ${results.date}.`;
  const parts = [
    `# ${results.title}`,
    `\`\`\`sh\nclearword experiment ${experiment} --data data -o results/${experiment}${limit === undefined ? '' : ` --limit ${limit}`}\n\`\`\``,
    report ? `${about} [The report](${experiment}.html) is one HTML file; save it to open it.` : about,
    bullets(config.notes),
    ...(config.paper.length > 0 ? ['## What the paper reports', bullets(config.paper)] : []),
    ...tables.flatMap(({ title, titles, rows, note }) => [
      `## ${title}`,
      markdownTable(titles, rows),
      ...(note ? [note] : []),
    ]),
    ...(charts.length > 0
      ? ['## Curves', charts.map((name) => `![${name}](${experiment}/${name}.svg)`).join('\n\n')]
      : []),
    ...(missing.length > 0 ? ['## Not measured', bullets(missing)] : []),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { output: { type: 'string', default: 'docs/results' } },
});
const [root] = positionals;
if (root === undefined) throw new Error('expected the folder with the results of the experiments');
const { output } = values;
await mkdir(output, { recursive: true });
for (const name of (await readdir(root)).sort()) {
  const folder = join(root, name);
  const text = await readFile(join(folder, 'results.json'), 'utf8').catch(() => undefined);
  if (text === undefined) continue;
  const results = resultsSchema.parse(JSON.parse(text));
  const { experiment } = results;
  const charts = (await readdir(folder)).filter((file) => file.endsWith('.svg')).sort();
  if (charts.length > 0) await mkdir(join(output, experiment), { recursive: true });
  for (const chart of charts) await copyFile(join(folder, chart), join(output, experiment, chart));
  const report = join(folder, 'report.html');
  const small = (await stat(report)).size <= SMALL_REPORT;
  if (small) await copyFile(report, join(output, `${experiment}.html`));
  const names = charts.map((file) => file.replace(/\.svg$/, ''));
  await writeFile(join(output, `${experiment}.md`), page(results, names, small));
  console.log(`${experiment}: ${results.tables.length} tables, ${charts.length} curves${small ? ', report' : ''}`);
}
