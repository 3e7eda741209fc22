import { describe, expect, it } from 'vitest';
import { createRaster } from '../image/raster.ts';
import { Random } from '../random/random.ts';
import { drawGrating, drawSlope } from './drawn-pictures.ts';
import { drawNegative } from './negatives.ts';

const SIDE = 48;

function photo() {
  const image = createRaster(SIDE, SIDE);
  const random = new Random(1);
  for (let i = 0; i < image.data.length; i++) image.data[i] = random.uniform(0.1, 0.9);
  return image;
}

describe('negatives', () => {
  it('are pictures of the photo’s size within 0..1, the same for the same draws, of every kind', async () => {
    const kinds = new Map<string, number>();
    for (let seed = 0; seed < 150; seed++) {
      const { image, drawn, invented } = await drawNegative(new Random(seed), photo());
      expect([image.width, image.height]).toEqual([SIDE, SIDE]);
      expect(image.data.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(invented).toBe(/slope|page/.test(drawn));
      kinds.set(drawn, (kinds.get(drawn) ?? 0) + 1);
    }
    expect(kinds.size).toBe(10);
    const [one, again] = [await drawNegative(new Random(3), photo()), await drawNegative(new Random(3), photo())];
    expect(one.drawn).toBe(again.drawn);
    expect(Buffer.from(one.image.data.buffer).equals(Buffer.from(again.image.data.buffer))).toBe(true);
  });

  it('have plain surfaces in whole 8-bit steps, some of one colour', () => {
    let flat = 0;
    for (let seed = 0; seed < 40; seed++) {
      const { data } = drawSlope(new Random(seed), SIDE, SIDE);
      expect(data.every((value) => Math.abs(255 * value - Math.round(255 * value)) < 1e-4)).toBe(true);
      if (new Set(data).size <= 3) flat++;
    }
    expect(flat).toBeGreaterThan(5);
    expect(flat).toBeLessThan(35);
  });

  it('lay lines over the photo and leave what is between them', () => {
    let untouched = 0;
    for (let seed = 0; seed < 20; seed++) {
      const clear = photo();
      const { data } = drawGrating(new Random(seed), clear);
      const same = data.reduce(
        (sum, value, i) => sum + (Math.abs(value - (clear.data[i] as number)) < 1e-6 ? 1 : 0),
        0,
      );
      if (same > 0.2 * data.length) untouched++;
    }
    // Half of them lie over a plain surface instead.
    expect(untouched).toBeGreaterThan(4);
  });
});
