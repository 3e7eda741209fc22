/**
 * Packs what a machine with Python and PyTorch, and nothing else, needs to train a configuration:
 *
 *   npx tsx scripts/pack-training.ts CONFIG --output FOLDER [--archive FILE.tar.xz] [--no-node]
 *
 * FOLDER gets the built program with the packages that `clearword train` loads, the Python package, this Node compressed, the
 * configuration, and the model or checkpoint that it starts from. Pictures stay apart. There:
 *
 *   bash FOLDER/train-here.sh SECONDS OUT DATA
 *
 * The packages are those of this platform: pack on the kind of machine that is trained on.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { cardPath } from '../src/models/card.ts';
import { readTrainConfig } from '../src/train/config.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What runs there: the command, the loader's threads, and what train-here.mjs asks for by itself. */
const ENTRIES = [
  'cli/main.js',
  'cli/train.js',
  'cli/schema-options.js',
  'data/loader-worker.js',
  'train/export.js',
  'train/pytorch/engine.js',
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    output: { type: 'string', short: 'o' },
    archive: { type: 'string' },
    node: { type: 'boolean', default: true },
  },
});
const [configPath] = positionals;
if (configPath === undefined || values.output === undefined)
  throw new Error('expected CONFIG and --output FOLDER; see the head of scripts/pack-training.ts');
const output = resolve(values.output);

const run = (command: string, args: readonly string[], options: object = {}) =>
  execFileSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], ...options });

/** Imports of a built module that are followed when it loads. */
const STATIC = /^(?:import|export)\s+(?:[^;'"]*?\sfrom\s+)?['"](?<specifier>[^'"]+)['"]/gm;

/** Packages that the entries load, by their static imports. */
function packagesOf(dist: string): Set<string> {
  const [seen, packages] = [new Set<string>(), new Set<string>()];
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { groups } of readFileSync(file, 'utf8').matchAll(STATIC)) {
      const specifier = groups?.specifier ?? '';
      if (specifier.startsWith('.')) visit(resolve(dirname(file), specifier));
      else if (!specifier.startsWith('node:'))
        packages.add(specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
    }
  };
  for (const entry of ENTRIES) visit(join(dist, entry));
  return packages;
}

const packageSchema = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

/** Copies installed packages with what they depend on; of optional ones those that are installed. */
function copyPackages(names: Iterable<string>, to: string): void {
  const modules = join(ROOT, 'node_modules');
  const waiting = [...names];
  const done = new Set<string>();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const from = join(modules, name);
    if (done.has(name) || !existsSync(from)) continue;
    done.add(name);
    // Types, maps and documents are of no use there.
    const filter = (path: string) =>
      !/\.(d\.[cm]?ts|map|md|markdown)$/.test(path) && !/\/(docs?|tests?|src\/locales)$/.test(relative(from, path));
    cpSync(from, join(to, name), { recursive: true, dereference: true, filter });
    const described = packageSchema.parse(JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')));
    waiting.push(...Object.keys(described.dependencies), ...Object.keys(described.optionalDependencies));
  }
  console.error(`packages: ${[...done].sort().join(', ')}`);
}

/** Copies the model or checkpoint to start from, and gives the configuration its new place. */
function copyStart(initialise: string): string {
  const start = join(output, 'start');
  mkdirSync(start, { recursive: true });
  const paths = [initialise, ...(existsSync(cardPath(initialise)) ? [cardPath(initialise)] : [])];
  for (const path of paths) cpSync(path, join(start, basename(path)));
  return join('start', basename(initialise));
}

function sizeOf(path: string): number {
  const found = statSync(path);
  return found.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : found.size;
}

const config = await readTrainConfig(configPath);
rmSync(output, { recursive: true, force: true });
const app = join(output, 'app');
run('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', join(app, 'dist'), '--declaration', 'false']);
cpSync(join(ROOT, 'python'), join(app, 'python'), {
  recursive: true,
  filter: (path) => !path.includes('__pycache__'),
});
cpSync(join(ROOT, 'package.json'), join(app, 'package.json'));
copyPackages(packagesOf(join(app, 'dist')), join(app, 'node_modules'));
for (const name of ['train-here.sh', 'train-here.mjs']) cpSync(join(ROOT, 'scripts/pack', name), join(output, name));
const raw: unknown = JSON.parse(readFileSync(configPath, 'utf8'));
const changes = config.initialise === undefined ? {} : { initialise: copyStart(config.initialise) };
writeFileSync(join(output, 'config.json'), JSON.stringify(Object.assign({}, raw, changes), null, 2));
if (values.node) run('bash', ['-c', `xz -T0 -1 -c "${process.execPath}" > "${join(output, 'node.xz')}"`]);
console.error(`${output}: ${(sizeOf(output) / 2 ** 20).toFixed(1)} MiB`);
if (values.archive !== undefined) {
  run('tar', ['-cJf', resolve(values.archive), '-C', dirname(output), basename(output)]);
  console.error(`${values.archive}: ${(sizeOf(values.archive) / 2 ** 20).toFixed(1)} MiB`);
}
