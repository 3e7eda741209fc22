/**
 * What the restorer is told about each picture of a test set.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { ClearwordError } from '../../errors.ts';
import { Random } from '../../random/random.ts';
import type { TaskName } from './layout.ts';
import { sceneOf } from './pairing.ts';
import type { EvaluationCase } from './pictures.ts';

/**
 * `empty`: nothing. `constant`: --prompt for all. `captions`: of the clean picture, the paper's protocol.
 * `degraded-captions`: of the degraded picture, the paper's Ours-LQ. `shuffled`: the caption of another picture. `task`: an
 * instruction to undo the degradation. `wrong-task`: an instruction to undo one that is not there.
 */
export const PROMPT_SOURCES = [
  'empty',
  'constant',
  'captions',
  'degraded-captions',
  'shuffled',
  'task',
  'wrong-task',
] as const;
export type PromptSource = (typeof PROMPT_SOURCES)[number];

export interface PromptOptions {
  readonly source: PromptSource;
  /** For `constant`. */
  readonly prompt: string;
  /** Caption table, for the sources that need captions. */
  readonly captions?: string | undefined;
  readonly task: TaskName;
  readonly seed: number;
}

const INSTRUCTION: Readonly<Record<TaskName, string>> = {
  denoise: 'remove the noise',
  derain: 'remove the rain',
  dehaze: 'remove the haze',
  any: 'remove everything that spoils it',
};
const WRONG: Readonly<Record<TaskName, string>> = {
  denoise: 'remove the rain, keep the noise',
  derain: 'remove the haze, keep the rain',
  dehaze: 'remove the noise, keep the haze',
  any: 'change nothing',
};

/**
 * Reads a table `file<TAB>caption[<TAB>...]`, with or without a header, of names with or without folders; of several
 * captions of one file the first counts.
 */
async function readCaptions(path: string): Promise<Map<string, string>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ClearwordError('DATA_INVALID', `expected a caption table for --captions, received ${path}, not a file`, {
      cause,
      fix: 'Check the path.',
    });
  });
  const captions = new Map<string, string>();
  for (const [number, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [file, caption] = line.split('\t');
    if (file === undefined || caption === undefined) {
      throw new ClearwordError('DATA_INVALID', `expected file<TAB>caption in line ${number + 1} of ${path}`, {
        fix: 'Separate file name and caption by a tab.',
      });
    }
    for (const key of [basename(file), sceneOf(file)]) if (!captions.has(key)) captions.set(key, caption.trim());
  }
  return captions;
}

/**
 * The prompt of each case, in their order.
 *
 * @throws ClearwordError INVALID_OPTION without a caption table where one is needed, DATA_INVALID if a picture has no caption
 */
export async function promptsFor(cases: readonly EvaluationCase[], options: PromptOptions): Promise<string[]> {
  const { source, task } = options;
  if (source === 'empty') return cases.map(() => '');
  if (source === 'constant') return cases.map(() => options.prompt);
  if (source === 'task') return cases.map(() => INSTRUCTION[task]);
  if (source === 'wrong-task') return cases.map(() => WRONG[task]);
  if (options.captions === undefined) {
    throw new ClearwordError('INVALID_OPTION', `expected --captions with --prompts ${source}, received none`, {
      fix: 'Give a table of file names and captions, separated by tabs.',
    });
  }
  const captions = await readCaptions(options.captions);
  const own = cases.map(({ input, target }) => {
    const file = source === 'degraded-captions' ? input : target;
    // A picture that is degraded here has the name of its clean one.
    return captions.get(basename(file)) ?? captions.get(sceneOf(file)) ?? captions.get(sceneOf(target));
  });
  const missing = cases.filter((_, i) => own[i] === undefined).map(({ id }) => id);
  if (missing.length > 0) {
    throw new ClearwordError(
      'DATA_INVALID',
      `expected a caption for every picture in ${options.captions}, received none for ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ` and ${missing.length - 3} more` : ''}`,
      { fix: 'Add the missing captions, or use another --prompts.' },
    );
  }
  const found = own as string[];
  return source === 'shuffled' ? rotated(found, options.seed) : found;
}

/** Every caption with another picture: a random order, moved on by one. */
function rotated(captions: readonly string[], seed: number): string[] {
  const order = new Random(seed).shuffle(captions.map((_, i) => i));
  const result = [...captions];
  order.forEach((from, place) => {
    result[order[(place + 1) % order.length] as number] = captions[from] as string;
  });
  return result;
}
