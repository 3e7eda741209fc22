/**
 * What people write to a restorer: which degradations should go, in many words, with or without what the photo shows.
 *
 * A prompt that names something asks for that and keeps the rest; one that names only what stays asks for the rest; the
 * empty prompt, a mere caption and 'restore this' ask for everything.
 *
 * @module
 */
import { wordsFor } from '../degradations/index.ts';
import type { Random } from '../random/random.ts';
import type { DegradationSet } from './degradations/record.ts';

const REMOVE = [
  'remove',
  'remove',
  'remove',
  'get rid of',
  'take away',
  'take out',
  'erase',
  'eliminate',
  'clean up',
  'clear away',
  'delete',
  'wipe out',
  'strip',
  'drop',
  'cut',
  'filter out',
  'clear up',
] as const;

/** Clauses that say what stays; # is its place. */
const KEEP = [
  'keep #',
  'keep #',
  'keep #',
  'leave #',
  'leave # alone',
  'leave # as it is',
  'preserve #',
  'retain #',
  "don't remove #",
  'do not remove #',
  "don't touch #",
  'do not touch #',
  'let # stay',
  '# stays',
  '# should stay',
] as const;

const ONLY = [
  'only remove #',
  'remove only #',
  'just remove #',
  'remove # only',
  'just #',
  'only #',
  'remove # and nothing else',
] as const;

const EXCEPT = [
  'remove everything except #',
  'remove everything but #',
  'remove all but #',
  'clean up everything except #',
  'restore everything but keep #',
  'clean the photo but leave #',
  'fix everything apart from #',
  'keep #',
  'keep only #',
] as const;

const ALL = [
  'remove everything',
  'remove everything',
  'restore',
  'restore this photo',
  'restore the picture',
  'clean',
  'clean it up',
  'clean up this image',
  'fix this photo',
  'fix it',
  'make it clean',
  'make it clear',
  'remove all degradations',
  'remove all the defects',
  'repair this picture',
  'clear everything',
  'enhance',
  'improve this photograph',
  'make this picture sharp and clean',
  'undo all the damage',
  'get rid of everything bad',
  'a clean photo',
  'a clean, high quality picture',
  'remove whatever spoils it',
  'remove all',
] as const;

const NOTHING = [
  'change nothing',
  'do nothing',
  'leave it as it is',
  'leave everything',
  'keep everything as it is',
] as const;

const ARTICLES = ['the ', 'the ', 'the ', '', '', 'this ', 'all the ', 'all '] as const;
const OPENINGS = [
  'please ',
  'please ',
  'can you ',
  'could you ',
  'could you please ',
  'I want you to ',
  "I'd like you to ",
  'try to ',
] as const;
const CLOSINGS = [
  ' please',
  ', please',
  ' from this photo',
  ' from the picture',
  ' from this image',
  ' in this photograph',
  ', thanks',
] as const;
const JOINS = [' and ', ' and ', ' & ', ', ', ' plus ', ' as well as '] as const;
const TURNS = [' but ', ' but ', ', ', ' and ', ', but ', '; ', ' while you '] as const;

export interface PromptRequest {
  /** What the model knows. */
  readonly degradations: readonly string[];
  /** What the picture has; a kept degradation is named more often when it is there to be kept. */
  readonly present: DegradationSet;
  /** What should go; null means everything, without naming it. */
  readonly asked: DegradationSet | null;
  /** What the photo shows, to stand before or after the instruction. */
  readonly caption?: string;
}

/** One way to write the request. */
export function writePrompt(random: Random, request: PromptRequest): string {
  const instruction = finish(random, instruct(random, request));
  const { caption } = request;
  if (caption === undefined) return instruction;
  const content = caption.trim().replace(/\s*\.$/, '');
  switch (random.int(3)) {
    case 0:
      return `${content}. ${instruction}`;
    case 1:
      return `${instruction.replace(/[.!]$/, '')}. ${content}.`;
    default:
      return `${instruction.replace(/[.!]$/, '')}: ${content}`;
  }
}

