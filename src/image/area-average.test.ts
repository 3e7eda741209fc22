import { describe, expect, it } from 'vitest';
import { squeezeToSquare } from './area-average.ts';

const picture = (
  width: number,
  height: number,
  channels: 1 | 3,
  value: (x: number, y: number, c: number) => number,
) => ({
  width,
  height,
  channels,
  data: Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const pixel = Math.floor(i / channels);
    return value(pixel % width, Math.floor(pixel / width), i % channels);
  }),
});

describe('squeezeToSquare', () => {
  it('averages whole cells', () => {
    const { data } = squeezeToSquare(
      picture(4, 6, 3, (x, y, c) => 10 * c + x + y),
      2,
    );
    // Cell (0, 0) has x in 0..1 and y in 0..2: mean 0.5 + 1.
    expect(data[0]).toBeCloseTo(1.5 / 255, 6);
    expect(data[4]).toBeCloseTo(11.5 / 255, 6);
    expect(data[3]).toBeCloseTo((2.5 + 4) / 255, 6);
  });

  it('counts pixels by the area that they cover', () => {
    // 3 pixels into 2 cells: the middle one belongs half to each.
    const { data } = squeezeToSquare(
      picture(3, 2, 1, (x) => [0, 90, 240][x] ?? 0),
      2,
    );
    expect(data[0]).toBeCloseTo((0 + 0.5 * 90) / 1.5 / 255, 6);
    expect(data[1]).toBeCloseTo((0.5 * 90 + 240) / 1.5 / 255, 6);
    expect(Array.from(data.subarray(4))).toEqual([
      ...Array.from(data.subarray(0, 4)),
      ...Array.from(data.subarray(0, 4)),
    ]);
  });

  it('keeps the mean, whatever the sides', () => {
    for (const [width, height] of [
      [1, 1],
      [5, 97],
      [200, 133],
    ] as const) {
      const source = picture(width, height, 3, (x, y, c) => (7 * x + 13 * y + 31 * c) % 256);
      const { data } = squeezeToSquare(source, 16);
      const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;
      expect(mean(data)).toBeCloseTo(mean(source.data) / 255, 4);
    }
  });
});
