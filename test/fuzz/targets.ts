/**
 * Everything that is fuzzed, and the inputs that were kept of it.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cards, images, onnxWeights, pickles, safetensors, weights } from './file-targets.ts';
import { forms } from './form-target.ts';
import type { Target } from './target.ts';
import { commands, options, prompts } from './word-targets.ts';

export const TARGETS = {
  images,
  forms,
  options,
  commands,
  prompts,
  cards,
  safetensors,
  pickles,
  onnx: onnxWeights,
  weights,
} as const satisfies Readonly<Record<string, () => Target | Promise<Target>>>;

export type TargetName = keyof typeof TARGETS;
export const TARGET_NAMES = Object.keys(TARGETS) as readonly TargetName[];

/** A folder for each target, with a file for each end that an input came to, under the SHA-256 of its bytes. */
export const CORPUS = fileURLToPath(new URL('../fixtures/corpus', import.meta.url));

export function corpusOf(name: TargetName): Buffer[] {
  const folder = join(CORPUS, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((file) => readFileSync(join(folder, file)));
}
