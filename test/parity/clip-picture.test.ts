import { expect, it } from 'vitest';
import type { Raster } from '../../src/image/raster.ts';
import { CLIP_DEVIATION, CLIP_MEAN, clipPicture, clipSquare, rasterRows } from '../../src/models/clip-picture.ts';
import { readFixture } from './fixture.ts';

interface Case {
  readonly width: number;
  readonly height: number;
  readonly side: number;
  readonly rgb: readonly number[];
}

const { cases } = readFixture<{ readonly cases: readonly Case[] }>('clip-picture');

/** The pictures of the fixture, as its `picture` says. */
function picture(width: number, height: number): Raster {
  const data = Float32Array.from({ length: 3 * width * height }, (_, i) => {
    const [c, y, x] = [Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width];
    const wave = 127.5 + 127.5 * Math.sin(0.31 * x + 0.17 * y * (c + 1) + c);
    return ((Math.floor(x / 5) + Math.floor(y / 7)) % 3 === 0 ? 255 : Math.trunc(wave)) / 255;
  });
  return { width, height, data };
}

it.each(cases)('$width x $height to $side: every value as Pillow has it', ({ width, height, side, rgb }) => {
  expect([...clipSquare(rasterRows(picture(width, height)), side)]).toEqual(rgb);
});

it.each([
  ['wide', 1_000_000, 1],
  ['high', 1, 1_000_000],
])('a picture of a million pixels in one %s line takes no more than its middle', (_, width, height) => {
  const read: number[] = [];
  const rows = {
    width,
    height,
    read(y: number, row: Uint8Array) {
      read.push(y);
      row.forEach((__, i) => {
        row[i] = (Math.floor(i / 3) + y) % 251;
      });
    },
  };
  const square = clipSquare(rows, 224);
  // 224 pixels of the enlarged line are one or two of the picture, in its middle.
  const low = square.reduce((a, b) => Math.min(a, b));
  const high = square.reduce((a, b) => Math.max(a, b));
  const middle = 500_000 % 251;
  expect(low).toBeGreaterThanOrEqual(middle - 2);
  expect(high).toBeLessThanOrEqual(middle + 1);
  expect(high).toBeGreaterThan(low);
  expect(read.length).toBeLessThan(8);
});

it('standardises the colours', () => {
  const { width, height, side, rgb } = cases[0] as Case;
  const result = clipPicture(picture(width, height), side);
  const plane = side * side;
  for (const i of [0, 17, plane - 1]) {
    for (const c of [0, 1, 2]) {
      const expected = ((rgb[3 * i + c] as number) / 255 - (CLIP_MEAN[c] as number)) / (CLIP_DEVIATION[c] as number);
      expect(result[c * plane + i]).toBeCloseTo(expected, 6);
    }
  }
});
