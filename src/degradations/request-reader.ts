/**
 * Reads the items of a request from left to right and decides for each name whether it goes or stays.
 *
 * One pass with little memory: what the last verb does, whether it was refused, what was named since as the subject of a
 * verb to come ('the haze must remain'), and what was named last, for 'it'. What stands in a caption or behind a preposition
 * ('a street in the rain') is named, but nothing is asked about it.
 *
 * @module
 */
import type { Item } from './lexicon.ts';

export type Choice = 'remove' | 'keep';
/** Names behind 'except' get the opposite of everything else, which may be said later. */
type Mode = Choice | 'except';
type Verb = 'remove' | 'keep' | 'repair' | 'let' | 'make' | 'want';

/** What was decided. Names overrule `rest`; `rest` overrules `repair` and `keep`. */
export interface Reading {
  readonly decisions: ReadonlyMap<string, Choice>;
  /** What happens to all that is not named, where it is said: 'remove everything', 'change nothing else'. */
  readonly rest: Choice | undefined;
  /** Whether the picture as such was to be restored ('clean it up'), or left alone ('leave it as it is'). */
  readonly repair: boolean;
  readonly keep: boolean;
}

const flip = (mode: Mode): Choice => (mode === 'keep' ? 'remove' : 'keep');

/** What 'must vanish' may be said of, and the mark before it. */
interface Subject {
  readonly names: readonly string[];
  readonly whole: 'all' | 'nothing' | 'none';
  readonly after: 'comma' | 'join' | 'none';
}

const newSentence = () => ({
  named: new Set<string>(),
  all: false,
  /** Whether it has a verb or the like, words that mean nothing here, and more than the short forms ('rain, no fog') have. */
  asks: false,
  other: false,
  foreign: false,
  caption: false,
  good: false,
  wished: false,
});

