import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HELD_OUT_PROMPTS } from '../data/held-out-prompts.ts';
import { type PromptRequest, writePrompt } from '../data/prompts.ts';
import { Random } from '../random/random.ts';
import { combinationsOf } from './combinations.ts';
import { EVERYTHING, INSTRUCTIONS, NOTHING, UNKNOWN } from './grammar.cases.ts';
import { describeRequest, type Request, readRequest } from './grammar.ts';
import { KNOWN_DEGRADATIONS, wordsFor } from './index.ts';
import { itemsOf, lexiconOf } from './lexicon.ts';
import { readItems } from './request-rules.ts';

/** Looks at the items where a prompt begins and ends, at most. */
const ONCE = 10;

const MODEL = ['noise', 'rain', 'haze'];
const without = (names: readonly string[], model = MODEL) => model.filter((name) => !names.includes(name));

function partOf({ kind, remove, keep }: Request) {
  return { kind, remove, keep };
}

describe('readRequest', () => {
  for (const [asked, prompts] of Object.entries(INSTRUCTIONS)) {
    it.each(prompts)(`takes ${asked} from: %s`, (prompt) => {
      const remove = asked.split(',');
      expect(partOf(readRequest(prompt, MODEL))).toEqual({ kind: 'instruction', remove, keep: without(remove) });
    });
  }

  it.each(EVERYTHING)('takes everything from: %s', (prompt) => {
    expect(partOf(readRequest(prompt, MODEL))).toEqual({ kind: 'everything', remove: MODEL, keep: [] });
  });

  it.each(NOTHING)('takes nothing from: %s', (prompt) => {
    expect(readRequest(prompt, MODEL)).toEqual({ kind: 'nothing', remove: [], keep: MODEL, unknown: [] });
  });

  it.each(UNKNOWN)('does not take for a request: %s', (prompt) => {
    expect(partOf(readRequest(prompt, MODEL))).toEqual({ kind: 'unknown', remove: MODEL, keep: [] });
  });

  it.each(['', '   ', '...', '\n'])('is empty without words: %j', (prompt) => {
    expect(readRequest(prompt, MODEL)).toEqual({ kind: 'empty', remove: MODEL, keep: [], unknown: [] });
  });

  it.each([
    ['make it sharper', 'unknown', MODEL, ['sharpness']],
    ['remove the blur', 'unknown', MODEL, ['sharpness']],
    ['enlarge this', 'unknown', MODEL, ['size']],
    ['colourise the photo', 'unknown', MODEL, ['colour']],
    ['denoise and sharpen', 'instruction', ['noise'], ['sharpness']],
    ['remove the rain but keep it sharp', 'instruction', ['rain'], []],
    ['remove the noise and the scratches', 'instruction', ['noise'], ['scratches']],
    ['restore and upscale', 'everything', MODEL, ['size']],
    ['remove the noise, no sharpening', 'instruction', ['noise'], []],
  ])('says what this model does not have: %s', (prompt, kind, remove, unknown) => {
    expect(readRequest(prompt, MODEL)).toEqual({ kind, remove, keep: without(remove), unknown });
  });

  it('says which known degradations a model does not have', () => {
    expect(readRequest('denoise and dehaze', ['noise'])).toEqual({
      kind: 'instruction',
      remove: ['noise'],
      keep: [],
      unknown: ['haze'],
    });
    expect(readRequest('dehaze', ['noise'])).toEqual({
      kind: 'unknown',
      remove: ['noise'],
      keep: [],
      unknown: ['haze'],
    });
    expect(readRequest('dehaze, but leave the noise', ['noise'])).toMatchObject({ kind: 'nothing', unknown: ['haze'] });
    expect(readRequest('denoise but leave the haze', ['noise']).unknown).toEqual([]);
  });

  it('understands every word of every record, asked for, refused and beside another', () => {
    for (const name of KNOWN_DEGRADATIONS) {
      const other = KNOWN_DEGRADATIONS.find((known) => known !== name) ?? name;
      const { nouns, requests } = wordsFor(name);
      const read = (prompt: string) => [prompt, readRequest(prompt, [name, other]).remove];
      for (const request of requests) expect(read(request)).toEqual([request, [name]]);
      for (const noun of nouns) {
        for (const prompt of [noun, `remove the ${noun}`, `no ${noun}`, `please make the ${noun} go away`])
          expect(read(prompt)).toEqual([prompt, [name]]);
        for (const prompt of [`keep the ${noun}`, `the ${noun} must stay`, `without touching the ${noun}`])
          expect(read(prompt)).toEqual([prompt, [other]]);
      }
    }
  });

  it('asks for names without a record by their label', () => {
    const model = ['noise', 'lens-flare', 'moire'];
    expect(readRequest('remove the lens flare', model).remove).toEqual(['lens-flare']);
    expect(readRequest('noise and moire, keep the lens flares', model).remove).toEqual(['noise', 'moire']);
    expect(readRequest('no lens-flare', model).remove).toEqual(['lens-flare']);
    // A wish that a model can fulfil is a name like any other.
    expect(readRequest('remove the shadows', ['noise', 'shadows'])).toMatchObject({ remove: ['shadows'], unknown: [] });
  });

  it('says what goes without being named', () => {
    expect(readRequest('keep the rain', MODEL).unnamed).toEqual(['noise', 'haze']);
    expect(readRequest('everything but the rain', MODEL).unnamed).toEqual(['noise', 'haze']);
    expect(readRequest('remove the haze', MODEL).unnamed).toBeUndefined();
    expect(readRequest('noise and haze, but keep the rain', MODEL).unnamed).toBeUndefined();
  });

  it('keeps the order of the model', () => {
    expect(readRequest('rain, noise', ['haze', 'rain', 'noise'])).toMatchObject({ remove: ['rain', 'noise'] });
  });

  it.each(HELD_OUT_PROMPTS)('reads the held-out prompt: $prompt', ({ prompt, asked }) => {
    const others = [...asked].filter((name) => !MODEL.includes(name));
    const model = others.length > 0 ? KNOWN_DEGRADATIONS : MODEL;
    expect(readRequest(prompt, model).remove).toEqual(model.filter((name) => asked.has(name)));
    // A model that has never heard of it says so.
    expect(readRequest(prompt, MODEL).unknown).toEqual(others);
  });

  it('reads long prompts with work that grows with their length', () => {
    const parts = [
      'not the rain, ',
      'remove ',
      'a',
      'everything but ',
      ' - ',
      "a'",
      'de-',
      'noise and ',
      'removve ',
      'in ',
    ];
    const lexicon = lexiconOf(MODEL);
    /** How often the rules look at an item. */
    const looks = (part: string, times: number) => {
      let count = 0;
      const items = itemsOf(part.repeat(times), lexicon).map(({ role, names, gerund }) => ({
        get role() {
          count++;
          return role;
        },
        names,
        gerund,
      }));
      readItems(items);
      return count;
    };
    for (const part of parts) {
      const [short, long] = [looks(part, 500), looks(part, 1000)];
      expect([part, long <= 2 * short + ONCE]).toEqual([part, true]);
    }
  });

  it('answers anything with parts of the model', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (prompt) => {
        const { remove, keep } = readRequest(prompt, MODEL);
        expect(MODEL.filter((name) => remove.includes(name) !== keep.includes(name))).toEqual(MODEL);
      }),
      { numRuns: 200 },
    );
  });
});

