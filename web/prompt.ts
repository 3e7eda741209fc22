/**
 * Chips and words: what is to be removed, as a prompt, and back into chips.
 *
 * @module
 */
import { wordsFor } from '../src/degradations/index.ts';
import type { Findings } from '../src/models/model.ts';

/** The name of a degradation for people, and for prompts. */
export const labelOf = (name: string): string => wordsFor(name).label;

/** What the controller is sure enough of, in the model's order. */
export function found({ degradations }: Pick<Findings, 'degradations'>): string[] {
  return Object.keys(degradations).filter((name) => degradations[name]?.verdict === 'found');
}

/** A strength from 0 to 1 in words. */
export function strengthWord(strength: number): 'light' | 'medium' | 'strong' {
  return strength < 0.33 ? 'light' : strength < 0.66 ? 'medium' : 'strong';
}

function list(names: readonly string[]): string {
  const words = names.map((name) => `the ${labelOf(name)}`);
  return words.length < 3 ? words.join(' and ') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** The prompt for chips: empty where everything that was found goes, because the model does that by itself. */
export function promptFor(chosen: readonly string[], inPhoto: readonly string[]): string {
  const kept = inPhoto.filter((name) => !chosen.includes(name));
  const asFound = kept.length === 0 && chosen.length === inPhoto.length;
  if (asFound) return '';
  const clauses = [
    ...(chosen.length > 0 ? [`remove ${list(chosen)}`] : []),
    ...(kept.length > 0 ? [`keep ${list(kept)}`] : []),
  ];
  return clauses.join(', ');
}

/** Clauses that `withClause` wrote, or that say the same. */
const clausesAbout = (name: string): RegExp =>
  new RegExp(`(?:^|[,;]\\s*)(?:remove|keep)\\s+(?:the\\s+)?${labelOf(name)}(?=\\s*(?:$|[,;]))`, 'gi');

/** Someone's own words with one clause more about a degradation, in place of an earlier clause about it. */
export function withClause(prompt: string, verb: 'remove' | 'keep', name: string): string {
  const rest = prompt.replace(clausesAbout(name), '').replace(/^[\s,;]+|[\s,;]+$/g, '');
  return [...(rest === '' ? [] : [rest]), `${verb} the ${labelOf(name)}`].join(', ');
}

/** Prompts to start from. */
export const EXAMPLES: readonly string[] = ['remove the rain', 'only the noise', 'dehaze', 'keep the fog'];
