import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AxisPlan, planTiles } from './tiles.ts';

const axisOf = (length: number, tile: number, overlap: number): AxisPlan => planTiles(length, 1, tile, overlap).x;

describe('tile plan', () => {
  it('covers every pixel with weights that sum to 1, overlaps as asked, within the picture', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 64, max: 1024 }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        (length, tile, share) => {
          const overlap = Math.floor(tile * share);
          const { side, starts, weights } = axisOf(length, tile, overlap);
          expect(side % 16).toBe(0);
          expect(side).toBeLessThan(tile + 16);
          const sums = new Float64Array(length);
          starts.forEach((start, i) => {
            const tileWeights = weights[i] as Float32Array;
            expect(start % 16).toBe(0);
            expect(tileWeights.length).toBe(Math.min(side, length - start));
            expect(tileWeights.every((weight) => weight > 0)).toBe(true);
            tileWeights.forEach((weight, x) => {
              sums[start + x] = (sums[start + x] as number) + weight;
            });
            const next = starts[i + 1];
            if (next !== undefined) expect(start + side - next).toBeGreaterThanOrEqual(overlap);
          });
          expect(starts[0]).toBe(0);
          const beyond = (starts.at(-1) as number) + side - length;
          expect(beyond).toBeGreaterThanOrEqual(0);
          if (starts.length > 1) expect(beyond).toBeLessThan(16);
          expect(sums.every((sum) => Math.abs(sum - 1) < 1e-6)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('takes few shapes: eighths of the tile', () => {
    const sides = new Set(Array.from({ length: 3000 }, (_, i) => axisOf(i + 1, 512, 32).side));
    expect([...sides].sort((a, b) => a - b)).toEqual([64, 128, 192, 256, 320, 384, 448, 512]);
  });

  it('computes at most 27 % more pixels along an axis than the picture has, from one tile on', () => {
    for (let length = 512; length < 6000; length += 7) {
      const { side, starts } = axisOf(length, 512, 32);
      expect((side * starts.length) / length, String(length)).toBeLessThan(1.27);
    }
  });

  it('refuses tiles and overlaps out of range', () => {
    for (const [tile, overlap] of [
      [32, 8],
      [64.5, 8],
      [5000, 8],
      [128, 65],
      [128, -1],
    ] as const) {
      expect(() => planTiles(100, 100, tile, overlap)).toThrowError(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      );
    }
  });
});
