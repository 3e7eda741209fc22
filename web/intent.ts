/**
 * What a photo has and what its words ask for, as one: by the rules that also decide what the model is asked for. Chips are
 * read from it; a chip that is pressed changes the words.
 *
 * @module
 */
import { describeRequest, type Request } from '../src/degradations/grammar.ts';
import { wordsFor } from '../src/degradations/index.ts';
import type { Finding, Findings } from '../src/models/model.ts';
import { decide } from '../src/restore/policy.ts';

export interface ModelRules {
  readonly degradations: readonly string[];
  readonly careful: boolean;
}

export interface Intent {
  /** What the model knows, in its order. */
  readonly known: readonly string[];
  readonly found: readonly string[];
  /** What goes, in the model's order. */
  readonly removing: readonly string[];
  /** What may be there, and is left alone because nobody asks. */
  readonly perhaps: readonly string[];
  readonly request: Request;
  /** Whether the words were read as they are meant. */
  readonly understood: boolean;
  /** How the words were read, as a sentence. */
  readonly reading: string;
}

/** The name of a degradation for people, and for prompts. */
export const labelOf = (name: string): string => wordsFor(name).label;

export const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

export function intentOf(prompt: string, degradations: Findings['degradations'], model: ModelRules): Intent {
  const { removing, perhaps, request } = decide(model, prompt, { degradations });
  const found = model.degradations.filter((name) => degradations[name]?.verdict === 'found');
  const understood = request.kind !== 'unknown' && request.unknown.length === 0;
  const reading = sentence(describeRequest(request, model.degradations));
  return { known: model.degradations, found, removing, perhaps, request, understood, reading };
}

/** Below, a model has found something and cannot say how strong it is: what it is sure of is never that weak. */
const MEASURED = 0.005;

/** A strength from 0 to 1 in a word, by the degradation's own measure; undefined where the model has none. */
export function strengthWord(name: string, strength: number): 'light' | 'clear' | 'strong' | undefined {
  const { clear, strong } = wordsFor(name).strength;
  if (strength < MEASURED) return undefined;
  return strength < clear ? 'light' : strength < strong ? 'clear' : 'strong';
}

/** A strength in the unit that people know, such as '12' of noise or '40 %' of haze. */
export function strengthNumber(name: string, strength: number): string {
  const { full, unit } = wordsFor(name).strength;
  const value = strength * full;
  return `${full < 10 ? value.toFixed(1) : Math.round(value)}${unit}`;
}

/** What is known of a finding, for whoever points at it: 'about 12 (standard deviation of 8-bit values); 97 % sure'. */
export function findingText(name: string, { probability, strength }: Finding): string {
  const sure = `${Math.round(100 * probability)} % sure`;
  if (strength < MEASURED) return `${sure.charAt(0).toUpperCase()}${sure.slice(1)}`;
  return `About ${strengthNumber(name, strength)} (${wordsFor(name).strength.meaning}); ${sure}`;
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

/**
 * The words after a chip was pressed: someone's own with a clause more, if they then ask for just that, or else the chips'
 * words in their place.
 */
export function promptWith(
  prompt: string,
  { name, wanted }: { readonly name: string; readonly wanted: boolean },
  findings: Findings['degradations'],
  model: ModelRules,
): string {
  const { removing, found, known } = intentOf(prompt, findings, model);
  const goes = known.filter((other) => (other === name ? wanted : removing.includes(other)));
  const own = prompt.trim() !== '' && prompt !== promptFor(removing, found);
  const clause = withClause(prompt, wanted ? 'remove' : 'keep', name);
  const candidates = [...(own ? [clause] : []), promptFor(goes, found)];
  const asks = (words: string) => intentOf(words, findings, model).removing.join() === goes.join();
  return candidates.find(asks) ?? (goes.length === 0 ? 'do nothing' : `remove ${list(goes)}`);
}

/** Prompts to start from. */
export const EXAMPLES: readonly string[] = ['remove the rain', 'only the noise', 'dehaze', 'keep the fog'];
