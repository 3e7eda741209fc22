import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HELD_OUT_PROMPTS } from '../data/held-out-prompts.ts';
import { type PromptRequest, writePrompt } from '../data/prompts.ts';
import { Random } from '../random/random.ts';
import { combinationsOf } from './combinations.ts';
import { describeRequest, type Request, readRequest } from './grammar.ts';
import { KNOWN_DEGRADATIONS, wordsFor } from './index.ts';

const MODEL = ['noise', 'rain', 'haze'];
const without = (names: readonly string[], model = MODEL) => model.filter((name) => !names.includes(name));

/** What is to go, in the order of the model, and phrases that ask for exactly that. */
const INSTRUCTIONS: Readonly<Record<string, readonly string[]>> = {
  noise: [
    'noise',
    'denoise',
    'De-noise!',
    'DENOISE THIS PHOTO',
    'denoising please',
    'noise reduction',
    'noise-free',
    'less noise',
    'a photo without the noise',
    'I would love to see this without the noise',
    'remove the grain',
    'get rid of the grain, please',
    'please take the noise out of the picture',
    'reduce the sensor noise',
    'could you get the grain out, and nothing else?',
    'fix the noise only',
    'just the noise',
    'nothing but the noise',
    'change nothing except the noise',
    'do not change anything but the noise',
    "Don't touch anything except the grain",
    'leave everything as it is except the noise',
    'Except for the noise, leave everything alone',
    'keep everything but the noise',
    'make the noise vanish and let both rain and haze be',
    'Suppress the grain here, nothing more',
    'denoise but keep the rain',
    'denoise without touching the rain',
    'noise, not rain',
    'the noise must go',
    'the noise has to go, the rest can stay',
    'the grain bothers me',
    'there is too much noise',
    'this is too noisy',
    'make it less grainy',
    'I want the noise gone but the rain kept',
    "I don't want the noise",
    'I do not like the grain',
    'I hate the noise',
    'My photo has noise, remove it',
    'I see noise here. Please get rid of it.',
    'remove the noise and leave it otherwise as it is',
    'remove the noise. Keep the rain. Keep the haze.',
    'keep the rain and the haze, but the noise should go',
    "don't keep the noise",
    'leave no noise',
    'remove the noise in the fog',
    'remove the noise: a street in the rain',
    'A man walks his dog in the rain. Remove the noise.',
    'free of noise',
    'remvoe the noisse',
    'delette the nosie',
    'only denoise, no deraining',
    'noise (but not rain)',
    'not the rain but the noise',
    'the photo with the noise removed',
    'fix this photo: remove the noise',
    'clear the grain; rain stays; haze stays',
    'I want less noise and I love the fog',
    'remove only the noise and keep the haze',
    'noise removal only',
  ],
  rain: [
    'rain',
    'Rain.',
    'the rain please',
    'rain removal',
    'no rain',
    'no more rain',
    'only rain',
    'rain only',
    'rain but not haze',
    'rain, nothing else',
    'remove rain, keep fog',
    'remove the rain but leave the haze untouched',
    'do away with the rain whereas the fog must remain',
    'remove the streaks of rain from this picture',
    'take the raindrops away',
    'can you please derain this for me',
    'deraining without dehazing',
    'I like the fog, keep it, but the rain has to disappear',
    'no rain but keep the mist',
    "remove rain, don't remove noise or touch the haze",
    'remove the rain, not the haze',
    'remove rain instead of haze',
    'The rain should be removed while the grain should be preserved',
    'I wish you could wipe out the rain streaks',
    "I'd like the rain to vanish",
    'make the rain disappear',
    'let the rain vanish, let the fog stay',
    'do not leave the rain in',
    'kindly erase the drizzle',
    'Please remove everything except noise and haze',
    'keep only the noise and the fog',
    'rain!',
  ],
  haze: [
    'no fog',
    'defog',
    'dehaze the mountains',
    'clear up the mist',
    'make it less foggy',
    'clear away the hazy veil but preserve the grain and rain',
    'without haze',
    'fog-free please',
    'show me this street without the fog',
    'do not remove the rain or the noise',
    'leave rain and noise alone',
    'neither denoise nor derain',
    'everything but the noise and rain',
    'remove all but noise and rain',
    'The noise and the rain must stay',
    'please no denoising and no rain removal',
    'remove the haze. A man in the rain.',
  ],
  'noise,rain': [
    'noise, rain',
    'rain & noise',
    'noise and rain removal',
    'do not touch the fog',
    'keep the haze',
    'the haze must remain',
    'haze should stay',
    'leave the mist as it is',
    'I would love to see this without noise or rain',
    'The haze must remain, the rain and the noise must vanish',
    'no dehazing',
    'without removing the fog',
    'remove noise/rain',
    'denoise and derain',
    'derain, denoise, leave the smog',
    'remove everything except the haze',
    'clean the photo but leave the fog',
    'restore everything but keep the haze',
    'restore without touching the haze',
    'fix everything apart from the fog',
    'Apart from the fog, remove everything',
    'everything except haze',
    'I love the fog',
    'not the fog',
    'I see noise and rain. Remove both.',
    'the noise has to go and the rain too',
    'the fog should not be removed',
    'the fog must not vanish',
    "don't make the fog vanish",
    'make the noise and the rain vanish',
    'I want the noise and the rain to go, the haze to stay',
    'remove noise as well as rain',
    'remove not only the noise but also the rain',
    'no noise, no rain',
    'please keep the fog and remove the rest',
    'The haze is fine, clean everything else',
    'I do not mind the haze',
    'the fog is beautiful, keep it',
    'skip the dehazing',
    'no need to remove the haze',
    'ignore the fog',
  ],
  'noise,haze': [
    'no deraining please',
    "don't remove the rain",
    'do not remove rain',
    'dont touch the rain',
    'Leave the rain.',
    'denoise, defog, rain stays',
    'noise plus fog but no rain removal',
    'remove the grain, the haze and nothing else',
    'without the noise and the haze',
    "I don't want you to remove the rain",
    'all of it except the rain',
    'remove all the noise and all the fog',
  ],
  'rain,haze': [
    'no denoising please',
    'leave the noise',
    'keep the noise',
    'without removing the grain',
    'keep the noise as it is',
    'remove rain and haze',
    'remove the rain and the fog, keep the grain',
    'derain and dehaze',
    'never remove the noise',
    'please let the noise be',
    'the noise can stay',
    'I would love to see this without rain or haze',
    'avoid touching the grain',
    'clean it up without denoising',
    'get rid of the rain as well as the smog but not of the grain',
    "the rain isn't nice, nor the haze; remove them",
  ],
  'noise,rain,haze': [
    'noise, rain, haze',
    'denoise, derain and dehaze',
    'remove the noise, the rain and the haze',
    'I would love to see this without noise, rain or haze',
  ],
};

