import { describe, expect, it } from 'vitest';
import { judge } from '../src/models/calibration.ts';
import { found, promptFor, strengthWord, withClause } from '../web/prompt.ts';

const all = ['noise', 'rain', 'haze'];

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

it('what the model is sure of is found, and its strength has a word', () => {
  const about = (probability: number) => judge({ probability, strength: 0.5 });
  expect(found({ degradations: { noise: about(0.5), rain: about(0.49), haze: about(1) } })).toEqual(['noise', 'haze']);
  // A model's own names and order.
  expect(found({ degradations: { moire: about(1), noise: about(0.6) } })).toEqual(['moire', 'noise']);
  expect([0, 0.4, 1].map(strengthWord)).toEqual(['light', 'medium', 'strong']);
});
