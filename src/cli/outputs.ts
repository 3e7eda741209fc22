/**
 * Where results go.
 *
 * @module
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { ClearwordError } from '../errors.ts';
import { EXTENSIONS, formatOfName, type ImageFormat } from '../image/image-signature.ts';
import { type InputFile, STANDARD, stemOf } from './inputs.ts';

export interface Job {
  readonly input: string;
  readonly output: string;
}

/** What `-o` stands for: nothing given, standard output, one file, or a folder. */
export type Target =
  | { readonly kind: 'beside' }
  | { readonly kind: 'standard' }
  | { readonly kind: 'file' | 'folder'; readonly path: string };

/** A path that is a folder, ends like one or has no picture's extension is a folder; it need not exist. */
export async function targetOf(output: string | undefined, format: ImageFormat | undefined): Promise<Target> {
  if (output === undefined) return { kind: 'beside' };
  if (output === STANDARD) return { kind: 'standard' };
  const isFolder = await stat(output).then(
    (entry) => entry.isDirectory(),
    () => /[/\\]$/.test(output) || extname(output) === '',
  );
  if (isFolder) return { kind: 'folder', path: output };
  const named = formatOfName(output);
  if (named !== undefined && format !== undefined && named !== format) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected a name that ends in ${EXTENSIONS[format][0]} for --output with --format ${format}, received ${output}`,
      { fix: 'Leave --format out: the name of one result says its format.' },
    );
  }
  if (named !== undefined) return { kind: 'file', path: output };
  throw new ClearwordError(
    'INVALID_OPTION',
    `expected a folder, or a name that ends in .jpg, .png, .webp, .tif or .avif, for --output, received ${output}`,
    { fix: 'End the name of a new folder with a slash, or give a file one of these extensions.' },
  );
}

/**
 * One output for every input: `photo.restored.jpg` beside `photo.jpg`, or the input's name (with the folders below the one
 * that was given) in the target folder. An input whose extension names no format becomes a PNG, unless a format is given.
 * Standard input goes to standard output, unless a place is given.
 *
 * Errors: INVALID_OPTION when several inputs would go to one file.
 */
export function planJobs(inputs: readonly InputFile[], target: Target, format: ImageFormat | undefined): Job[] {
  if (target.kind !== 'folder' && target.kind !== 'beside' && inputs.length > 1) {
    const received = target.kind === 'file' ? target.path : STANDARD;
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected a folder for --output, because there are ${inputs.length} inputs, received ${received}`,
      { fix: 'Give -o a folder, or restore one picture at a time.' },
    );
  }
  const taken = new Map<string, string>();
  return inputs.map(({ path, below }) => {
    const output = outputFor(path, below, target, format);
    const other = taken.get(resolve(output));
    if (other !== undefined) {
      throw new ClearwordError('INVALID_OPTION', `${other} and ${path} would both be written to ${output}`, {
        fix: 'Restore them into different folders.',
      });
    }
    taken.set(resolve(output), path);
    return { input: path, output };
  });
}

function outputFor(input: string, below: string, target: Target, format: ImageFormat | undefined): string {
  if (target.kind === 'file') return target.path;
  if (target.kind === 'standard' || (target.kind === 'beside' && input === STANDARD)) return STANDARD;
  const own = formatOfName(input);
  const extension =
    own === undefined || (format !== undefined && own !== format) ? EXTENSIONS[format ?? 'png'][0] : extname(input);
  if (input === STANDARD) return join(target.kind === 'folder' ? target.path : '', `stdin${extension}`);
  const beside = join(dirname(input), `${stemOf(input)}.restored${extension}`);
  if (target.kind === 'beside') return beside;
  const output = join(target.path, dirname(below), `${stemOf(input)}${extension}`);
  // Into the folder that it came from: never onto the input itself.
  return resolve(output) === resolve(input) ? join(target.path, dirname(below), basename(beside)) : output;
}

/** Names of what is written beside a result: `photo.restored.sample-1.jpg` and so on. */
export function companions(output: string) {
  const stem = output.slice(0, output.length - extname(output).length);
  return {
    sample: (k: number) => `${stem}.sample-${k + 1}${extname(output)}`,
    // Without losses, because their values have a meaning.
    uncertainty: `${stem}.uncertainty.png`,
    comparison: `${stem}.compare${extname(output)}`,
    states: `${stem}.states.png`,
  };
}
