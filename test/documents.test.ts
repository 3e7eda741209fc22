/**
 * What the documents say is true: their TypeScript compiles and runs, their commands and options exist, their links lead
 * somewhere.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../src/cli/registry.ts';
import { allOptions, flagOf } from '../src/cli/schema-options.ts';
import { temporaryFolder } from './support/pictures.ts';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const execute = promisify(execFile);

const markdown = (folder: string): string[] =>
  readdirSync(join(REPOSITORY, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => (folder === '.' ? name : `${folder}/${name}`));
const documents = ['.', 'docs', 'examples'].flatMap(markdown);
const textOf = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');

interface Block {
  readonly path: string;
  readonly code: string;
  /** Line of the document that the code begins on. */
  readonly line: number;
}

function blocks(language: string): Block[] {
  return documents.flatMap((path) => {
    const text = textOf(path);
    return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
      ({ 1: code = '', index }) => ({
        path,
        code,
        line: text.slice(0, index).split('\n').length + 1,
      }),
    );
  });
}

describe('TypeScript', () => {
  const examples = blocks('ts');
  let folder = '';

  beforeAll(async () => {
    folder = join(await temporaryFolder(), 'examples');
    await mkdir(folder);
    const compilerOptions = {
      noEmit: true,
      // Examples name this project's sources by absolute paths here, which nothing has to rewrite.
      rewriteRelativeImportExtensions: false,
      rootDir: '/',
      paths: { clearword: [join(REPOSITORY, 'src/index.ts')] },
      typeRoots: [join(REPOSITORY, 'node_modules/@types')],
    };
    const tsconfig = { extends: join(REPOSITORY, 'tsconfig.json'), compilerOptions, include: ['*.ts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await copyFile(join(REPOSITORY, 'examples/photo.jpg'), join(folder, 'photo.jpg'));
    for (const [i, { path, code }] of examples.entries()) {
      const base = dirname(join(REPOSITORY, path));
      const module = code.replaceAll(/ from '(\.[^']+)'/g, (_, target) => ` from '${join(base, target)}'`);
      // `export {}` makes a module of an example without imports, so that its names are its own.
      await writeFile(join(folder, `example-${i}.ts`), `${module}\nexport {};\n`);
    }
  });

  it('is found', () => {
    expect(examples.map(({ path }) => path)).toContain('README.md');
  });

  it('compiles', async () => {
    await execute(join(REPOSITORY, 'node_modules/.bin/tsc'), ['-p', folder]).catch((error: { stdout: string }) => {
      throw new Error(error.stdout);
    });
  });

  it.each(examples.map(({ path, line }, i) => [`${path}, line ${line}`, i] as const))('of %s runs', async (_, i) => {
    const arguments_ = ['--import', import.meta.resolve('tsx'), `example-${i}.ts`];
    const env = { ...process.env, TSX_TSCONFIG_PATH: join(folder, 'tsconfig.json') };
    await execute(process.execPath, arguments_, { cwd: folder, env });
  });
});

describe('commands', () => {
  const lines = blocks('sh').flatMap(({ path, code }) =>
    code
      .split('\n')
      .flatMap((line) => line.replace(/\s#.*/, '').split('&&'))
      .map((line) => ({ path, line: line.trim() })),
  );
  const scripts = (JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }).scripts;

  it('of clearword exist, with their options', async () => {
    const used = lines.filter(({ line }) => /^(npx )?clearword /.test(line));
    expect(used.length).toBeGreaterThan(5);
    for (const { path, line } of used) {
      const [name = '', ...rest] = line.replace(/^(npx )?clearword /, '').split(/\s+/);
      const entry = commands.find((command) => command.name === name);
      expect(entry, `${path}: ${line}`).toBeDefined();
      if (!entry) continue;
      const known = Object.keys(allOptions(await entry.load()).shape).map(flagOf);
      for (const flag of rest.filter((word) => word.startsWith('--')))
        expect(known, `${path}: ${line}`).toContain(flag);
    }
  });

  it('of npm and tsx exist', () => {
    for (const { path, line } of lines) {
      const [, script] = /^npm run ([\w:]+)/.exec(line) ?? [];
      if (script !== undefined) expect(Object.keys(scripts), `${path}: ${line}`).toContain(script);
      const [, file] = /^npx tsx (\S+)/.exec(line) ?? [];
      if (file !== undefined) expect(existsSync(join(REPOSITORY, file)), `${path}: ${line}`).toBe(true);
    }
  });
});

it('CONTRIBUTING.md lists every folder of src', () => {
  const layout = textOf('CONTRIBUTING.md');
  const folders = readdirSync(join(REPOSITORY, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of folders) expect(layout).toMatch(new RegExp(`^  ${name}/ +\\S`, 'm'));
});

describe('links', () => {
  it.each(documents)('of %s lead to files', (path) => {
    const targets = [...textOf(path).matchAll(/\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)/g)].map(
      ({ 1: target = '' }) => target,
    );
    const missing = targets.filter((target) => !existsSync(join(REPOSITORY, dirname(path), target)));
    expect(missing).toEqual([]);
  });

  it('of the README reach every document', () => {
    const readme = textOf('README.md');
    for (const path of documents.filter((name) => name !== 'README.md')) expect(readme).toContain(`](${path})`);
  });
});
