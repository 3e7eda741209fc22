import { describe, expect, it } from 'vitest';
import { judge } from '../src/models/calibration.ts';
import {
  findingText,
  intentOf,
  promptFor,
  promptWith,
  strengthNumber,
  strengthWord,
  withClause,
} from '../web/intent.ts';

const all = ['noise', 'rain', 'haze'];
const model = { degradations: all, careful: true };
const is = (probability: number, strength = 0.5) => judge({ probability, strength });
const found = (...names: string[]) => Object.fromEntries(all.map((name) => [name, is(names.includes(name) ? 1 : 0)]));

describe('chips as a prompt', () => {
  it.each([
    [['rain', 'noise'], ['rain', 'noise'], ''],
    [[], [], ''],
    [['rain'], ['rain', 'noise'], 'remove the rain, keep the noise'],
    [[], ['haze'], 'keep the haze'],
    [['haze'], [], 'remove the haze'],
    [['noise', 'haze'], ['rain'], 'remove the noise and the haze, keep the rain'],
    [all, ['rain'], 'remove the noise, the rain and the haze'],
    [['fog-of-war'], ['noise'], 'remove the fog of war, keep the noise'],
  ] as [string[], string[], string][])('%j of %j found: %s', (chosen, inPhoto, prompt) => {
    expect(promptFor(chosen, inPhoto)).toBe(prompt);
  });
});

describe('a clause in someone’s own words', () => {
  it.each([
    ['', 'remove', 'rain', 'remove the rain'],
    ['a street', 'keep', 'haze', 'a street, keep the haze'],
    ['a street, keep the haze', 'remove', 'haze', 'a street, remove the haze'],
    ['Remove Rain; a street', 'keep', 'rain', 'a street, keep the rain'],
    ['remove the rainbow', 'keep', 'rain', 'remove the rainbow, keep the rain'],
    ['remove the rain, keep the fog', 'remove', 'noise', 'remove the rain, keep the fog, remove the noise'],
  ] as const)('%j, %s %s', (prompt, verb, name, expected) => {
    expect(withClause(prompt, verb, name)).toBe(expected);
  });
});

describe('words and chips are one', () => {
  it.each([
    ['', ['noise', 'rain'], ['noise', 'rain']],
    ['only the noise', ['noise', 'rain'], ['noise']],
    ['keep the fog', ['rain', 'haze'], ['rain']],
    ['remove the haze', [], ['haze']],
    ['do nothing', ['noise'], []],
    ['zzzz', ['noise'], ['noise']],
  ] as [string, string[], string[]][])('%j with %j found removes %j', (prompt, inPhoto, removing) => {
    expect(intentOf(prompt, found(...inPhoto), model).removing).toEqual(removing);
  });

  const subsets = [[], ['noise'], ['rain', 'haze'], all];
  const prompts = [
    '',
    'only the noise',
    'keep the fog',
    'do nothing',
    'zzzz',
    'a street in autumn',
    'derain',
    'no fog',
  ];
  it.each(subsets.flatMap((inPhoto) => prompts.map((prompt) => [prompt, inPhoto] as const)))(
    'whatever the words (%j) and what was found (%j), a chip pressed changes that one and no other',
    (prompt, inPhoto) => {
      const findings = found(...inPhoto);
      const before = intentOf(prompt, findings, model).removing;
      for (const name of all) {
        for (const wanted of [true, false]) {
          const words = promptWith(prompt, { name, wanted }, findings, model);
          const expected = all.filter((other) => (other === name ? wanted : before.includes(other)));
          expect([words, intentOf(words, findings, model).removing]).toEqual([words, expected]);
        }
      }
    },
  );

  it('keeps someone’s own words where they can say it', () => {
    const findings = found('noise', 'rain');
    const words = 'keep the fog, it is lovely';
    expect(promptWith(words, { name: 'rain', wanted: false }, findings, model)).toBe(`${words}, keep the rain`);
  });

  it('says what was not understood, and what can be asked for', () => {
    const about = intentOf('zzzz', found('noise'), model);
    expect(about.understood).toBe(false);
    expect(about.reading).toMatch(/^Not understood; removing everything found; can be asked for: noise, rain, haze\.$/);
    expect(intentOf('derain', found('noise'), model).understood).toBe(true);
    expect(intentOf('make it sharper', found('noise'), model).understood).toBe(false);
    expect(intentOf('', found('noise'), model).understood).toBe(true);
  });

  it('mentions what may be there', () => {
    const { removing, perhaps } = intentOf('', { ...found(), rain: { ...is(0.4), verdict: 'perhaps' } }, model);
    expect([removing, perhaps]).toEqual([[], ['rain']]);
  });
});

describe('strengths for people', () => {
  // What the bundled model reports on pictures that people call so (medians, docs/quality.md).
  it.each([
    ['noise', 0.06, 'light'],
    ['noise', 0.25, 'clear'],
    ['noise', 0.89, 'strong'],
    ['rain', 0.16, 'clear'],
    ['rain', 0.82, 'strong'],
    ['rain', 0.96, 'strong'],
    ['haze', 0.28, 'clear'],
    ['haze', 0.42, 'strong'],
    ['darkness', 0.06, 'light'],
    ['darkness', 0.45, 'clear'],
    ['darkness', 0.99, 'strong'],
    ['compression', 0.29, 'light'],
    ['compression', 0.54, 'clear'],
    ['compression', 0.94, 'strong'],
    // Found, but how strong the model does not know.
    ['compression', 0, undefined],
  ] as const)('%s of %d is %s', (name, strength, word) => {
    expect(strengthWord(name, strength)).toBe(word);
  });

  it('has the number in a unit that people know', () => {
    expect(strengthNumber('noise', 0.5)).toBe('28');
    expect(strengthNumber('haze', 0.416)).toBe('42 %');
    expect(strengthNumber('darkness', 0.5)).toBe('2.0 stops');
    expect(findingText('noise', is(0.976, 0.5))).toBe('About 28 (standard deviation of 8-bit values); 98 % sure');
    expect(findingText('compression', is(0.8, 0))).toBe('80 % sure');
  });
});
