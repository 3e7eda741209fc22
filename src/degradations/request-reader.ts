/**
 * Decides for each name of a request whether it goes or stays, one item after the other.
 *
 * The memory is small: what the last verb does, whether it was refused, what was named since as the subject of a verb to
 * come ('the haze must remain'), and what was named last, for 'it'. What stands in a caption or behind a preposition ('a
 * street in the rain') is named, but nothing is asked about it.
 *
 * @module
 */
import type { Item } from './lexicon.ts';
import {
  type Choice,
  flip,
  type Mode,
  NO_GERUND_BEHIND,
  NO_VERB_BEHIND,
  NOUNS,
  newClause,
  newSentence,
  PASSED,
  type Role,
  type Subject,
  type Verb,
  WITH_CLAUSE,
} from './request-state.ts';

export class Reader {
  readonly decisions = new Map<string, Mode>();
  removes = false;
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
  sentence = newSentence();
  clause = newClause();

  constructor(readonly items: readonly Item[]) {}

  name(names: readonly string[]): void {
    const { clause, sentence } = this;
    if (clause.loose) {
      clause.placeNamed = true;
      return;
    }
    this.remember(names);
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
  adjective(names: readonly string[], at: number): void {
    const { clause } = this;
    if (clause.negation) this.decide(names, 'remove');
    else if (clause.mode === 'keep' && clause.verb !== 'want') this.decide(names, 'keep');
    else {
      this.other(at);
      return;
    }
    clause.negation = undefined;
    clause.objects++;
  }

  act(names: readonly string[], at: number): void {
    const { clause, sentence } = this;
    if (sentence.caption) {
      this.other(at);
      return;
    }
    const refused = this.isRefused(at);
    this.decide(names, clause.mode === 'except' ? 'except' : refused ? 'keep' : 'remove');
    this.begin({ refused });
    this.remember(names);
    sentence.asks = true;
  }

  verb(verb: Verb, gerund: boolean, at: number): void {
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
    const plain = verb === 'make' && !refused ? undefined : verb === 'remove' || verb === 'repair' ? 'remove' : 'keep';
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
  outcome(choice: Choice): void {
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
    // What 'I do not want' said of it was not the whole.
    if (WITH_CLAUSE.includes(clause.verb)) this.removes = clause.removedBefore;
    for (const { names, whole } of subjects) {
      this.decide(names, mode);
      // 'It should be cleaned': the picture.
      if (whole === 'none' && names.length === 0 && clause.auxiliary) this[mode === 'keep' ? 'keep' : 'repair'] = true;
      if (whole !== 'none') this.rest = whole === 'all' ? mode : flip(mode);
    }
    clause.objects++;
    this.begin({ mode, outcome: true });
    sentence.asks = true;
  }

  /** Everything or nothing. */
  whole(whole: 'all' | 'nothing'): void {
    const { clause, sentence } = this;
    if (clause.loose || clause.mode === 'except') return;
    if (clause.negation === 'not' && !clause.mode) return;
    this.object([], whole);
    const said = clause.negation === 'no' ? 'remove' : clause.negation && clause.mode ? flip(clause.mode) : clause.mode;
    clause.negation = undefined;
    if (whole === 'nothing') this.rest = flip(said ?? 'remove');
    else if (said) this.rest = said;
    else sentence.all = true;
  }

  pronoun(): void {
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
  place(at: number): number {
    let next = at + 1;
    while (PASSED.includes(this.items[next]?.role ?? 'stop')) next++;
    const role = this.items[next]?.role;
    if (role === 'picture' || role === 'it') return next + 1;
    if (this.items[next - 1]?.role === 'this' && role !== 'other' && role !== 'name' && role !== 'adjective')
      return next;
    Object.assign(this.clause, { loose: true, placeNamed: false, negation: undefined });
    Object.assign(this.sentence, { place: true, foreign: true });
    return at + 1;
  }

  other(at: number): void {
    const { clause, sentence } = this;
    sentence.other = true;
    sentence.foreign = true;
    if (!sentence.asks && !clause.self && clause.subjects.length === 0) sentence.caption = true;
    // 'Remove the rain, a man walks in the fog': a list of degradations does not go on so.
    if (clause.after === 'comma' && this.items[at - 1]?.role === 'article') this.begin({});
  }

  /** A comma goes on with a list, but not with what 'must vanish' said. */
  comma(): void {
    const { clause } = this;
    if (clause.outcome) Object.assign(clause, { mode: undefined, outcome: false });
    Object.assign(clause, { negation: undefined, loose: false, only: false, auxiliary: false, after: 'comma' });
    this.sentence.caption = false;
  }

  turn(): void {
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
        this.decide([name], 'remove');
        this.bare.add(name);
      }
      if (sentence.all) this.rest ??= 'remove';
    }
    if (sentence.good && (!sentence.other || sentence.wished)) this.repair = true;
    // What a caption shows is not what 'it' means.
    if (sentence.place && !sentence.asks) this.recent = [];
    this.sentence = newSentence();
    this.before = undefined;
  }

  /** Ends the clause, and begins another. */
  begin(parts: Partial<ReturnType<typeof newClause>>): void {
    const { verb, objects, refused, self } = this.clause;
    if (verb === 'keep' && objects === 0 && !refused && !this.sentence.other) this.keep = true;
    if (verb === 'repair' && objects === 0) this[refused ? 'keep' : 'repair'] = true;
    this.clause = { ...newClause(), self, removedBefore: this.removes, ...parts };
    this.closed = true;
  }

  good(): void {
    const { auxiliary, verb, subjects } = this.clause;
    if (auxiliary && !verb && subjects.some(({ names }) => names.length > 0)) this.outcome('keep');
    else this.sentence.good = true;
  }

  negate(negation: 'no' | 'not'): void {
    Object.assign(this.clause, { negation, loose: false });
  }

  join(): void {
    const { clause } = this;
    if (clause.loose && !clause.placeNamed && clause.mode) clause.loose = false;
    clause.after = 'join';
  }

  /** 'Do not remove the haze, just the rain.' */
  endRefusal(): void {
    const { clause } = this;
    if (clause.flipped) this.turn();
    else if (clause.refused && clause.mode === 'keep' && clause.objects > 0)
      this.begin({ mode: 'remove', verb: 'remove', after: clause.after });
  }

  /** 'They should all go.' */
  isOfSubject(): boolean {
    const { auxiliary, subjects } = this.clause;
    return auxiliary && subjects.length > 0;
  }

  /** 'Leave the photo' is about all that is in it. */
  picture(): void {
    const { loose, mode, verb, after, subjects } = this.clause;
    this.sentence.foreign = true;
    if (!loose && !mode) subjects.push({ names: [], whole: 'none', after });
    if (!loose && mode === 'keep' && verb !== 'want') this.keep = true;
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
    if (mode === 'remove' && names.length > 0) this.removes = true;
    if (this.clause.only && mode === 'keep') this.rest ??= 'remove';
  }

  private remember(names: readonly string[]): void {
    this.recent = this.closed ? names : [...new Set([...this.recent, ...names])];
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

  nounBehind(at: number): boolean {
    return NOUNS.includes(this.roleBehind(at) ?? 'stop');
  }

  /** 'Leave no noise' turns the verb around; otherwise 'no' stands by itself. */
  isBehindVerb(at: number): boolean {
    const { mode, verb } = this.clause;
    return mode !== undefined && verb !== undefined && this.items[at - 1]?.role === verb;
  }

  /** 'Everything but the rain', unlike 'restore everything but keep the rain'. */
  isExcept(at: number): boolean {
    const before = this.roleBefore(at);
    const behind = this.roleBehind(this.roleBehind(at) === 'each' ? at + 1 : at);
    return (before === 'all' || before === 'each' || before === 'nothing') && behind === 'name';
  }
}
