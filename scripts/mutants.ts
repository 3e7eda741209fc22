/**
 * Changes the code behind the published numbers, one expression at a time, and asks whether a test notices.
 *
 *     npm run test:mutants                  a tenth of all mutants of everything below
 *     npm run test:mutants -- --every 1 src/evaluate/scores.ts
 *
 * Each operator, number, condition and Math.min or Math.max has a mutant. The tests that import the file, the nearest first,
 * run until one fails; a mutant that none of them notices is listed.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { globSync } from 'tinyglobby';
import { parseSync } from 'vite';
import { BaseSequencer, createVitest, type TestModule, type TestSpecification, type Vitest } from 'vitest/node';
import { z } from 'zod';
import { limits } from '../vitest.config.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TARGETS = ['src/evaluate', 'src/metrics', 'src/train/validation.ts'];
/** Texts and styles, which have no numbers to be wrong, and weights that have to be downloaded. */
const LEFT_OUT = [/style\.ts$/, /\.test\.ts$/, /evaluate\/weights\/published\.ts$/];
const TESTS = [
  'src/metrics/**/*.test.ts',
  'src/evaluate/**/*.test.ts',
  'src/train/validation.test.ts',
  'src/cli/evaluate.test.ts',
  'test/parity/metrics.test.ts',
];
const SETUP = { ...limits, globalSetup: 'test/support/loaders.setup.ts' };
/** Milliseconds without the result of a test, after which a mutant never ends: it counts as noticed. */
const PATIENCE = 120_000;

interface Mutant {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const OPERATORS: Readonly<Record<string, string>> = {
  ...{ '+': '-', '-': '+', '*': '/', '/': '*', '%': '*', '**': '*' },
  ...{ '<': '<=', '<=': '<', '>': '>=', '>=': '>', '===': '!==', '!==': '===' },
  ...{ '&&': '||', '||': '&&' },
};

/** A node of the syntax tree, as far as mutants need it. */
const nodeSchema = z.looseObject({ type: z.string(), start: z.number(), end: z.number() });
type Node = z.infer<typeof nodeSchema>;
const asNode = (value: unknown): Node | undefined => nodeSchema.safeParse(value).data;

/** Types are no code; an assertion has code within. */
const isType = ({ type }: Node) => type.startsWith('TS') && !/^TS(As|NonNull|Satisfies)/.test(type);

function mutantsIn(file: string): Mutant[] {
  const code = readFileSync(resolve(ROOT, file), 'utf8');
  const found: Mutant[] = [];
  const add = (start: number, end: number, text: string) => found.push({ file, start, end, text });
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const child of value) visit(child);
    const node = Array.isArray(value) ? undefined : asNode(value);
    if (!node || isType(node) || node.type === 'ImportDeclaration') return;
    const [left, right] = [asNode(node.left), asNode(node.right)];
    if (/^(Binary|Logical)Expression$/.test(node.type) && left && right) {
      const operator = String(node.operator);
      const replacement = OPERATORS[operator];
      const at = code.indexOf(operator, left.end);
      // Joined texts are no arithmetic.
      if (replacement && at < right.start && !/^['"`]/.test(code.slice(right.start)))
        add(at, at + operator.length, replacement);
    } else if (node.type === 'UnaryExpression' && /^[-!]$/.test(String(node.operator))) {
      add(node.start, node.start + 1, '');
    } else if (node.type === 'Literal' && typeof node.value === 'number') {
      add(node.start, node.end, String(node.value + 1));
    } else if (node.type === 'ConditionalExpression') {
      const test = asNode(node.test);
      if (test) add(test.start, test.end, `!(${code.slice(test.start, test.end)})`);
    } else if (node.type === 'CallExpression') {
      const callee = asNode(node.callee);
      const name = callee && code.slice(callee.start, callee.end);
      if (callee && (name === 'Math.min' || name === 'Math.max'))
        add(callee.start, callee.end, name === 'Math.min' ? 'Math.max' : 'Math.min');
    }
    for (const [key, child] of Object.entries(node)) {
      // A loop that counts the wrong way never ends, which says nothing about the tests.
      if (!(node.type === 'ForStatement' && key === 'update') && typeof child === 'object') visit(child);
    }
  };
  visit(parseSync(file, code).program.body);
  return found;
}

/** How many imports lie between a test and each file that it uses. */
function distancesFrom(test: string): Map<string, number> {
  const distances = new Map([[test, 0]]);
  // Grows while it is gone through: breadth first.
  for (const [file, distance] of distances) {
    const code = readFileSync(resolve(ROOT, file), 'utf8');
    for (const [, path = ''] of code.matchAll(/(?:from |import\()'(\.[^']+\.ts)'/g)) {
      const next = relative(ROOT, resolve(ROOT, dirname(file), path));
      if (!distances.has(next)) distances.set(next, distance + 1);
    }
  }
  return distances;
}

/** Runs test files in the order in which they are given. */
class AsGiven extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files;
  }
}

/** Runs tests with one mutant in place of the code. */
class Laboratory {
  #vitest: Vitest | undefined;
  #mutant: Mutant | undefined;
  /** When a test ended last. */
  #alive = 0;

