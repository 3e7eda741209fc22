import { describe, expect, it } from 'vitest';
import { Random } from '../random/random.ts';
import { HELD_OUT_PROMPTS, heldOutPrompts } from './held-out-prompts.ts';
import { EVERYTHING, writePrompt } from './prompts.ts';

const RAIN = { noise: false, rain: true, haze: false };
const HAZE = { noise: false, rain: false, haze: true };
const NOTHING = { noise: false, rain: false, haze: false };
const normal = (prompt: string) =>
  prompt
    .toLowerCase()
    .replace(/[^a-z ]/g, '')
    .trim();

describe('writePrompt', () => {
  it('is the same for the same random state', () => {
    const request = { present: EVERYTHING, asked: RAIN };
    expect(writePrompt(new Random(1, 2), request)).toBe(writePrompt(new Random(1, 2), request));
  });

  it('has many ways to say one thing', () => {
    const random = new Random(1);
    const written = new Set<string>();
    for (let i = 0; i < 2000; i++) written.add(writePrompt(random, { present: EVERYTHING, asked: RAIN }));
    expect(written.size).toBeGreaterThan(1000);
    for (const prompt of ['derain', 'rain']) expect(written).toContain(prompt);
  });

  it('writes pairs that differ only in which word comes first', () => {
    const random = new Random(5);
    const asFor = (asked: typeof RAIN) => {
      const bags = new Set<string>();
      for (let i = 0; i < 20000; i++) {
        const prompt = writePrompt(random, { present: { ...EVERYTHING, noise: false }, asked });
        bags.add(normal(prompt).split(/\s+/).sort().join(' '));
      }
      return bags;
    };
    const haze = asFor(HAZE);
    const shared = [...asFor(RAIN)].filter((bag) => haze.has(bag));
    expect(shared.length).toBeGreaterThan(20);
  });

  it('puts the caption before or after the instruction', () => {
    const random = new Random(3);
    const caption = 'A dog runs on the beach .';
    const prompts = Array.from({ length: 40 }, () => writePrompt(random, { present: RAIN, asked: null, caption }));
    expect(prompts.every((prompt) => prompt.includes('A dog runs on the beach'))).toBe(true);
    expect(prompts.some((prompt) => prompt.startsWith('A dog'))).toBe(true);
    expect(prompts.some((prompt) => !prompt.startsWith('A dog'))).toBe(true);
  });

  it('can ask for nothing, and for everything without naming it', () => {
    const random = new Random(4);
    for (let i = 0; i < 50; i++) {
      expect(writePrompt(random, { present: RAIN, asked: NOTHING })).not.toBe('');
      expect(writePrompt(random, { present: RAIN, asked: null })).not.toMatch(/rain|noise|haze|fog/i);
    }
  });
});

describe('held-out prompts', () => {
  it('exist for every set that can be asked for, with contrast pairs', () => {
    for (let mask = 1; mask < 8; mask++) {
      const asked = { noise: (mask & 1) > 0, rain: (mask & 2) > 0, haze: (mask & 4) > 0 };
      expect(heldOutPrompts(asked).length).toBeGreaterThan(0);
    }
    expect(heldOutPrompts(RAIN)).toContain('remove the rain but leave the haze untouched');
    expect(heldOutPrompts(HAZE)).toContain('remove the haze but leave the rain untouched');
  });

  it('are never written for training', () => {
    const held = new Set(HELD_OUT_PROMPTS.map(({ prompt }) => normal(prompt)));
    const random = new Random(9);
    for (const { asked } of HELD_OUT_PROMPTS) {
      for (let i = 0; i < 800; i++) {
        expect(held.has(normal(writePrompt(random, { present: EVERYTHING, asked })))).toBe(false);
      }
    }
  });
});
