import { describe, expect, it } from 'vitest';
import { fromHalf, fromHalves, toHalf } from './float-formats.ts';

describe('half-precision floats', () => {
  it('all 65536 at once are what they are one by one', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const floats = fromHalves(bits);
    const wrong = [...bits].filter((half, i) => !Object.is(floats[i], Math.fround(fromHalf(half))));
    expect(wrong).toEqual([]);
  });

  it('come back as the bits that they were, but for what is no number', () => {
    const wrong = Array.from({ length: 65536 }, (_, half) => half).filter((half) => {
      const value = fromHalf(half);
      return !Number.isNaN(value) && toHalf(value) !== half;
    });
    // toHalf reads the sign from the bits, so that even -0 comes back.
    expect(wrong).toEqual([]);
  });
});
