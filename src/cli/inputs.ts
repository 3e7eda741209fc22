/**
 * Which pictures the arguments of a command mean: files, folders and patterns.
 *
 * @module
 */
import type { Stats, stat as statCallback } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, normalize, relative, resolve } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { ClearwordError } from '../errors.ts';
import { EXTENSIONS, formatOfName } from '../image/image-signature.ts';

/** Standard input among the inputs, standard output as the output. */
export const STANDARD = '-';

export interface InputFile {
  /** As it is opened and printed. */
  readonly path: string;
  /** Path below the folder or pattern that it was found by; just the name for a file given by itself. */
  readonly below: string;
}

export interface Inputs {
  readonly files: readonly InputFile[];
  /** INPUT_NOT_FOUND for every argument that means no picture. */
  readonly errors: readonly ClearwordError[];
  /** How many other files the folders have, by their extensions in lower case; hidden ones are not counted. */
  readonly leftOut: ReadonlyMap<string, number>;
}

/**
 * Expands the arguments, in their order, each picture once. A folder means the pictures in it and below it, by their
 * extensions; links to pictures count, links to folders are not followed. What is restored already
 * (`photo.restored.jpg` beside `photo.jpg`) is left out, so that the same command can be given again.
 *
 * @param exclude folder whose contents are never inputs: where results go, if it lies in a folder given
 */
export async function expandInputs(args: readonly string[], exclude?: string): Promise<Inputs> {
  const found = new Map<string, InputFile>();
  const errors: ClearwordError[] = [];
  const leftOut = new Map<string, number>();
  for (const argument of args) {
    const files = await expandOne(argument, exclude, leftOut);
    if (files instanceof ClearwordError) errors.push(files);
    else for (const file of files) if (!found.has(resolve(file.path))) found.set(resolve(file.path), file);
  }
  return { files: withoutResults([...found.values()]), errors, leftOut };
}

async function expandOne(
  argument: string,
  exclude: string | undefined,
  leftOut: Map<string, number>,
): Promise<readonly InputFile[] | ClearwordError> {
  if (argument === STANDARD) return [{ path: STANDARD, below: STANDARD }];
  const kind = await kindOf(argument);
  if (kind === 'file') return [{ path: argument, below: basename(argument) }];
  if (kind === 'folder') {
    const all = await search('**/*', argument, exclude, false);
    const files = all.filter(({ path }) => formatOfName(path) !== undefined);
    for (const { path } of all) {
      const extension = extname(path).toLowerCase() || 'without extension';
      if (formatOfName(path) === undefined) leftOut.set(extension, (leftOut.get(extension) ?? 0) + 1);
    }
    if (files.length > 0) return files;
    return new ClearwordError('INPUT_NOT_FOUND', `expected pictures in the folder ${argument}, found none`, {
      fix: `Pictures are recognised by their extensions: ${Object.values(EXTENSIONS).flat().join(' ')}.`,
    });
  }
  // A backslash is a separator on Windows and an escape in a pattern elsewhere.
  const pattern = process.platform === 'win32' ? argument.replaceAll('\\', '/') : argument;
  if (!isDynamicPattern(pattern)) {
    return new ClearwordError('INPUT_NOT_FOUND', `expected a file, folder or pattern, but ${argument} does not exist`);
  }
  const { folder, rest } = splitPattern(pattern);
  const files = await search(rest, folder, exclude, true);
  if (files.length > 0) return files;
  return new ClearwordError('INPUT_NOT_FOUND', `expected files that match ${argument}, found none`);
}

/** "3 other files left out: .gif, .bmp"; undefined where there are none. */
export function leftOutText({ leftOut }: Inputs): string | undefined {
  if (leftOut.size === 0) return undefined;
  const count = [...leftOut.values()].reduce((sum, number) => sum + number, 0);
  const kinds = [...leftOut.keys()].sort();
  const named = kinds.slice(0, MOST_KINDS).join(', ') + (kinds.length > MOST_KINDS ? ' and others' : '');
  return `${count} other ${count === 1 ? 'file' : 'files'} left out: ${named}`;
}

/** More extensions than these are no help. */
const MOST_KINDS = 6;

/** Files below `folder`, in an order people expect (2 before 10). */
async function search(
  pattern: string,
  folder: string,
  exclude: string | undefined,
  caseSensitiveMatch: boolean,
): Promise<InputFile[]> {
  const found = await glob(pattern, { cwd: folder, onlyFiles: true, caseSensitiveMatch, fs: { stat: statOfLinked } });
  const excluded = exclude === undefined ? undefined : resolve(exclude);
  const outside = (path: string) => excluded === undefined || relative(excluded, resolve(path)).startsWith('..');
  return found
    .map((below) => ({ path: join(folder, below), below: normalize(below) }))
    .filter(({ path }) => outside(path))
    .sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
}

/**
 * What a link leads to, for the search; a folder is an error, so that the search passes it by: linked folders give pictures
 * twice, and below /proc their loops never end. Their own option leaves linked files out too.
 */
const statOfLinked = ((path: string, done: (error: Error | null, stats?: Stats) => void) => {
  stat(path).then(
    (stats) => (stats.isDirectory() ? done(new Error(`${path} is a linked folder`)) : done(null, stats)),
    (error: Error) => done(error),
  );
}) as typeof statCallback;

/** A pattern as the folder before its first part that is not a plain name, and the rest. */
function splitPattern(pattern: string): { folder: string; rest: string } {
  const parts = pattern.split('/');
  const fixed = parts.findIndex((part) => isDynamicPattern(part));
  const folder = parts.slice(0, fixed).join('/');
  return { folder: folder === '' ? (pattern.startsWith('/') ? '/' : '.') : folder, rest: parts.slice(fixed).join('/') };
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'none'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return 'none';
  }
}

/** Leaves out `stem.restored.anything` where `stem.anything` of the same folder is among the files. */
function withoutResults(files: readonly InputFile[]): InputFile[] {
  const stems = new Set(files.map(({ path }) => join(dirname(path), stemOf(path))));
  return files.filter(({ path }) => {
    const original = /^(.+)\.restored\.[^/\\]*$/.exec(basename(path))?.[1];
    return original === undefined || !stems.has(join(dirname(path), original));
  });
}

/** The name without the extension of a picture. */
export function stemOf(path: string): string {
  const name = basename(path);
  return formatOfName(name) === undefined ? name : name.slice(0, name.lastIndexOf('.'));
}