const EVERYTHING = [
  'restore',
  'restore this photo',
  'clean it up',
  'Fix it!',
  'remove everything',
  'everything',
  'remove all',
  'remove all the defects',
  'make it clean',
  'make it look good',
  'make this picture sharp and clean',
  'a clean photo',
  'a clean, high quality picture',
  'remove whatever spoils it',
  'get rid of everything bad',
  'please enhance my photograph',
  'undo all the damage',
  'A street in the rain. Restore this photo.',
  'restore: a foggy morning',
  'Make this look as it would on a perfect day with a perfect camera',
  'I want a better picture',
  'please restore this old portrait of my grandmother',
];

const NOTHING = [
  'do nothing',
  'change nothing',
  'leave it as it is',
  'leave everything',
  'leave the photo as it is',
  'keep everything as it is',
  'remove nothing',
  'do not remove anything',
  "don't change anything",
  "don't touch it",
  'nothing',
  'no changes please',
  'keep the noise, the rain and the fog',
  'everything should stay',
];

const UNKNOWN = [
  'zzzz',
  'a street in the rain at night',
  'a foggy morning',
  'A man walks his dog in the rain.',
  'heavy fog over the hills, two people with umbrellas',
  'a rainy street with neon signs and noise of traffic',
  'Bitte den Regen entfernen',
  'Entferne das Rauschen',
  'rain falls on a clear lake',
  'people leave the station in the rain',
  'a man removing snow from a car in the fog',
  'more rain',
  'add fog',
  'hello',
  'the cat drinks milk',
  'a clear sky above the mist',
  '42',
  'it looks like rain',
];

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

  it('keeps the order of the model', () => {
    expect(readRequest('rain, noise', ['haze', 'rain', 'noise'])).toMatchObject({ remove: ['rain', 'noise'] });
  });

  it.each(HELD_OUT_PROMPTS)('reads the held-out prompt: $prompt', ({ prompt, asked }) => {
    expect(readRequest(prompt, MODEL).remove).toEqual(MODEL.filter((name) => asked[name as keyof typeof asked]));
  });

  it('is quick with long prompts', () => {
    for (const part of [
      'not the rain, ',
      'remove ',
      'a',
      'everything but ',
      '-',
      "'",
      'de-',
      'noise and ',
      'removve ',
    ]) {
      const prompt = part.repeat(Math.ceil(2000 / part.length)).slice(0, 2000);
      readRequest(prompt, MODEL);
      const start = performance.now();
      readRequest(prompt, MODEL);
      expect(performance.now() - start).toBeLessThan(20);
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
    const wrong: string[] = [];
    const count = 6000;
    for (let i = 0; i < count; i++) {
      const asked = random.pick(subsets);
      const caption = random.pick(CAPTIONS);
      const request: PromptRequest = {
        degradations: MODEL,
        present: set(random.pick(combinationsOf(MODEL))),
        asked: asked === null ? null : set(asked),
        ...(caption === undefined ? {} : { caption }),
      };
      const prompt = writePrompt(random, request);
      const { remove } = readRequest(prompt, MODEL);
      if (remove.join() !== (asked ?? MODEL).join()) wrong.push(`${prompt} -> ${remove.join()}`);
    }
    if (wrong.length > 0.01 * count) console.log(wrong.slice(0, 60).join('\n'));
    expect(wrong.length).toBeLessThan(0.01 * count);
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
