/**
 * Restoring with this checkout beside another one, such as the commit before a change:
 *
 *   git worktree add ../before COMMIT && ln -s "$PWD/node_modules" ../before/node_modules
 *   npm run bench:beside -- --before ../before [--sizes 1024x1024] [--rounds 3] [--threads 1] [--photo FILE]
 *     [--model FILE] [--prompt TEXT]
 *
 * The two take turns, a fresh process each, so that whatever else the machine does meets both. The fastest of each counts, in
 * processor time and by the clock; with one thread, processor time says something even on a busy machine. The results are
 * compared pixel by pixel. With `--model`, both restore with these weights; otherwise each with its own. With
 * `--prompt`, both do what it says; otherwise each what it finds.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import sharp from 'sharp';
import type { BesideMeasurement, BesideTask } from './beside-child.ts';
import { describeMachine, machine } from './machine.ts';
import { markdownTable } from './table.ts';

const { values } = parseArgs({
  options: {
    before: { type: 'string' },
    sizes: { type: 'string', default: '512x512,1024x1024' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '1' },
    model: { type: 'string' },
    prompt: { type: 'string' },
    photo: { type: 'string', default: fileURLToPath(new URL('../examples/photo.jpg', import.meta.url)) },
  },
});
if (values.before === undefined) throw new Error('--before: expected the folder of another checkout, received none');
const model = values.model === undefined ? undefined : resolve(values.model);
const trees = { before: resolve(values.before), now: fileURLToPath(new URL('..', import.meta.url)) };
const CHILD = fileURLToPath(new URL('beside-child.ts', import.meta.url));

async function measured(task: BesideTask): Promise<BesideMeasurement> {
  const arguments_ = ['--import', import.meta.resolve('tsx'), CHILD, JSON.stringify(task)];
  const { stdout } = await promisify(execFile)(process.execPath, arguments_);
  return JSON.parse(stdout) as BesideMeasurement;
}

/** Largest difference of two 8-bit pictures, in levels of 255. */
async function difference(a: string, b: string): Promise<number> {
  const [one, other] = await Promise.all([a, b].map((file) => sharp(file).raw().toBuffer()));
  if (!one || !other || one.length !== other.length) return Number.NaN;
  return one.reduce((most, value, i) => Math.max(most, Math.abs(value - (other[i] ?? 0))), 0);
}

const folder = await mkdtemp(join(tmpdir(), 'clearword-beside-'));
const rows: string[][] = [];
try {
  for (const size of values.sizes.split(',')) {
    const [width = 0, height = 0] = size.split('x').map(Number);
    const input = join(folder, `${size}.jpg`);
    await sharp(values.photo).resize(width, height, { fit: 'cover' }).jpeg({ quality: 92 }).toFile(input);
    const runs: Record<keyof typeof trees, BesideMeasurement[]> = { before: [], now: [] };
    const output = (name: string) => join(folder, `${size}-${name}.png`);
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const name of ['before', 'now'] as const) {
        const task = {
          tree: trees[name],
          input,
          output: output(name),
          threads: Number(values.threads),
          model,
          prompt: values.prompt,
        };
        runs[name].push(await measured(task));
      }
    }
    const least = (name: keyof typeof trees, of: (run: BesideMeasurement) => number) => Math.min(...runs[name].map(of));
    const row = (what: string, of: (run: BesideMeasurement) => number, digits = 2) => {
      const [before, now] = [least('before', of), least('now', of)];
      rows.push([size, what, before.toFixed(digits), now.toFixed(digits), (before / now).toFixed(2)]);
    };
    row('loading, s of processor time', ({ load }) => load.cpu);
    row('restoring, s of processor time', ({ restore }) => restore.cpu);
    row('restoring, s', ({ restore }) => restore.wall);
    row('peak, MiB', ({ peak }) => peak, 0);
    rows.push([
      size,
      'largest difference, levels of 255',
      '',
      `${await difference(output('before'), output('now'))}`,
      '',
    ]);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(`${describeMachine(machine())}; ${values.threads} threads, fastest of ${values.rounds} rounds\n`);
console.log(markdownTable(['Photo', 'What', 'Before', 'Now', 'Before / now'], rows));
