import { describe, expect, it } from 'vitest';
import { patternPicture } from '../../test/support/pictures.ts';
import type { Picture } from '../image/picture.ts';
import type { Finding, Findings } from '../models/model.ts';
import { Random } from '../random/random.ts';
import { largestBend, withEvidence } from './plain-surface.ts';

type Colour = readonly [number, number, number];

function painted(width: number, height: number, colour: (x: number, y: number) => Colour): Picture {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) data.set(colour(i % width, Math.floor(i / width)), 3 * i);
  return { width, height, channels: 3, data };
}

const sure: Finding = { probability: 0.97, strength: 0.3, verdict: 'found' };
const findings = (names: readonly string[]): Findings => ({
  degradations: Object.fromEntries(names.map((name) => [name, sure])),
  embedding: new Float32Array(512),
});
const verdicts = ({ degradations }: Findings) =>
  Object.fromEntries(Object.entries(degradations).map(([name, { verdict }]) => [name, verdict]));

describe('largestBend', () => {
  it('is that of the cells, by hand', () => {
    // Cells of one pixel: 40 in one of them, 100 elsewhere; on both sides of it 100 - 2 x 40 + 100.
    const dent = painted(16, 16, (x, y) => (x === 5 && y === 9 ? [100, 40, 100] : [100, 100, 100]));
    expect(largestBend(dent)).toBeCloseTo(120 / 255, 6);
    // A step of 10 levels bends by 10, and cells of 3 x 2 pixels average it.
    const step = painted(48, 32, (x) => (x < 24 ? [50, 50, 50] : [60, 50, 50]));
    expect(largestBend(step)).toBeCloseTo(10 / 255, 6);
    // At the far end of rows and columns, too.
    expect(largestBend(painted(16, 16, (x, y) => (x + y === 30 ? [30, 0, 0] : [0, 0, 0])))).toBeCloseTo(30 / 255, 6);
  });

  it('is nothing for one colour, whatever the size, and next to nothing for an even gradient', () => {
    for (const side of [1, 2, 3, 16, 17, 100]) {
      expect(largestBend(painted(side, side, () => [128, 10, 255]))).toBeLessThan(1e-6);
    }
    expect(largestBend(painted(200, 160, (x, y) => [x, y, 255 - x]))).toBeLessThan(0.2 / 255);
  });
});

describe('withEvidence', () => {
  const names = ['noise', 'rain', 'haze', 'compression', 'darkness', 'fog-of-war'];
  const all = (verdict: string) => Object.fromEntries(names.map((name) => [name, verdict]));
  const random = new Random(3);
  const noisy = (level: number) => level + 3 * random.normal();

  it.each([
    ['a pixel', painted(1, 1, () => [135, 190, 235])],
    ['a plain surface', painted(256, 256, () => [135, 190, 235])],
    ['an even sky', painted(256, 256, (_, y) => [80 + y / 3, 140 + y / 4, 220 + y / 16])],
    ['a plain surface with noise', painted(256, 256, () => [noisy(135), noisy(190), noisy(235)])],
    ['black', painted(64, 64, () => [0, 0, 0])],
  ])('%s is no evidence of haze and darkness', (_, picture) => {
    expect(verdicts(withEvidence(findings(names), picture))).toEqual({
      ...all('found'),
      haze: 'perhaps',
      darkness: 'perhaps',
    });
  });

  it('keeps everything else as it was said, and all of it where something is to be seen', () => {
    const found = findings(names);
    expect(withEvidence(found, patternPicture(64, 64))).toBe(found);
    const flat = painted(32, 32, () => [9, 9, 9]);
    const nothing: Findings = { ...found, degradations: { haze: { ...sure, verdict: 'absent' } } };
    expect(withEvidence(nothing, flat)).toBe(nothing);
    const { degradations, embedding } = withEvidence(found, flat);
    expect(degradations.haze).toEqual({ ...sure, verdict: 'perhaps' });
    expect(degradations.noise).toBe(sure);
    expect(embedding).toBe(found.embedding);
    // The faintest scene of all dark photographs that were measured bends by 8 levels.
    const faint = painted(64, 64, (x, y) => (x > 20 && x < 40 && y > 30 ? [12, 10, 9] : [4, 4, 5]));
    expect(withEvidence(found, faint)).toBe(found);
  });
});
