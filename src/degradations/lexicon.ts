/**
 * From text to the items of a request: the words of degradations and of sentences, with slips of the finger forgiven.
 *
 * @module
 */
import { type Role, VERBS, WORDS_BY_ROLE } from './function-words.ts';
import { KNOWN_DEGRADATIONS, wordsFor } from './index.ts';

/** A word or phrase with its part in the sentence. */
export interface Item {
  /** `name` is a degradation, `adjective` how a picture with it is ('foggy'), `act` its removal in a word ('defog'). */
  readonly role: Role | 'name' | 'adjective' | 'act';
  /** What is named; none for the roles of function words. */
  readonly names: readonly string[];
  /** How a verb is written: 'removing' is one after words after which 'remove' is none. */
  readonly gerund: boolean;
}

/** Wishes that photographs are often brought with; a record of the same words, or a model with the name, comes first. */
const WISHES: Readonly<Record<string, readonly { readonly role: 'name' | 'act'; readonly words: string }[]>> = {
  sharpness: [
    { role: 'name', words: 'sharpness,blur,blurriness,motion blur,unsharpness,softness' },
    { role: 'act', words: 'sharpen,sharper,deblur,unblur,refocus' },
  ],
  size: [
    { role: 'name', words: 'resolution,super resolution' },
    { role: 'act', words: 'enlarge,upscale,upsample,bigger,larger' },
  ],
  colour: [
    { role: 'name', words: 'colour,color,colours,colors,saturation' },
    { role: 'act', words: 'colourise,colorise,colorize,colourize,recolour,recolor' },
  ],
  darkness: [
    { role: 'name', words: 'darkness,underexposure' },
    { role: 'act', words: 'brighten,brighten up,brighter,lighten,lighter,more light,enough light' },
  ],
  contrast: [{ role: 'name', words: 'contrast' }],
  scratches: [{ role: 'name', words: 'scratch,scratches,dust,crease' }],
  snow: [{ role: 'name', words: 'snow,snowflake' }],
  reflections: [{ role: 'name', words: 'reflection,glare' }],
  shadows: [{ role: 'name', words: 'shadow' }],
  watermarks: [{ role: 'name', words: 'watermark' }],
};

/** Words of this many letters may have one doubled or swapped, and longer ones one lost: 'rin' could be too much. */
const FORGIVEN = 4;

export interface Lexicon {
  readonly phrases: ReadonlyMap<string, Item>;
  /** The most words of a phrase. */
  readonly longest: number;
  /** The words of the phrases. */
  readonly words: ReadonlySet<string>;
  /** The longer of them by their first letter, which slips leave alone. */
  readonly forgiven: ReadonlyMap<string, readonly string[]>;
}

/** Forms of a verb, some of which do not exist, which does no harm: 'wiping out', 'stripping', 'tidied up'. */
function forms(verb: string): { readonly gerunds: string[]; readonly participles: string[] } {
  const [first = '', ...particles] = verb.split(' ');
  const stem = first.replace(/e$/, '');
  const double = stem + first.slice(-1);
  const behind = (form: string) => [form, ...particles].join(' ');
  const gerunds = [`${stem}ing`, `${double}ing`].map(behind);
  const participles = [`${stem}ed`, `${double}ed`, `${first.replace(/y$/, 'i')}ed`].map(behind);
  return { gerunds, participles };
}

const item = (role: Item['role'], names: readonly string[] = [], gerund = false): Item => ({ role, names, gerund });

/** Every phrase that a prompt for this model may be read by; later entries have the last word. */
export function lexiconOf(degradations: readonly string[]): Lexicon {
  const phrases = new Map<string, Item>();
  for (const role of Object.keys(VERBS) as (keyof typeof VERBS)[]) {
    for (const verb of VERBS[role]) {
      const { gerunds, participles } = forms(verb);
      for (const gerund of gerunds) phrases.set(gerund, item(role, [], true));
      if (role !== 'make' && role !== 'want' && role !== 'let')
        for (const form of participles) phrases.set(form, item(role === 'keep' ? 'stays' : 'gone'));
    }
  }
  for (const [role, words] of Object.entries(WORDS_BY_ROLE) as [keyof typeof WORDS_BY_ROLE, readonly string[]][])
    for (const word of words) phrases.set(word, item(role));
  for (const role of Object.keys(VERBS) as (keyof typeof VERBS)[])
    for (const verb of VERBS[role]) phrases.set(verb, item(role));

  const functions = new Map(phrases);
  for (const [name, parts] of Object.entries(WISHES))
    for (const { role, words } of parts) for (const word of words.split(',')) addForms(phrases, role, word, name);
  for (const name of new Set([...KNOWN_DEGRADATIONS, ...degradations])) addName(phrases, functions, name);

  const words = new Set([...phrases.keys()].flatMap((phrase) => phrase.split(' ')));
  const forgiven = new Map<string, string[]>();
  for (const word of words) {
    if (word.length < FORGIVEN) continue;
    forgiven.set(word.charAt(0), [...(forgiven.get(word.charAt(0)) ?? []), word]);
  }
  const longest = Math.max(...[...phrases.keys()].map((phrase) => phrase.split(' ').length));
  return { phrases, longest, words, forgiven };
}