function instruct(random: Random, { degradations, present, asked }: PromptRequest): string {
  if (asked === null) return frame(random, random.pick(ALL), true);
  const gone = random.shuffle(degradations.filter((name) => asked.has(name)));
  const staying = random.shuffle(degradations.filter((name) => !asked.has(name)));
  if (gone.length === 0) return frame(random, random.pick(NOTHING), true);
  if (staying.length === 0) return frame(random, removal(random, gone), true);

  // Naming what stays tells most where it is there; naming the absent now and then teaches that it does not matter.
  const there = staying.filter((name) => present.has(name));
  const mentioned = there.length > 0 && random.uniform() < 0.85 ? there : [random.pick(staying)];
  const form = random.uniform();
  if (staying.length === 1 && form < (degradations.length > 3 ? 0.6 : 0.12))
    return frame(random, fill(random, random.pick(EXCEPT), staying), true);
  if (form < 0.3) return bare(random, gone);
  if (form < 0.42) return frame(random, fill(random, random.pick(ONLY), gone), false);
  if (form < 0.62) return frame(random, removal(random, gone), true);
  const keep = fill(random, random.pick(KEEP), mentioned);
  if (form < 0.74) return frame(random, `${keep}${random.pick(TURNS.slice(0, 6))}${removal(random, gone)}`, true);
  if (form < 0.84)
    return `${list(random, gone)}${random.pick([', not ', ' but not ', ', and not '])}${list(random, mentioned)}`;
  return frame(random, `${removal(random, gone)}${random.pick(TURNS)}${keep}`, false);
}

/** Requests of a word or two: 'denoise', 'rain, haze', 'derain and dehaze'. */
function bare(random: Random, gone: readonly string[]): string {
  return gone.map((name) => random.pick(wordsFor(name).requests)).join(gone.length > 1 ? random.pick(JOINS) : '');
}

function removal(random: Random, gone: readonly string[]): string {
  if (random.uniform() < 0.2) return gone.map((name) => wordsFor(name).requests[0] as string).join(random.pick(JOINS));
  return `${random.pick(REMOVE)} ${list(random, gone)}`;
}

function fill(random: Random, clause: string, names: readonly string[]): string {
  return clause.replace('#', list(random, names));
}

/** 'the rain', 'rain and haze', 'all the fog, the grain and drizzle'. */
function list(random: Random, names: readonly string[]): string {
  const article = random.pick(ARTICLES);
  const nouns = names.map((name) => random.pick(wordsFor(name).nouns));
  const every = random.uniform() < 0.5;
  const parts = nouns.map((noun, i) => ((every || i === 0) && !noun.startsWith('the ') ? article + noun : noun));
  const last = parts.pop() as string;
  return parts.length === 0 ? last : `${parts.join(', ')}${random.pick(JOINS)}${last}`;
}

/** Politeness before, and where the sentence allows it a place or a thank-you after. */
function frame(random: Random, core: string, open: boolean): string {
  const before = random.uniform() < 0.25 ? random.pick(OPENINGS) : '';
  const after = open && random.uniform() < 0.25 ? random.pick(CLOSINGS) : '';
  return `${before}${core}${after}`;
}

/** Capitals, a full stop, and now and then a slip of the finger. */
function finish(random: Random, text: string): string {
  const typed = random.uniform() < 0.06 ? mistype(random, text) : text;
  const style = random.uniform();
  const cased =
    style < 0.5 ? typed : style < 0.95 ? typed.charAt(0).toUpperCase() + typed.slice(1) : typed.toUpperCase();
  const end = random.uniform();
  return cased + (end < 0.25 ? '.' : end < 0.3 ? '!' : '');
}

/** One letter of a word of four or more doubled, lost, or swapped with its neighbour; the first letter stays. */
function mistype(random: Random, text: string): string {
  const words = text.split(' ');
  const long = words.map((word, index) => (word.length >= 4 ? index : -1)).filter((index) => index >= 0);
  if (long.length === 0) return text;
  const chosen = random.pick(long);
  const word = words[chosen] as string;
  const at = 1 + random.int(word.length - 2);
  const wrong = random.pick([
    word.slice(0, at) + word.charAt(at) + word.slice(at),
    word.slice(0, at) + word.slice(at + 1),
    word.slice(0, at) + word.charAt(at + 1) + word.charAt(at) + word.slice(at + 2),
  ]);
  return words.map((other, index) => (index === chosen ? wrong : other)).join(' ');
}
