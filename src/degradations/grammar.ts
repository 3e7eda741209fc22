/**
 * What a prompt asks for, read by rules over the words of the degradations.
 *
 * It answers at once and the same for everyone, where a network has to guess; it knows English only, and says when it has
 * understood nothing. No degradation is named here: records and the model's list bring the words.
 *
 * @module
 */
import { wordsFor } from './index.ts';
import { itemsOf, type Lexicon, lexiconOf, words } from './lexicon.ts';
import { readItems } from './request-rules.ts';

export interface Request {
  /**
   * empty: there are no words; instruction: names are asked for or refused; everything, nothing: as it is said; unknown:
   * nothing was understood, a caption for example, or only what this model does not have.
   */
  readonly kind: 'empty' | 'instruction' | 'everything' | 'nothing' | 'unknown';
  /**
   * What is to go and what is to stay: each of the given degradations is in one of the two, in their order. What an
   * instruction does not name stays, unless it names only things to keep; without an instruction everything goes.
   */
  readonly remove: readonly string[];
  readonly keep: readonly string[];
  /** Of `remove`, what goes without being named: all but what is to stay. Absent where everything in it is named. */
  readonly unnamed?: readonly string[];
  /** Asked for, but not among the given degradations: known names, and wishes such as `sharpness` or `size`. */
  readonly unknown: readonly string[];
}

/** Reads a prompt of any length, in time that grows with it linearly. */
export function readRequest(prompt: string, degradations: readonly string[]): Request {
  const all = (kind: Request['kind'], unknown: readonly string[] = []): Request => ({
    kind,
    remove: degradations,
    keep: [],
    unknown,
  });
  if (!words(prompt).some((word) => /[\p{L}\p{N}]/u.test(word))) return all('empty');

  const { decisions, removes, rest, repair, keep } = readItems(itemsOf(prompt, lexiconFor(degradations)));
  const named = (choice: string) => [...decisions.keys()].filter((name) => decisions.get(name) === choice);
  const removed = named('remove');
  const unknown = removed.filter((name) => !degradations.includes(name));
  const whole = repair && unknown.length === removed.length ? 'remove' : undefined;
  const others = rest ?? whole ?? (removes ? 'keep' : decisions.size > 0 ? 'remove' : undefined);
  const ofModel = degradations.filter((name) => decisions.has(name));

  if (others === undefined) return keep ? nothing(degradations, unknown) : all('unknown', unknown);
  if (ofModel.length === 0 && rest === undefined && whole === undefined && removed.length > 0)
    return all('unknown', unknown);
  const remove = degradations.filter((name) => (decisions.get(name) ?? others) === 'remove');
  if (remove.length === 0) return nothing(degradations, unknown);
  if (others === 'remove' && decisions.size === unknown.length) return all('everything', unknown);
  const keeps = degradations.filter((name) => !remove.includes(name));
  const unnamed = remove.filter((name) => !decisions.has(name));
  return { kind: 'instruction', remove, keep: keeps, unknown, ...(unnamed.length > 0 ? { unnamed } : {}) };
}

const nothing = (degradations: readonly string[], unknown: readonly string[]): Request => ({
  kind: 'nothing',
  remove: [],
  keep: degradations,
  unknown,
});

/** The request in short words, for a person: 'removing: noise; keeping: rain'. */
export function describeRequest(request: Request, degradations: readonly string[]): string {
  const { kind, remove, keep, unknown } = request;
  const labels = (names: readonly string[]) => names.map((name) => wordsFor(name).label).join(', ');
  const parts: string[] = [];
  if (unknown.length > 0) parts.push(`not known to this model: ${labels(unknown)}`);
  else if (kind === 'unknown') parts.push('not understood');
  if (kind === 'instruction') {
    parts.push(`removing: ${labels(remove)}`);
    if (keep.length > 0) parts.push(`keeping: ${labels(keep)}`);
  } else parts.push(kind === 'nothing' ? 'removing nothing' : 'removing everything found');
  if (kind === 'unknown' || unknown.length > 0) parts.push(`can be asked for: ${labels(degradations)}`);
  return parts.join('; ');
}

/** A model is asked often, and its words do not change: the last lexicon is kept. */
let last: { readonly key: string; readonly lexicon: Lexicon } | undefined;

function lexiconFor(degradations: readonly string[]): Lexicon {
  const key = degradations.join('\n');
  if (last?.key !== key) last = { key, lexicon: lexiconOf(degradations) };
  return last.lexicon;
}
