/**
 * What each kind of word does to a reader of requests: a line for every role, so that the compiler asks for a new one's.
 *
 * @module
 */
import type { Item } from './lexicon.ts';
import { Reader } from './request-reader.ts';
import { type Choice, flip, type Role } from './request-state.ts';

/** What was decided. Names overrule `rest`; `rest` overrules `repair` and `keep`. */
export interface Reading {
  readonly decisions: ReadonlyMap<string, Choice>;
  /** Whether anything was to go, even if it was to stay afterwards: 'reduce the noise, keep some grain'. */
  readonly removes: boolean;
  /** What happens to all that is not named, where it is said: 'remove everything', 'change nothing else'. */
  readonly rest: Choice | undefined;
  /** Whether the picture as such was to be restored ('clean it up'), or left alone ('leave it as it is'). */
  readonly repair: boolean;
  readonly keep: boolean;
}

/** Reads the item at a place; gives the place to go on at, if that is not the next. */
type Rule = (reader: Reader, at: number, item: Item) => number | undefined;

/** A rule that goes on with the next item. */
const then =
  (read: (reader: Reader, at: number, item: Item) => void): Rule =>
  (reader, at, item) => {
    read(reader, at, item);
    return undefined;
  };

const nothing: Rule = () => undefined;
const verb = (role: 'remove' | 'keep' | 'repair' | 'let' | 'make' | 'want'): Rule =>
  then((reader, at, { gerund }) => reader.verb(role, gerund, at));
const except = (reader: Reader) => reader.begin({ mode: 'except', verb: 'remove' });

const RULES: Readonly<Record<Role, Rule>> = {
  name: then((reader, _, { names }) => reader.name(names)),
  adjective: then((reader, at, { names }) => reader.adjective(names, at)),
  act: then((reader, at, { names }) => reader.act(names, at)),
  remove: verb('remove'),
  keep: verb('keep'),
  repair: verb('repair'),
  let: verb('let'),
  make: verb('make'),
  want: verb('want'),
  removal: nothing,
  gone: then((reader) => reader.outcome('remove')),
  stays: then((reader) => reader.outcome('keep')),
  bad: then((reader) => reader.clause.auxiliary && reader.outcome('remove')),
  fine: then((reader) => reader.clause.auxiliary && reader.outcome('keep')),
  good: then((reader) => reader.good()),
  no: then((reader, at) => reader.negate(reader.isBehindVerb(at) ? 'not' : 'no')),
  not: then((reader) => reader.negate('not')),
  just: then((reader) => reader.endRefusal()),
  only: then((reader) => {
    reader.endRefusal();
    reader.clause.only = true;
  }),
  except: then(except),
  but: then((reader, at) => (reader.isExcept(at) ? except(reader) : reader.turn())),
  turn: then((reader) => reader.turn()),
  stop: then((reader) => reader.end()),
  comma: then((reader) => reader.comma()),
  join: then((reader) => reader.join()),
  or: then((reader) => reader.join()),
  all: then((reader) => reader.whole('all')),
  each: then((reader, at) => reader.nounBehind(at) || reader.isOfSubject() || reader.whole('all')),
  nothing: then((reader) => reader.whole('nothing')),
  it: then((reader) => reader.pronoun()),
  this: then((reader, at) => reader.nounBehind(at) || reader.pronoun()),
  self: then((reader) => {
    reader.clause.self = true;
  }),
  auxiliary: then((reader) => {
    reader.clause.auxiliary = true;
  }),
  polite: nothing,
  picture: then((reader) => reader.picture()),
  more: (reader, at) => (reader.clause.mode === 'remove' ? undefined : reader.place(at)),
  place: (reader, at) => reader.place(at),
  with: then((reader) => {
    const wanted = reader.clause.verb === 'want' && reader.clause.mode === 'keep';
    reader.begin(wanted ? { mode: 'keep', verb: 'want' } : {});
    reader.sentence.foreign = true;
  }),
  other: then((reader, at) => reader.other(at)),
  article: nothing,
  filler: nothing,
};

/** 'Noise and rain removal' as the actions that it means; 'removal of noise' as 'removing noise'. */
function withActs(items: readonly Item[]): Item[] {
  const out: Item[] = [];
  for (const item of items) {
    if (item.role !== 'removal') {
      out.push(item);
      continue;
    }
    if (out.at(-1)?.role !== 'name') {
      out.push({ role: 'remove', names: [], gerund: true });
      continue;
    }
    for (let at = out.length - 1; out[at]?.role === 'name'; at -= 2) {
      // 'No rain and noise removal' are two requests.
      if (at < out.length - 1 && out[at - 1]?.role === 'no') break;
      out[at] = { role: 'act', names: out[at]?.names ?? [], gerund: false };
      if (out[at - 1]?.role !== 'join' && out[at - 1]?.role !== 'or') break;
    }
  }
  return out;
}

export function readItems(items: readonly Item[]): Reading {
  const all = withActs(items);
  const reader = new Reader(all);
  for (let at = 0, item = all[at]; item; item = all[at]) at = RULES[item.role](reader, at, item) ?? at + 1;
  reader.end();

  const excepts = [...reader.decisions.values()].includes('except');
  const rest = reader.rest ?? (excepts ? 'remove' : undefined);
  const decisions = new Map(
    [...reader.decisions].map(([name, mode]) => [name, mode === 'except' ? flip(rest ?? 'remove') : mode]),
  );
  return { decisions, removes: reader.removes, rest, repair: reader.repair, keep: reader.keep };
}