/** Times that a word comes in the prompts of the test, if it is not mistyped. */
const OFTEN = 12;

describe('the prompts of training', () => {
  const set = (names: readonly string[]): ReadonlySet<string> => new Set(names);
  const CAPTIONS = [
    undefined,
    undefined,
    'a dog runs on the beach',
    'two people in the rain with umbrellas',
    'fog over hills',
  ];

  it('are read as they were meant, with few exceptions for mistyped words', () => {
    const random = new Random(17);
    const subsets = [null, ...combinationsOf(MODEL)];
    const written = Array.from({ length: 8000 }, () => {
      const asked = random.pick(subsets);
      const caption = random.pick(CAPTIONS);
      const request: PromptRequest = {
        degradations: MODEL,
        present: set(random.pick(combinationsOf(MODEL))),
        asked: asked === null ? null : set(asked),
        ...(caption === undefined ? {} : { caption }),
      };
      const prompt = writePrompt(random, request);
      const right = readRequest(prompt, MODEL).remove.join() === (asked ?? MODEL).join();
      return { prompt, right, words: prompt.toLowerCase().match(/[a-z'-]+/g) ?? [] };
    });
    // A word that hardly ever comes is a mistyped one.
    const counts = new Map<string, number>();
    for (const word of written.flatMap(({ words }) => words)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const clean = written.filter(({ words }) => words.every((word) => (counts.get(word) ?? 0) >= OFTEN));
    expect(clean.length).toBeGreaterThan(0.9 * written.length);
    // 'Remove the rain and the haze and the noise should stay' can be cut in two places.
    const unclear = /^.* and .* and .* (?:stay|stays|should stay)\b/i;
    expect(clean.filter(({ prompt, right }) => !right && !unclear.test(prompt)).map(({ prompt }) => prompt)).toEqual(
      [],
    );
    expect(clean.filter(({ right }) => !right).length).toBeLessThan(0.002 * clean.length);
    expect(written.filter(({ right }) => right).length).toBeGreaterThan(0.99 * written.length);
  });
});

describe('describeRequest', () => {
  it.each([
    ['remove the noise', 'removing: noise; keeping: rain, haze'],
    ['', 'removing everything found'],
    ['restore', 'removing everything found'],
    ['do nothing', 'removing nothing'],
    ['zzzz', 'not understood; removing everything found; can be asked for: noise, rain, haze'],
    [
      'make it sharper',
      'not known to this model: sharpness; removing everything found; can be asked for: noise, rain, haze',
    ],
    [
      'denoise and sharpen',
      'not known to this model: sharpness; removing: noise; keeping: rain, haze; can be asked for: noise, rain, haze',
    ],
    ['noise, rain and haze', 'removing: noise, rain, haze'],
  ])('says what %j asks for', (prompt, words) => {
    expect(describeRequest(readRequest(prompt, MODEL), MODEL)).toBe(words);
  });
});
