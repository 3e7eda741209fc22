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

describe('tile plan of a foreign network', () => {
  it('keeps to its multiple, its halo and its size: weights sum to 1 and are 0 where context is lacking', () => {
    fc.assert(
      fc.property(
        fc.record({
          length: fc.integer({ min: 1, max: 2000 }),
          tile: fc.integer({ min: 64, max: 700 }),
          multiple: fc.constantFrom(1, 2, 3, 8, 16, 64, 100),
          halo: fc.integer({ min: 0, max: 60 }),
          fixed: fc.boolean(),
        }),
        ({ length, tile, multiple, halo, fixed }) => {
          fc.pre(multiple <= tile);
          const side = multiple * Math.floor(tile / multiple);
          const tiling = { multiple, halo, ...(fixed && { fixed: { width: side, height: side } }) };
          const overlap = Math.min(2 * halo + 16, Math.floor(tile / 2));
          const plan = planTiles(length, 1, tile, overlap, tiling).x;
          expect(plan.side % multiple).toBe(0);
          expect(plan.side).toBeLessThanOrEqual(side);
          if (fixed) expect(plan.side).toBe(side);
          const sums = new Float64Array(length);
          plan.starts.forEach((start, i) => {
            expect(start % multiple).toBe(0);
            const weights = plan.weights[i] as Float32Array;
            weights.forEach((weight, x) => {
              sums[start + x] = (sums[start + x] as number) + weight;
            });
            const next = plan.starts[i + 1];
            // Half of what neighbours share is the most that either can leave to the other.
            const cut = Math.min(halo, Math.floor(overlap / 2));
            if (next !== undefined && start + plan.side - next >= 2 * cut) {
              const edge = weights.subarray(plan.side - cut);
              expect(edge.every((weight) => weight === 0)).toBe(true);
            }
          });
          expect((plan.starts.at(-1) as number) + plan.side).toBeGreaterThanOrEqual(length);
          expect(sums.every((sum) => Math.abs(sum - 1) < 1e-6)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives a picture that fits in one tile as it is, up to the multiple', () => {
    expect(planTiles(100, 201, 512, 32, { multiple: 8, halo: 8 })).toMatchObject({
      x: { side: 104, starts: [0] },
      y: { side: 208, starts: [0] },
    });
  });
});
