/**
 * What this version knows of degradations: one record for each, in a total table.
 *
 * Which of them a model can find and remove is the model's own list (`degradations` of its card), in the order of every
 * per-degradation array; a model may also list names that are not here, which are then shown and asked for as they are
 * written. How they are drawn and applied for training and tests is in `data/degradations`.
 *
 * @module
 */
import { compression } from './compression.ts';
import { darkness } from './darkness.ts';
import { haze } from './haze.ts';
import { noise } from './noise.ts';
import { rain } from './rain.ts';
import type { DegradationWords } from './words.ts';

export type { DegradationWords, StrengthUnit } from './words.ts';

/** A line for each degradation that this version has words for. */
export const WORDS = { noise, rain, haze, compression, darkness } satisfies Readonly<Record<string, DegradationWords>>;

/** The name of a degradation that this version knows. */
export type Degradation = keyof typeof WORDS;

export const KNOWN_DEGRADATIONS = Object.keys(WORDS) as readonly Degradation[];

export const isKnown = (name: string): name is Degradation => Object.hasOwn(WORDS, name);

/** The words for any name that a model may list; a name without a record speaks for itself. */
export function wordsFor(name: string): DegradationWords {
  if (isKnown(name)) return WORDS[name];
  const label = name.replace(/[-_]+/g, ' ');
  const strength = { meaning: 'as the model measures it', full: 100, unit: ' %', clear: 0.25, strong: 0.55 };
  return { label, place: 45, nouns: [label], requests: [`remove the ${label}`], strength };
}

/** Names in the order in which light and then the file meet them. */
export function inOrderOfLight<Name extends string>(names: readonly Name[]): readonly Name[] {
  return [...names].sort((a, b) => wordsFor(a).place - wordsFor(b).place);
}

/** The list of models from before cards had one. */
export const FIRST_DEGRADATIONS = ['noise', 'rain', 'haze'] as const;

/** Names as a sentence lists them: 'noise, rain and haze'. */
export function listInWords(names: readonly string[]): string {
  const labels = names.map((name) => wordsFor(name).label);
  return labels.length < 2 ? labels.join('') : `${labels.slice(0, -1).join(', ')} and ${labels.at(-1)}`;
}