const newClause = () => ({
  mode: undefined as Mode | undefined,
  verb: undefined as Verb | undefined,
  refused: false,
  /** Whether the mode comes from 'not the rain', so that a turn goes back to the one before; or from 'must vanish'. */
  flipped: false,
  outcome: false,
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

type Role = Item['role'];

/** Items between a word and the noun that it looks for. */
const PASSED: readonly Role[] = ['article', 'filler', 'this', 'auxiliary', 'polite', 'bad'];
const NOUNS: readonly Role[] = ['name', 'adjective', 'act', 'other', 'picture', 'all', 'good'];
/** Items behind which 'leave' and 'clean' ask for nothing: 'people leave', 'the cut', 'a clean photo'. */
const NO_VERB_BEHIND: readonly Role[] = ['other', 'picture', 'article', 'place', 'adjective', 'good'];
/** Items behind which 'removing' asks for nothing: 'a man removing snow'. */
const NO_GERUND_BEHIND: readonly Role[] = ['other', 'picture', 'adjective', 'name'];
/** Verbs whose object may be the subject of another: 'let the rain vanish'. */
const WITH_CLAUSE: readonly (Verb | undefined)[] = ['let', 'make', 'want'];

class Reader {
  readonly decisions = new Map<string, Mode>();
  rest: Choice | undefined;
  repair = false;
  keep = false;
  /** What 'it' means; the next name begins anew if the group is closed. */
  private recent: readonly string[] = [];
  private closed = true;
  /** Decided by being named alone, which a verb may overrule: 'Noise? Keep it.' */
  private readonly bare = new Set<string>();
  /** The mode that 'not' turns around when its own clause has none. */
  private before: Mode | undefined;
  private sentence = newSentence();
  private clause = newClause();

  constructor(private readonly items: readonly Item[]) {}

  /** Takes the item at a place; gives the place of the next. */
  take(at: number, { role, names, gerund }: Item): number {
    const { clause, sentence } = this;
    switch (role) {
      case 'name':
        this.name(names);
        break;
      case 'adjective':
        this.adjective(names, at);
        break;
      case 'act':
        this.act(names, at);
        break;
      case 'remove':
      case 'keep':
      case 'repair':
      case 'let':
      case 'make':
      case 'want':
        this.verb(role, gerund, at);
        break;
      case 'gone':
        this.outcome('remove');
        break;
      case 'stays':
        this.outcome('keep');
        break;
      case 'bad':
        if (clause.auxiliary) this.outcome('remove');
        break;
      case 'fine':
        if (clause.auxiliary) this.outcome('keep');
        break;
      case 'good':
        if (clause.auxiliary && !clause.verb && clause.subjects.length > 0) this.outcome('keep');
        else sentence.good = true;
        break;
      case 'no':
        // 'Leave no noise' turns the verb around; otherwise 'no' stands by itself.
        clause.negation = clause.mode && clause.verb && this.items[at - 1]?.role === clause.verb ? 'not' : 'no';
        clause.loose = false;
        break;
      case 'not':
        clause.negation = 'not';
        clause.loose = false;
        break;
      case 'only':
        clause.only = true;
        break;
      case 'except':
        this.begin({ mode: 'except', verb: 'remove' });
        break;
      case 'but':
        if (this.isExcept(at)) this.begin({ mode: 'except', verb: 'remove' });
        else this.turn();
        break;
      case 'turn':
        this.turn();
        break;
      case 'stop':
        this.end();
        break;
      case 'comma':
        this.comma();
        break;
      case 'join':
      case 'or':
        if (clause.loose && !clause.placeNamed && clause.mode) clause.loose = false;
        clause.after = 'join';
        break;
      case 'all':
      case 'nothing':
        this.whole(role);
        break;
      case 'each':
        if (!this.nounBehind(at)) this.whole('all');
        break;
      case 'it':
        this.pronoun();
        break;
      case 'this':
        if (!this.nounBehind(at)) this.pronoun();
        break;
      case 'self':
      case 'auxiliary':
        clause[role] = true;
        break;
      case 'picture':
        sentence.foreign = true;
        if (!clause.loose && clause.mode === 'keep' && clause.verb !== 'want') this.keep = true;
        break;
      case 'more':
        return clause.mode === 'remove' ? at + 1 : this.place(at);
      case 'place':
        return this.place(at);
      case 'with':
        this.begin({});
        sentence.foreign = true;
        break;
      case 'other':
        this.other(at);
        break;
      case 'removal':
      case 'article':
      case 'filler':
      case 'polite':
        break;
    }
    return at + 1;
  }

  private name(names: readonly string[]): void {
    const { clause, sentence } = this;
    this.remember(names);
    if (clause.loose) {
      clause.placeNamed = true;
      return;
    }
    this.object(names);
    const { negation } = clause;
    if (negation) {
      const mode = negation === 'no' ? 'remove' : flip(clause.mode ?? this.before ?? 'remove');
      if (negation === 'not') this.before = clause.mode;
      Object.assign(clause, { mode, verb: clause.verb ?? 'remove', flipped: negation === 'not', negation: undefined });
      sentence.asks = true;
    }
    if (clause.mode) this.decide(names, clause.mode);
    else for (const name of names) sentence.named.add(name);
  }

  /** 'Less foggy', 'keep it foggy'; elsewhere it tells what the picture shows. */
  private adjective(names: readonly string[], at: number): void {
    const { clause } = this;
    if (clause.negation) this.decide(names, 'remove');
    else if (clause.mode === 'keep' && clause.verb !== 'want') this.decide(names, 'keep');
    else return this.other(at);
    clause.negation = undefined;
    clause.objects++;
  }

  private act(names: readonly string[], at: number): void {
    const { clause, sentence } = this;
    if (sentence.caption) return this.other(at);
    const refused = this.isRefused(at);
    this.decide(names, clause.mode === 'except' ? 'except' : refused ? 'keep' : 'remove');
    clause.objects++;
    this.begin({ refused });
    this.remember(names);
    sentence.asks = true;
  }

  private verb(verb: Verb, gerund: boolean, at: number): void {
    const { clause, sentence } = this;
    const before = this.items[at - 1]?.role;
    const fits =
      before === undefined ||
      before === 'polite' ||
      (!sentence.caption && !(gerund ? NO_GERUND_BEHIND : NO_VERB_BEHIND).includes(before));
    const alone = before === undefined || ['comma', 'stop', 'turn', 'but', 'join'].includes(before);
    if (!fits || (verb === 'want' && !clause.self && !alone)) {
      if (verb === 'repair' && !gerund) sentence.good = true;
      else this.other(at);
      return;
    }
    const refused = this.isRefused(at);
    const plain = verb === 'make' ? undefined : verb === 'remove' || verb === 'repair' ? 'remove' : 'keep';
    const only = clause.only && (before === 'only' || !clause.verb);
    this.begin({ mode: plain && refused ? flip(plain) : plain, verb, refused, only });
    sentence.asks = true;
    if (verb === 'make' || verb === 'want') sentence.wished = true;
  }

  /** Whether the verb at a place is refused: 'do not', 'without', 'I do not want to', or after another that is: 'or touch'. */
  private isRefused(at: number): boolean {
    const { negation, refused, verb, objects } = this.clause;
    if (negation) return true;
    return refused && (this.roleBefore(at) === 'or' || (WITH_CLAUSE.includes(verb) && objects === 0));
  }

  /** The subject goes or stays. */
  private outcome(choice: Choice): void {
    const { clause, sentence } = this;
    let { subjects } = clause;
    if (subjects.length === 0 || sentence.caption) return;
    if (clause.verb && !WITH_CLAUSE.includes(clause.verb)) {
      // 'Leave the rain and the haze untouched' only says it again; in 'keep the rain, the haze must go' a clause begins
      // with the last comma, else with the last 'and'.
      const comma = subjects.findLastIndex(({ after }) => after === 'comma');
      const again = choice === (clause.verb === 'keep' ? 'keep' : 'remove');
      const cut = comma > 0 ? comma : again ? 0 : subjects.findLastIndex(({ after }) => after === 'join');
      if (cut <= 0) return;
      subjects = subjects.slice(cut);
    }
    const negated = clause.negation !== undefined || (clause.refused && WITH_CLAUSE.includes(clause.verb));
    const mode = negated ? flip(choice) : choice;
    for (const { names, whole } of subjects) {
      this.decide(names, mode);
      if (whole !== 'none') this.rest = whole === 'all' ? mode : flip(mode);
    }
    clause.objects++;
    this.begin({ mode, outcome: true });
    sentence.asks = true;
  }

  /** Everything or nothing. */
  private whole(whole: 'all' | 'nothing'): void {
    const { clause, sentence } = this;
    if (clause.loose || clause.mode === 'except') return;
    this.object([], whole);
    const said = clause.negation === 'no' ? 'remove' : clause.negation ? flip(clause.mode ?? 'remove') : clause.mode;
    clause.negation = undefined;
    if (whole === 'nothing') this.rest = flip(said ?? 'remove');
    else if (said) this.rest = said;
    else sentence.all = true;
  }

  private pronoun(): void {
    const { clause, recent } = this;
    const { mode, verb } = clause;
    if (clause.loose || (verb === 'repair' && !clause.refused)) return;
    if (!mode) {
      clause.subjects.push({ names: recent, whole: 'none', after: clause.after });
      return;
    }
    // In 'remove the noise and leave it as it is', it is the picture.
    const contrary = recent.some((name) => !this.bare.has(name) && (this.decisions.get(name) ?? mode) !== mode);
    if (recent.length > 0 && !contrary) {
      this.object(recent);
      this.decide(recent, mode);
    } else if (mode === 'keep' && verb !== 'want') this.keep = true;
  }

  /** 'In this photo' says nothing; 'in the rain' names what nothing is asked about. */
  private place(at: number): number {
    let next = at + 1;
    while (PASSED.includes(this.items[next]?.role ?? 'stop')) next++;
    const role = this.items[next]?.role;
    if (role === 'picture' || role === 'it') return next + 1;
    if (this.items[next - 1]?.role === 'this' && role !== 'other' && role !== 'name' && role !== 'adjective')
      return next;
    Object.assign(this.clause, { loose: true, placeNamed: false, negation: undefined });
    this.sentence.foreign = true;
    return at + 1;
  }

  private other(at: number): void {
    const { clause, sentence } = this;
    sentence.other = true;
    sentence.foreign = true;
    if (!sentence.asks && !clause.self && clause.subjects.length === 0) sentence.caption = true;
    // 'Remove the rain, a man walks in the fog': a list of degradations does not go on so.
    if (clause.after === 'comma' && this.items[at - 1]?.role === 'article') this.begin({});
  }

  /** A comma goes on with a list, but not with what 'must vanish' said. */
  private comma(): void {
    const { clause } = this;
    if (clause.outcome) Object.assign(clause, { mode: undefined, outcome: false });
    Object.assign(clause, { negation: undefined, loose: false, only: false, auxiliary: false, after: 'comma' });
    this.sentence.caption = false;
  }

  private turn(): void {
    const { mode, flipped } = this.clause;
    if (!flipped) this.before = mode ?? this.before;
    this.begin({ mode: flipped ? this.before : undefined });
    this.sentence.caption = false;
  }

  /** Ends the sentence: what was only named is asked for where nothing else was said. */
  end(): void {
    const { sentence } = this;
    this.begin({ self: false });
    if (!sentence.foreign) {
      for (const name of sentence.named) {
        if (this.decisions.has(name)) continue;
        this.decisions.set(name, 'remove');
        this.bare.add(name);
      }
      if (sentence.all) this.rest ??= 'remove';
    }
    if (sentence.good && (!sentence.other || sentence.wished)) this.repair = true;
    this.sentence = newSentence();
    this.before = undefined;
  }

  /** Ends the clause, and begins another. */
  private begin(parts: Partial<ReturnType<typeof newClause>>): void {
    const { verb, objects, refused, self } = this.clause;
    if (verb === 'repair' && objects === 0) this[refused ? 'keep' : 'repair'] = true;
    this.clause = { ...newClause(), self, ...parts };
    this.closed = true;
  }

  private object(names: readonly string[], whole: Subject['whole'] = 'none'): void {
    this.clause.objects++;
    this.clause.subjects.push({ names, whole, after: this.clause.after });
    this.clause.after = 'none';
  }

  private decide(names: readonly string[], mode: Mode): void {
    for (const name of names) {
      this.decisions.set(name, mode);
      this.bare.delete(name);
    }
    if (this.clause.only && mode === 'keep') this.rest ??= 'remove';
  }

  private remember(names: readonly string[]): void {
    this.recent = this.closed ? names : [...this.recent, ...names];
    this.closed = false;
  }

  private roleBefore(at: number): Role | undefined {
    let before = at - 1;
    while (PASSED.includes(this.items[before]?.role ?? 'stop')) before--;
    return this.items[before]?.role;
  }

  private roleBehind(at: number): Role | undefined {
    let next = at + 1;
    while (PASSED.includes(this.items[next]?.role ?? 'stop')) next++;
    return this.items[next]?.role;
  }

  private nounBehind(at: number): boolean {
    return NOUNS.includes(this.roleBehind(at) ?? 'stop');
  }

  /** 'Everything but the rain', unlike 'restore everything but keep the rain'. */
  private isExcept(at: number): boolean {
    const before = this.roleBefore(at);
    return (before === 'all' || before === 'each' || before === 'nothing') && this.roleBehind(at) === 'name';
  }
}

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
      out[at] = { role: 'act', names: out[at]?.names ?? [], gerund: false };
      if (out[at - 1]?.role !== 'join' && out[at - 1]?.role !== 'or') break;
    }
  }
  return out;
}

export function readItems(items: readonly Item[]): Reading {
  const all = withActs(items);
  const reader = new Reader(all);
  for (let at = 0, item = all[at]; item; item = all[at]) at = reader.take(at, item);
  reader.end();

  const excepts = [...reader.decisions.values()].includes('except');
  const rest = reader.rest ?? (excepts ? 'remove' : undefined);
  const decisions = new Map(
    [...reader.decisions].map(([name, mode]) => [name, mode === 'except' ? flip(rest ?? 'remove') : mode]),
  );
  return { decisions, rest, repair: reader.repair, keep: reader.keep };
}
