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
          expect(side).toBeLessThan(2 * tile + overlap + 32);
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

  const plannedPixels = (width: number, height: number, tile: number, overlap: number) => {
    const { x, y } = planTiles(width, height, tile, overlap);
    return x.side * x.starts.length * y.side * y.starts.length;
  };

  it('takes few shapes for small pictures: eighths of the square', () => {
    const sides = new Set(Array.from({ length: 512 }, (_, i) => planTiles(i + 1, 511, 512, 32).x.side));
    expect([...sides].sort((a, b) => a - b)).toEqual([64, 128, 192, 256, 320, 384, 448, 512]);
  });

  it('computes less than 5 % more pixels than a megapixel of whole grains has, whatever its shape', () => {
    for (const [across, down] of [
      [1, 1],
      [5, 4],
      [4, 3],
      [3, 2],
      [16, 9],
      [2, 1],
    ] as const) {
      for (const pixels of [1e6, 2 ** 20]) {
        const [long, short] = [Math.sqrt((pixels * across) / down), Math.sqrt((pixels * down) / across)].map(
          (side) => 16 * Math.round(side / 16),
        );
        for (const [width, height] of [
          [long, short],
          [short, long],
        ] as [number, number][]) {
          const share = plannedPixels(width, height, 512, 32) / (width * height);
          expect(share, `${width} x ${height}`).toBeLessThan(1.05);
        }
      }
    }
  });

  it('computes at most 13 % more pixels than larger pictures have', () => {
    for (let width = 1024; width < 8000; width += 523) {
      for (let height = 1024; height < 8000; height += 611) {
        const share = plannedPixels(width, height, 512, 32) / (width * height);
        expect(share, `${width} x ${height}`).toBeLessThan(1.13);
      }
    }
  });

  it('keeps tiles within 2.25 squares, or those of the model, overlaps and whole grains aside', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 64, max: 1024 }),
        fc.constantFrom(undefined, 1, 1.5),
        (width, height, tile, tileSquares) => {
          const { x, y } = planTiles(width, height, tile, 0, { tileSquares });
          const grained = (side: number) => Math.max(0, side - 15);
          expect(grained(x.side) * grained(y.side)).toBeLessThanOrEqual((tileSquares ?? 2.25) * tile * tile);
          expect(Math.max(grained(x.side), grained(y.side))).toBeLessThanOrEqual(2 * tile);
        },
      ),
      { numRuns: 100 },
    );
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
          const plan = planTiles(length, 1, tile, overlap, { tiling }).x;
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
    expect(planTiles(100, 201, 512, 32, { tiling: { multiple: 8, halo: 8 } })).toMatchObject({
      x: { side: 104, starts: [0] },
      y: { side: 208, starts: [0] },
    });
  });
});
