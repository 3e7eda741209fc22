import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gaussianField, philox4x32, Random } from './random.ts';

/** Mean and variance of a sample. */
function moments(values: ArrayLike<number>): { mean: number; variance: number } {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return { mean, variance: squares / values.length - mean * mean };
}

describe('philox4x32', () => {
  // The known-answer vectors of the authors' Random123 distribution (kat_vectors, philox4x32 10).
  it.each([
    {
      counter: [0, 0, 0, 0],
      key: [0, 0],
      expected: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      expected: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      expected: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ] as const)('gives the published answer for counter $counter', ({ counter, key, expected }) => {
    expect(philox4x32([...counter], key)).toEqual(expected);
  });
});

describe('Random', () => {
  it('gives the same stream for the same address and another for any other', () => {
    const first = (...address: [number, ...number[]]) => {
      const random = new Random(...address);
      return [random.uint32(), random.uint32(), random.uint32()];
    };
    expect(first(7, 1, 2)).toEqual(first(7, 1, 2));
    const addresses: [number, ...number[]][] = [[7], [8], [7, 0], [7, 1], [7, 1, 2], [7, 2, 1], [7 + 2 ** 32], [-7]];
    expect(new Set(addresses.map((address) => first(...address).join())).size).toBe(addresses.length);
  });

  it('goes on from a saved state', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(20), (seed, drawn) => {
        const random = new Random(seed, 3);
        for (let i = 0; i < drawn; i++) random.uint32();
        const resumed = Random.fromState(JSON.parse(JSON.stringify(random.state())));
        for (let i = 0; i < 9; i++) expect(resumed.uint32()).toBe(random.uint32());
      }),
    );
  });

  it('draws from the distributions it names', () => {
    const random = new Random(1);
    const normals = moments(Array.from({ length: 40_000 }, () => random.normal()));
    expect(normals.mean).toBeCloseTo(0, 1);
    expect(normals.variance).toBeCloseTo(1, 1);
    const uniforms = moments(Array.from({ length: 40_000 }, () => random.uniform(2, 5)));
    expect(uniforms.mean).toBeCloseTo(3.5, 1);
    expect(uniforms.variance).toBeCloseTo(9 / 12, 1);
    const counts = [0, 0, 0, 0, 0];
    for (let i = 0; i < 10_000; i++) counts[random.int(5)] = (counts[random.int(5)] ?? 0) + 1;
    for (const count of counts) expect(count).toBeGreaterThan(1000);
  });

  it('shuffles a copy that holds the same values', () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8];
    const shuffled = new Random(2).shuffle(values);
    expect(shuffled).not.toEqual(values);
    expect([...shuffled].sort()).toEqual(values);
    expect(values).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('refuses what cannot be drawn', () => {
    expect(() => new Random(0.5)).toThrow(RangeError);
    expect(() => new Random(1).int(0)).toThrow(RangeError);
    expect(() => new Random(1).pick([])).toThrow(RangeError);
  });
});

/** Value number f of a field, as the documentation of `gaussianField` defines it. */
function normalOf(f: number, seed: number, stream: number): number {
  const [k0, k1] = philox4x32([stream, 0, 0, 2], [seed, 0]);
  const index = Math.floor(f / 4);
  const block = philox4x32([index % 2 ** 32, Math.floor(index / 2 ** 32), 0, 1], [k0, k1]);
  const pair = f % 4 < 2 ? 0 : 2;
  const radius = Math.sqrt(-2 * Math.log((block[pair] as number) / 2 ** 32 + 2 ** -33));
  const angle = 2 * Math.PI * 2 ** -32 * (block[pair + 1] as number);
  return Math.fround(radius * (f % 2 === 0 ? Math.cos(angle) : Math.sin(angle)));
}

describe('gaussianField', () => {
  it('has the values that its formula gives, at any offset and beyond 2^32 blocks', () => {
    const request = { seed: 9, stream: 4, width: 5, height: 2, imageWidth: 1_000_003 };
    for (const channels of [1, 3]) {
      for (const [x0, y0] of [
        [0, 0],
        [1, 3],
        [2, 7],
        [3, 20_000_000],
      ] as const) {
        const field = gaussianField({ ...request, channels, x0, y0 });
        const expected = Array.from({ length: channels }, (_, c) =>
          Array.from({ length: 10 }, (_, i) => {
            const [x, y] = [x0 + (i % 5), y0 + Math.floor(i / 5)];
            return normalOf((y * request.imageWidth + x) * channels + c, request.seed, request.stream);
          }),
        );
        expect([...field]).toEqual(expected.flat());
      }
    }
  });

  it('gives every tile the values that the whole picture has there', () => {
    const size = { imageWidth: 23, imageHeight: 17 };
    fc.assert(
      fc.property(
        fc.nat(22),
        fc.nat(16),
        fc.nat(22),
        fc.nat(16),
        fc.integer({ min: 1, max: 5 }),
        (a, b, c, d, channels) => {
          const x0 = Math.min(a, c);
          const y0 = Math.min(b, d);
          const width = Math.max(a, c) - x0 + 1;
          const height = Math.max(b, d) - y0 + 1;
          const source = { seed: 5, stream: 2, channels, imageWidth: size.imageWidth };
          const whole = gaussianField({ ...source, x0: 0, y0: 0, width: size.imageWidth, height: size.imageHeight });
          const tile = gaussianField({ ...source, x0, y0, width, height });
          for (let channel = 0; channel < channels; channel++) {
            for (let y = 0; y < height; y++) {
              for (let x = 0; x < width; x++) {
                const there = (channel * size.imageHeight + y0 + y) * size.imageWidth + x0 + x;
                expect(tile[(channel * height + y) * width + x]).toBe(whole[there]);
              }
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is standard normal and differs between streams and seeds', () => {
    const request = { seed: 1, stream: 0, x0: 0, y0: 0, width: 128, height: 128, channels: 3, imageWidth: 128 };
    const field = gaussianField(request);
    const { mean, variance } = moments(field);
    expect(mean).toBeCloseTo(0, 1);
    expect(variance).toBeCloseTo(1, 1);
    for (const other of [gaussianField({ ...request, stream: 1 }), gaussianField({ ...request, seed: 2 })]) {
      let correlation = 0;
      for (let i = 0; i < field.length; i++) correlation += ((field[i] ?? 0) * (other[i] ?? 0)) / field.length;
      expect(Math.abs(correlation)).toBeLessThan(0.02);
    }
  });
});
