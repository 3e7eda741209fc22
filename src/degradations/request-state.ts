/**
 * What a reader of requests remembers of the sentence and the clause that it is in.
 *
 * @module
 */
import type { Item } from './lexicon.ts';

export type Choice = 'remove' | 'keep';
/** Names behind 'except' get the opposite of everything else, which may be said later. */
export type Mode = Choice | 'except';
export type Verb = 'remove' | 'keep' | 'repair' | 'let' | 'make' | 'want';

export const flip = (mode: Mode): Choice => (mode === 'keep' ? 'remove' : 'keep');

/** What 'must vanish' may be said of, and the mark before it. */
export interface Subject {
  readonly names: readonly string[];
  readonly whole: 'all' | 'nothing' | 'none';
  readonly after: 'comma' | 'join' | 'none';
}

export const newSentence = () => ({
  named: new Set<string>(),
  all: false,
  /** Whether it has a verb or the like, words that mean nothing here, and more than the short forms ('rain, no fog') have. */
  asks: false,
  other: false,
  foreign: false,
  caption: false,
  place: false,
  good: false,
  wished: false,
});

export const newClause = () => ({
  mode: undefined as Mode | undefined,
  verb: undefined as Verb | undefined,
  refused: false,
  /** Whether the mode comes of a mere 'not' before a name, so that a turn goes back to the one before; or from 'must vanish'. */
  flipped: false,
  outcome: false,
  /** Whether something was to go before this clause. */
  removedBefore: false,
  objects: 0,
  negation: undefined as 'no' | 'not' | undefined,
  only: false,
  self: false,
  auxiliary: false,
  /** Behind a preposition, and whether a name stood there. */
  loose: false,
  placeNamed: false,
  after: 'none' as Subject['after'],
  subjects: [] as Subject[],
});

export type Role = Item['role'];

/** Items between a word and the noun that it looks for. */
export const PASSED: readonly Role[] = ['article', 'filler', 'this', 'auxiliary', 'polite', 'bad'];
export const NOUNS: readonly Role[] = ['name', 'adjective', 'act', 'other', 'picture', 'all', 'good'];
/** Items behind which 'leave' and 'clean' ask for nothing: 'people leave', 'the cut', 'a clean photo'. */
export const NO_VERB_BEHIND: readonly Role[] = ['other', 'picture', 'article', 'place', 'adjective', 'good'];
/** Items behind which 'removing' asks for nothing: 'a man removing snow'. */
export const NO_GERUND_BEHIND: readonly Role[] = ['other', 'picture', 'adjective', 'name'];
/** Verbs whose object may be the subject of another: 'let the rain vanish'. */
export const WITH_CLAUSE: readonly (Verb | undefined)[] = ['let', 'make', 'want'];
