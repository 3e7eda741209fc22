import { describe, expect, it } from 'vitest';
import { weightedSum } from './weighted-sum.ts';

const a = Float32Array.of(1, 2, 3);
const b = Float32Array.of(0.5, -0.25, 8);

describe('weightedSum', () => {
  it('adds what counts, rounded once', () => {
    expect([...weightedSum({ a: 2, b: 4 }, { a, b })]).toEqual([4, 3, 38]);
    // In float32 nothing of the small one would be left beside the large one.
    const [large, small] = [Float32Array.of(1e4), Float32Array.of(0.125)];
    expect([...weightedSum({ x: 1e4, z: 1, y: -1e4 }, { x: large, z: small, y: large })]).toEqual([0.125]);
  });

  it('does not read a picture that counts for nothing', () => {
    const unknown = new Float32Array(3).fill(Number.NaN);
    expect([...weightedSum({ a: 3, unknown: 0 }, { a, unknown })]).toEqual([3, 6, 9]);
  });

  it('gives back a picture that counts once and alone, and a new array otherwise', () => {
    expect(weightedSum({ a: 1, b: 0 }, { a, b })).toBe(a);
    expect(weightedSum({ a: 0.5, b: 0 }, { a, b })).not.toBe(a);
    expect([...weightedSum({ a: 0, b: 0 }, { a, b })]).toEqual([0, 0, 0]);
  });

  it('adds pictures longer than what it holds at once', () => {
    const long = Float32Array.from({ length: 5000 }, (_, i) => i);
    const sum = weightedSum({ x: 2, y: 1 }, { x: long, y: long });
    expect(sum.findIndex((value, i) => value !== 3 * i)).toBe(-1);
  });
});
