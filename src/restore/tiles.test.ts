import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { widestHalo } from './plain-options.ts';
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
          const tiling = { multiple, halo, guessedHalo: true, ...(fixed && { fixed: { width: side, height: side } }) };
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
            const cut = Math.min(halo, Math.floor(Math.min(overlap, fixed ? side / 2 : overlap) / 2));
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

  it('leaves a halo that somebody stated whole: no tile counts where its context is lacking, or there is no plan', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.record({
          length: fc.integer({ min: 1, max: 2000 }),
          tile: fc.integer({ min: 64, max: 700 }),
          multiple: fc.constantFrom(1, 2, 3, 8, 16, 64),
          halo: fc.integer({ min: 0, max: 200 }),
          overlap: fc.double({ min: 0, max: 0.5, noNaN: true }),
          fixed: fc.boolean(),
        }),
        ({ length, tile, multiple, halo, overlap, fixed }) => {
          const side = multiple * Math.floor(tile / multiple);
          fc.pre(side >= Math.max(64, 2 * multiple));
          const tiling = { multiple, halo, ...(fixed && { fixed: { width: side, height: side } }) };
          const plan = () => planTiles(length, 1, side, Math.floor(overlap * side), { tiling }).x;
          if (length > side && 2 * halo > side / 2 + multiple) {
            expect(plan).toThrowError(expect.objectContaining({ code: 'INVALID_OPTION' }));
            refused++;
            return;
          }
          // Anything else is refused only because of its overlap.
          if (length > side && 2 * halo > overlap * side) return;
          const { starts, weights, side: chosen } = plan();
          starts.forEach((start, i) => {
            const seen = Array.from(weights[i] as Float32Array).flatMap((weight, x) => (weight > 0 ? [x] : []));
            if (i > 0) expect(seen[0]).toBeGreaterThanOrEqual(halo);
            if (i < starts.length - 1) expect(seen.at(-1)).toBeLessThan(chosen - halo);
            else expect(start + (seen.at(-1) ?? 0)).toBe(length - 1);
          });
        },
      ),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(20);
  });

  it.each([
    [
      'a tile given too small',
      256,
      128,
      {},
      /at least 320 pixels for a picture of 900, .* 80 pixels far .* received 256/,
    ],
    ['an overlap given too small', 512, 100, {}, /at least 160 for overlap, .* 80 pixels far .* received 100/],
    [
      'a size',
      96,
      48,
      { fixed: { width: 96, height: 96 } },
      /at least 320 pixels for a picture of 900, .* received 96/,
    ],
    ['whole multiples', 190, 95, { multiple: 100 }, /at least 400 pixels for a picture of 900, .* received 100/],
  ] as const)('says what is too small for a halo: %s', (_, tile, overlap, more, message) => {
    const tiling = { multiple: 16, halo: 80, ...more };
    const plan = (length: number) => planTiles(length, 1, tile, overlap, { tiling });
    expect(() => plan(900)).toThrowError(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(message),
        fix: expect.stringContaining('--descriptor halo='),
      }),
    );
    // One tile has no neighbours.
    expect(plan(90).x.starts).toEqual([0]);
  });

  it('has room for the widest halo, and not for a wider one', () => {
    const sizes = [
      [64, { multiple: 1 }],
      [100, { multiple: 64 }],
      [513, { multiple: 48 }],
      [128, { multiple: 64 }],
      [64, { multiple: 1, fixed: { width: 90, height: 64 } }],
    ] as const;
    for (const [tile, tiling] of sizes) {
      const halo = widestHalo(tile, tiling);
      const plan = (more: number) =>
        planTiles(64, 3000, tile, Math.floor(tile / 2), { tiling: { ...tiling, halo: halo + more } });
      expect(plan(0).y.weights[1]?.findIndex((weight) => weight > 0)).toBeGreaterThanOrEqual(halo);
      if (tiling.multiple === 1) expect(() => plan(1)).toThrow('because the network looks');
    }
  });

  it('has an overlap for each axis of a size that is wide and low', () => {
    const tiling = { multiple: 1, halo: 30, fixed: { width: 200, height: 64 } };
    const { x, y } = planTiles(500, 60, 64, 76, { tiling });
    expect([x.starts.length, y.starts.length]).toEqual([4, 1]);
    expect(x.weights[1]?.findIndex((weight) => weight > 0)).toBeGreaterThanOrEqual(30);
    expect(() => planTiles(500, 70, 64, 76, { tiling })).toThrow('tiles of at least 120 pixels for a picture of 70');
    expect(() => planTiles(500, 60, 64, 101, { tiling })).toThrow('0..100 (half a tile) for overlap');
  });

  it('gives a picture that fits in one tile as it is, up to the multiple', () => {
    expect(planTiles(100, 201, 512, 32, { tiling: { multiple: 8, halo: 8 } })).toMatchObject({
      x: { side: 104, starts: [0] },
      y: { side: 208, starts: [0] },
    });
  });
});