  async #open(): Promise<Vitest> {
    const plugin = {
      name: 'clearword-mutant',
      enforce: 'pre' as const,
      transform: (code: string, id: string) => {
        const mutant = this.#mutant;
        if (mutant === undefined || id !== resolve(ROOT, mutant.file)) return undefined;
        return code.slice(0, mutant.start) + mutant.text + code.slice(mutant.end);
      },
    };
    const reporter = {
      onTestCaseResult: () => {
        this.#alive = performance.now();
      },
    };
    // One process for all files of a run, as loading the library anew takes longer than most tests.
    const together = { maxWorkers: 1, isolate: false, bail: 1, sequence: { sequencer: AsGiven } };
    // Without the configuration of the tests, whose projects would not have the plugin.
    const options = { watch: false, root: ROOT, config: false as const, reporters: [reporter], ...together, ...SETUP };
    return createVitest('test', options, { plugins: [plugin] });
  }

  /** The first of the test files that fails, undefined where none does; a run that does not end fails. */
  async failure(tests: readonly string[], mutant?: Mutant): Promise<string | undefined> {
    this.#vitest ??= await this.#open();
    const vitest = this.#vitest;
    for (const one of [this.#mutant, mutant]) if (one) vitest.invalidateFile(resolve(ROOT, one.file));
    this.#mutant = mutant;
    const paths = tests.map((test) => resolve(ROOT, test));
    const all = await vitest.globTestSpecifications(paths);
    const specifications = paths.flatMap((path) => all.find(({ moduleId }) => moduleId === path) ?? []);
    if (specifications.length !== tests.length)
      throw new Error(`expected the test files ${tests.join(', ')}, found ${specifications.length}`);
    // Those of the run before are kept otherwise, and would stand for this one's.
    vitest.state.clearErrors();
    const result = await this.#unlessStuck(vitest.runTestSpecifications(specifications));
    if (result === undefined) {
      await this.close();
      return 'no end';
    }
    // The result has the test files of earlier runs as well; where one fails, those after it have no result of this run.
    const own = paths.map((path) => result.testModules.find(({ moduleId }) => moduleId === path));
    const failed = own.findIndex((module) => module?.state() === 'failed');
    if (failed >= 0) return tests[failed];
    if (result.unhandledErrors.length > 0) return 'an unhandled error';
    if (!own.every(passed)) throw new Error(`expected results of ${tests.join(', ')}`);
    return undefined;
  }

  /** What the run comes to; undefined where no test has ended for a long time. */
  async #unlessStuck<Result>(run: Promise<Result>): Promise<Result | undefined> {
    this.#alive = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const stuck = new Promise<undefined>((done) => {
      timer = setInterval(() => performance.now() - this.#alive > PATIENCE && done(undefined), 1000);
    });
    return Promise.race([run, stuck]).finally(() => clearInterval(timer));
  }

  async close(): Promise<void> {
    await this.#vitest?.close();
    this.#vitest = undefined;
  }
}

/** Skipped where it needs a program that is not here. */
const passed = (module: TestModule | undefined) => module?.state() === 'passed' || module?.state() === 'skipped';

const { values, positionals } = parseArgs({
  options: { every: { type: 'string', default: '10' } },
  allowPositionals: true,
});
const every = z.coerce.number().int().min(1).parse(values.every);
const patterns = (positionals.length > 0 ? positionals : TARGETS).map((path) =>
  path.endsWith('.ts') ? path : `${path}/**/*.ts`,
);
const files = globSync(patterns, { cwd: ROOT }).filter((file) => !LEFT_OUT.some((pattern) => pattern.test(file)));
const mutants = files.sort().flatMap(mutantsIn);
const chosen = mutants.filter((_, i) => i % every === 0);
if (chosen.length === 0) throw new Error(`expected files with code to change, received ${patterns.join(', ')}`);
const tests = globSync(TESTS, { cwd: ROOT }).map((test) => ({ test, distances: distancesFrom(test) }));

/** Test files that pass without a mutant: one that fails anyhow would notice every mutant. */
const sound = new Set<string>();
const laboratory = new Laboratory();
const survivors: string[] = [];
const began = performance.now();
for (const [i, mutant] of chosen.entries()) {
  const { file, start, end, text } = mutant;
  const distanceOf = ({ distances }: (typeof tests)[number]) => distances.get(file) ?? Number.POSITIVE_INFINITY;
  const near = tests
    .filter((one) => Number.isFinite(distanceOf(one)))
    .sort((a, b) => distanceOf(a) - distanceOf(b))
    .map(({ test }) => test);
  const unknown = near.filter((test) => !sound.has(test));
  const broken = unknown.length > 0 ? await laboratory.failure(unknown) : undefined;
  if (broken !== undefined) throw new Error(`expected ${broken} to pass without a mutant, and it fails`);
  for (const test of unknown) sound.add(test);
  const noticed = near.length > 0 && (await laboratory.failure(near, mutant)) !== undefined;
  const code = readFileSync(resolve(ROOT, file), 'utf8');
  const line = code.slice(0, start).split('\n').length;
  const place = `${file}:${line}: ${code.slice(start, end)} -> ${text === '' ? '(nothing)' : text}`;
  if (!noticed) survivors.push(`${place}\n    ${code.split('\n')[line - 1]?.trim()}`);
  console.log(`${i + 1}/${chosen.length} ${noticed ? 'noticed ' : 'SURVIVED'} ${place}`);
}
await laboratory.close();
const killed = chosen.length - survivors.length;
const minutes = (performance.now() - began) / 60_000;
console.log(
  `\n${killed} of ${chosen.length} mutants noticed (${((100 * killed) / chosen.length).toFixed(1)} %), one in ${every} of ${mutants.length}, in ${minutes.toFixed(1)} minutes`,
);
for (const survivor of survivors) console.log(`survived: ${survivor}`);
process.exit(0);