/** Words of a request that ask for the rest of it to go, and words that it can do without. */
const REMOVING: readonly Item['role'][] = ['remove', 'repair', 'removal', 'no'];
const IDLE: readonly Item['role'][] = ['make', 'it', 'this', 'auxiliary', 'polite', 'article', 'filler'];

/** The nouns of a record, and its requests less the words that any request has: 'fix the compression' is a noun, 'deblock' not. */
function addName(phrases: Map<string, Item>, functions: ReadonlyMap<string, Item>, name: string): void {
  const { label, nouns, requests } = wordsFor(name);
  const known = new Set<string>();
  for (const noun of [name, label, ...nouns])
    known.add(
      words(noun)
        .join(' ')
        .replace(/^(?:the|a|an) /, ''),
    );
  for (const request of requests) {
    const spoken = words(request);
    const roles = spoken.map((word) => functions.get(word)?.role);
    const noun = spoken.filter((_, i) => roles[i] === undefined).join(' ');
    if (noun === '' || known.has(noun)) continue;
    if (roles.some((role) => role && REMOVING.includes(role))) known.add(noun);
    else {
      // 'Make it brighter' is also 'brighter'.
      const short = spoken.filter((_, i) => !IDLE.includes(roles[i] ?? 'other')).join(' ');
      for (const phrase of [spoken.join(' '), short]) addForms(phrases, 'act', phrase, name);
    }
  }
  for (const noun of known) {
    addForms(phrases, 'name', noun, name);
    if (noun.includes(' ')) continue;
    addForms(phrases, 'act', `de${noun}`, name);
    for (const adjective of adjectives(noun))
      if (!phrases.has(adjective)) phrases.set(adjective, item('adjective', [name]));
  }
}

/** 'Rainy', 'hazy', 'foggy', 'blocky', 'dark'; and words that do not exist, which does no harm. */
function adjectives(noun: string): string[] {
  const stems = [noun, noun.replace(/e$/, ''), noun + noun.slice(-1), noun.replace(/s$/, '')];
  const quality = noun.replace(/ness$/, '');
  return [...stems.map((stem) => `${stem}y`), ...(quality === noun ? [] : [quality, quality.replace(/i$/, 'y')])];
}

function addForms(phrases: Map<string, Item>, role: 'name' | 'act', phrase: string, name: string): void {
  const others =
    role === 'act' ? forms(phrase).gerunds : phrase.length > 3 ? [`${phrase}s`, phrase.replace(/s$/, '')] : [];
  for (const other of others) if (!phrases.has(other) || role === 'act') phrases.set(other, item(role, [name]));
  phrases.set(phrase, item(role, [name]));
}

/** Words and marks, lower case; contractions are written out, hyphens part words except behind 'de'. */
export function words(text: string): string[] {
  const plain = text
    .toLowerCase()
    .replace(/[\u2018\u2019`\u00b4]/g, "'")
    .replace(/\bw\/o\b/g, 'without')
    .replace(/\bde-(?=\p{L})/gu, 'de')
    .replace(/ -+ |[\u2013\u2014\u2026\n]/g, ' ; ')
    .replace(/[()[\]"]/g, ' , ');
  return (plain.match(/[\p{L}\p{N}]+(?:'+\p{L}+)*|[.,;:!?&+/]/gu) ?? []).flatMap(writtenOut);
}

function writtenOut(word: string): string[] {
  const at = word.indexOf("'");
  if (at < 0) return word === 'dont' ? ['do', 'not'] : [word];
  const [before, after] = [word.slice(0, at), word.slice(at).replace(/'/g, '')];
  // "n't", also as fingers miss it: "do'nt", "don''t".
  if (after === 't' || after === 'nt') return [before.replace(/n$/, ''), 'not'];
  if (before === 'let') return ['lets'];
  if (after === 's' && /^(?:it|that|there|what)$/.test(before)) return [before, 'is'];
  return [before];
}

/** Whether `typed` is `word` with one letter behind the first doubled, lost, or swapped with its neighbour. */
function isSlip(typed: string, word: string): boolean {
  let at = 0;
  while (at < word.length && typed[at] === word[at]) at++;
  if (typed.length === word.length + 1) return typed[at] === word[at - 1] && typed.slice(at + 1) === word.slice(at);
  if (typed.length === word.length - 1) return typed.slice(at) === word.slice(at + 1);
  if (typed.length !== word.length) return false;
  return typed[at] === word[at + 1] && typed[at + 1] === word[at] && typed.slice(at + 2) === word.slice(at + 2);
}

/** The text as items, the longest phrases first. */
export function itemsOf(text: string, { phrases, longest, words: known, forgiven }: Lexicon): Item[] {
  const typed = words(text).map((word) => {
    if (known.has(word) || word.length < FORGIVEN) return word;
    return forgiven.get(word.charAt(0))?.find((candidate) => isSlip(word, candidate)) ?? word;
  });
  const items: Item[] = [];
  for (let at = 0; at < typed.length; ) {
    let length = Math.min(longest, typed.length - at);
    while (length > 1 && !phrases.has(typed.slice(at, at + length).join(' '))) length--;
    const word = typed.slice(at, at + length).join(' ');
    items.push(phrases.get(word) ?? item(/.ly$/.test(word) ? 'filler' : 'other'));
    at += length;
  }
  return items;
}
