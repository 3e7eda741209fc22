/**
 * Changes the code behind the published numbers, one expression at a time, and asks whether a test notices.
 *
 *     npm run test:mutants                  a tenth of all mutants of everything below
 *     npm run test:mutants -- --every 1 src/evaluate/scores.ts
 *
 * Each operator, number, condition and Math.min or Math.max has a mutant. The tests that import the file, the quickest first,
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
import { createVitest, type Vitest } from 'vitest/node';
import { z } from 'zod';

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
const LIMITS = { globalSetup: 'test/support/loaders.setup.ts', testTimeout: 120_000, hookTimeout: 120_000 };
/** Milliseconds after which a mutant that never ends counts as noticed. */
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

/** Runs tests with one mutant in place of the code. */
class Laboratory {
  #vitest: Vitest | undefined;
  #mutant: Mutant | undefined;

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
    // Without the configuration of the tests, whose projects would not have the plugin.
    const options = { watch: false, root: ROOT, config: false as const, reporters: [{}], maxWorkers: 1, ...LIMITS };
    return createVitest('test', options, { plugins: [plugin] });
  }

  /** Whether the test file fails; a run that does not end does. */
  async fails(test: string, mutant?: Mutant): Promise<boolean> {
    this.#vitest ??= await this.#open();
    const vitest = this.#vitest;
    for (const one of [this.#mutant, mutant]) if (one) vitest.invalidateFile(resolve(ROOT, one.file));
    this.#mutant = mutant;
    const specifications = await vitest.globTestSpecifications([resolve(ROOT, test)]);
    if (specifications.length !== 1) throw new Error(`expected one test file ${test}, found ${specifications.length}`);
    // Those of the run before are kept otherwise, and would stand for this one's.
    vitest.state.clearErrors();
    const run = vitest.runTestSpecifications(specifications);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((done) => {
      timer = setTimeout(() => done(undefined), PATIENCE);
    });
    const result = await Promise.race([run, late]);
    clearTimeout(timer);
    if (result === undefined) {
      await this.close();
      return true;
    }
    // The result has the test files of earlier runs as well.
    const own = result.testModules.find(({ moduleId }) => moduleId === resolve(ROOT, test));
    if (own === undefined) throw new Error(`expected a result of ${test}, received none`);
    return result.unhandledErrors.length > 0 || own.state() === 'failed';
  }

  async close(): Promise<void> {
    await this.#vitest?.close();
    this.#vitest = undefined;
  }
}

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

/** Milliseconds of a test file that was not run yet, for each import between it and the code. */
const GUESS = 2000;
/** Milliseconds that each test file took last: the quick ones first. */
const took = new Map<string, number>();
const laboratory = new Laboratory();
const survivors: string[] = [];
const began = performance.now();
for (const [i, mutant] of chosen.entries()) {
  const { file, start, end, text } = mutant;
  const near = tests
    .flatMap(({ test, distances }) => ({ test, distance: distances.get(file) ?? Number.POSITIVE_INFINITY }))
    .filter(({ distance }) => Number.isFinite(distance))
    .map(({ test, distance }) => ({ test, cost: took.get(test) ?? GUESS * distance }))
    .sort((a, b) => a.cost - b.cost);
  let noticed = false;
  for (const { test } of near) {
    // One that fails anyhow would notice every mutant.
    if (!took.has(test) && (await laboratory.fails(test)))
      throw new Error(`expected ${test} to pass without a mutant, and it fails`);
    const started = performance.now();
    noticed = await laboratory.fails(test, mutant);
    took.set(test, performance.now() - started);
    if (noticed) break;
  }
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
