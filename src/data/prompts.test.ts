import { describe, expect, it } from 'vitest';
import { FIRST_DEGRADATIONS, KNOWN_DEGRADATIONS } from '../degradations/index.ts';
import { Random } from '../random/random.ts';
import { HELD_OUT_PROMPTS, heldOutPrompts } from './held-out-prompts.ts';
import { writePrompt } from './prompts.ts';
import { drawRequest } from './request.ts';

const degradations = FIRST_DEGRADATIONS;
const EVERYTHING = new Set<string>(degradations);
const RAIN = new Set(['rain']);
const HAZE = new Set(['haze']);
const normal = (prompt: string) =>
  prompt
    .toLowerCase()
    .replace(/[^a-z ]/g, '')
    .trim();

describe('writePrompt', () => {
  it('is the same for the same random state', () => {
    const request = { degradations, present: EVERYTHING, asked: RAIN };
    expect(writePrompt(new Random(1, 2), request)).toBe(writePrompt(new Random(1, 2), request));
  });

  it('has many ways to say one thing', () => {
    const random = new Random(1);
    const written = new Set<string>();
    for (let i = 0; i < 2000; i++) written.add(writePrompt(random, { degradations, present: EVERYTHING, asked: RAIN }));
    expect(written.size).toBeGreaterThan(1000);
    for (const prompt of ['derain', 'rain']) expect(written).toContain(prompt);
  });

  it('writes pairs that differ only in which word comes first', () => {
    const random = new Random(5);
    const asFor = (asked: typeof RAIN) => {
      const bags = new Set<string>();
      for (let i = 0; i < 20000; i++) {
        const prompt = writePrompt(random, { degradations, present: new Set(['rain', 'haze']), asked });
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
    const request = { degradations, present: RAIN, asked: null, caption };
    const prompts = Array.from({ length: 40 }, () => writePrompt(random, request));
    expect(prompts.every((prompt) => prompt.includes('A dog runs on the beach'))).toBe(true);
    expect(prompts.some((prompt) => prompt.startsWith('A dog'))).toBe(true);
    expect(prompts.some((prompt) => !prompt.startsWith('A dog'))).toBe(true);
  });

  it('can ask for nothing, and for everything without naming it', () => {
    const random = new Random(4);
    for (let i = 0; i < 50; i++) {
      expect(writePrompt(random, { degradations, present: RAIN, asked: new Set() })).not.toBe('');
      const all = writePrompt(random, { degradations, present: RAIN, asked: null });
      expect(all).not.toMatch(/rain|noise|haze|fog/i);
    }
  });

  it('asks for a degradation that it has no words for by its name', () => {
    const random = new Random(6);
    const request = { degradations: ['fog-of-war'], present: new Set(['fog-of-war']), asked: new Set(['fog-of-war']) };
    const prompts = Array.from({ length: 50 }, () => writePrompt(random, request).toLowerCase());
    expect(prompts.filter((prompt) => prompt.includes('fog of war')).length).toBeGreaterThan(40);
  });
});

describe('drawRequest', () => {
  const mixture = { empty: 0, captionOnly: 0, subset: 1, absent: 0.1, withCaption: 0 };
  const subject = { degradations: KNOWN_DEGRADATIONS, captions: [] };

  it('mostly asks for a part of what is there, now and then for all but one or for what is not', () => {
    const random = new Random(7);
    const present = new Set(['noise', 'rain', 'compression']);
    const counts = { part: 0, allButOne: 0, absent: 0 };
    for (let i = 0; i < 2000; i++) {
      const { asked } = drawRequest(random, mixture, { ...subject, present });
      const there = [...asked].filter((name) => present.has(name));
      if (there.length === 0) counts.absent++;
      else if (asked.size === KNOWN_DEGRADATIONS.length - 1) counts.allButOne++;
      else {
        counts.part++;
        expect(there.length).toBe(asked.size);
        expect(asked.size).toBeLessThan(present.size);
      }
    }
    expect(counts.part / 2000).toBeCloseTo(0.9 * 0.85, 1);
    expect(counts.absent / 2000).toBeCloseTo(0.1, 1);
    expect(counts.allButOne).toBeGreaterThan(100);
  });

  it('asks for all that comes in one file, or for none of it', () => {
    const random = new Random(8);
    const present = new Set(['noise', 'rain']);
    for (let i = 0; i < 300; i++) {
      const { asked } = drawRequest(random, mixture, { ...subject, present, inseparable: true });
      expect([0, 2]).toContain([...asked].filter((name) => present.has(name)).length);
    }
  });
});

describe('held-out prompts', () => {
  it('exist for every set of the first three that can be asked for, with contrast pairs', () => {
    for (let mask = 1; mask < 8; mask++) {
      const asked = new Set(degradations.filter((_, i) => mask & (1 << i)));
      expect(heldOutPrompts(asked).length).toBeGreaterThan(0);
    }
    expect(heldOutPrompts(RAIN)).toContain('remove the rain but leave the haze untouched');
    expect(heldOutPrompts(HAZE)).toContain('remove the haze but leave the rain untouched');
  });

  it('exist for every degradation alone', () => {
    for (const name of KNOWN_DEGRADATIONS) expect(heldOutPrompts(new Set([name])).length).toBeGreaterThan(0);
  });

  it('are never written for training', () => {
    const held = new Set(HELD_OUT_PROMPTS.map(({ prompt }) => normal(prompt)));
    const random = new Random(9);
    for (const { asked } of HELD_OUT_PROMPTS) {
      for (let i = 0; i < 800; i++) {
        const request = { degradations: KNOWN_DEGRADATIONS, present: new Set<string>(KNOWN_DEGRADATIONS), asked };
        expect(held.has(normal(writePrompt(random, request)))).toBe(false);
      }
    }
  });
});
