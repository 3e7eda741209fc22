import { expect, it } from 'vitest';
import { Random } from '../random/random.ts';
import { type FeatureSet, frechetDistance } from './frechet.ts';

const random = new Random(3);
const normal = (count: number, length: number, scale = 1, shift = 0): FeatureSet => ({
  count,
  length,
  values: Float64Array.from({ length: count * length }, () => shift + scale * random.normal()),
});

it('is zero for a set and itself, also with fewer pictures than features', () => {
  for (const [count, length] of [
    [50, 4],
    [4, 50],
    [2, 3],
  ] as const) {
    const set = normal(count, length);
    expect(frechetDistance(set, set)).toBeLessThan(1e-10 * length);
  }
});

it('is symmetric, and the squared distance of the means for sets that differ by a shift', () => {
  const a = normal(30, 6);
  const b = normal(45, 6, 2, 0.3);
  expect(frechetDistance(a, b)).toBeCloseTo(frechetDistance(b, a), 10);
  const shifted = { ...a, values: a.values.map((value) => value + 0.5) };
  expect(frechetDistance(a, shifted)).toBeCloseTo(6 * 0.25, 10);
});

it('is length (s - 1)^2 for a set stretched by s about its mean', () => {
  const a = normal(400, 1);
  const mean = a.values.reduce((sum, value) => sum + value, 0) / a.count;
  const variance = a.values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (a.count - 1);
  const stretched = { ...a, values: a.values.map((value) => mean + 3 * (value - mean)) };
  expect(frechetDistance(a, stretched)).toBeCloseTo(variance * 4, 8);
});

it('refuses sets without a covariance', () => {
  expect(() => frechetDistance(normal(1, 3), normal(5, 3))).toThrow(/at least 2 pictures/);
});
