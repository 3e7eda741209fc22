/** Cutting and scaling, on pictures whose every value says where it stands. */
import { describe, expect, it } from 'vitest';
import { createRaster, type Raster } from '../image/raster.ts';
import { type Crop, crop, cut, cutCentre, resizeBilinear } from './resize.ts';

/** Values of `of` at every pixel of every channel. */
function filled(width: number, height: number, of: (x: number, y: number, channel: number) => number): Raster {
  const picture = createRaster(width, height);
  let at = 0;
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) picture.data[at++] = of(x, y, channel);
  return picture;
}

/** Whole numbers that differ everywhere, and are exact as float32. */
const placed = (width: number, height: number): Raster =>
  filled(width, height, (x, y, channel) => channel * 1_000_000 + y * 1000 + x);

/** Where the first pixel of a part was, and whether the rest lies beside and below it. */
function placeOf(part: Raster): { left: number; top: number; width: number; height: number } {
  const { width, height, data } = part;
  const [left, top] = [(data[0] ?? 0) % 1000, Math.floor((data[0] ?? 0) / 1000)];
  const expected = filled(width, height, (x, y, channel) => channel * 1_000_000 + (top + y) * 1000 + left + x);
  expect(data.every((value, i) => value === expected.data[i])).toBe(true);
  return { left, top, width, height };
}

describe('a part', () => {
  it.each([
    [1, 2, 3, 4],
    [0, 0, 6, 7],
    [0, 0, 7, 6],
    [0, 1, 7, 6],
    [1, 0, 6, 7],
    [6, 6, 1, 1],
  ])('from (%i, %i), %i wide and %i high, is what lies there', (left, top, width, height) => {
    expect(placeOf(cut(placed(7, 7), left, top, width, height))).toEqual({ left, top, width, height });
  });

  it('that is all of it is the picture itself', () => {
    const picture = placed(7, 5);
    expect(cut(picture, 0, 0, 7, 5)).toBe(picture);
  });

  it('of the middle leaves as much at both sides, the odd pixel at the right and below, and is no larger than the picture', () => {
    expect(placeOf(cutCentre(placed(9, 7), 3, 5))).toEqual({ left: 3, top: 1, width: 3, height: 5 });
    expect(placeOf(cutCentre(placed(8, 9), 3, 4))).toEqual({ left: 2, top: 2, width: 3, height: 4 });
    expect(placeOf(cutCentre(placed(9, 7), 20, 5))).toEqual({ left: 0, top: 1, width: 9, height: 5 });
    expect(placeOf(cutCentre(placed(9, 7), 5, 20))).toEqual({ left: 2, top: 0, width: 5, height: 7 });
  });
});

describe('what is measured', () => {
  it.each<[string, Crop, [number, number], object]>([
    ["a lying photo by the authors' script", '480x320', [490, 340], { left: 5, top: 10, width: 480, height: 320 }],
    ["a standing one by the authors' script", '480x320', [340, 490], { left: 10, top: 5, width: 320, height: 480 }],
    ["a square one by the authors' script", '480x320', [486, 486], { left: 3, top: 83, width: 480, height: 320 }],
    ['whole 16 pixels from the top left', '16', [35, 50], { left: 0, top: 0, width: 32, height: 48 }],
    ['all of whole 16 pixels', '16', [32, 16], { left: 0, top: 0, width: 32, height: 16 }],
    ['at least a pixel', '16', [15, 33], { left: 0, top: 0, width: 1, height: 32 }],
    ['at least a row', '16', [33, 15], { left: 0, top: 0, width: 32, height: 1 }],
    ['all of it', 'none', [35, 50], { left: 0, top: 0, width: 35, height: 50 }],
  ])('is %s', (_, kind, [width, height], expected) => {
    expect(placeOf(crop(placed(width, height), kind))).toEqual(expected);
  });
});

describe('bilinear scaling', () => {
  it.each([
    [4, 3, 8, 9],
    [4, 3, 3, 5],
    [9, 8, 2, 3],
    [1, 4, 3, 2],
    [5, 4, 5, 4],
  ])('of a slope from %ix%i to %ix%i is the slope between pixel centres, and flat beyond them', (...sides) => {
    const [width, height, newWidth, newHeight] = sides;
    const slope = (x: number, y: number, channel: number) => 1 + channel + 0.25 * x + 0.125 * y;
    const scaled = resizeBilinear(filled(width, height, slope), newWidth, newHeight);
    const place = (i: number, old: number, now: number) =>
      Math.min(old - 1, Math.max(0, ((2 * i + 1) * old) / (2 * now) - 0.5));
    const expected = filled(newWidth, newHeight, (x, y, channel) =>
      slope(place(x, width, newWidth), place(y, height, newHeight), channel),
    );
    expect([scaled.width, scaled.height]).toEqual([newWidth, newHeight]);
    expect([...scaled.data]).toEqual([...expected.data].map((value) => expect.closeTo(value, 5)));
  });

  it('takes the two nearest pixels alone, without smoothing first', () => {
    const picture = filled(8, 1, (x) => (x === 3 ? 1 : 0));
    // Two pixels of eight: between 1 and 2, and between 5 and 6.
    expect([...resizeBilinear(picture, 2, 1).data.subarray(0, 2)]).toEqual([0, 0]);
    // The centre of the second of four lies between pixels 2 and 3.
    expect([...resizeBilinear(picture, 4, 1).data.subarray(0, 4)]).toEqual([0, 0.5, 0, 0]);
    // Neighbours that cross: the product of both slopes.
    const corner = filled(2, 2, (x, y) => x * y);
    expect([...resizeBilinear(corner, 4, 4).data.subarray(0, 16)]).toEqual([
      ...[0, 0, 0, 0],
      ...[0, 0.0625, 0.1875, 0.25],
      ...[0, 0.1875, 0.5625, 0.75],
      ...[0, 0.25, 0.75, 1],
    ]);
  });
});
