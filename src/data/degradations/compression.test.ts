import { describe, expect, it } from 'vitest';
import { createRaster, type Raster } from '../../image/raster.ts';
import { Random } from '../../random/random.ts';
import { compression, savedEffect } from './compression.ts';

const SIDE = 96;

/** Soft waves, which a file of low quality holds as steps. */
function waves(): Raster {
  const image = createRaster(SIDE, SIDE);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++)
        image.data[(c * SIDE + y) * SIDE + x] = 0.5 + 0.4 * Math.sin(0.05 * x + 0.03 * y * (c + 1));
  return image;
}

/** Mean step from each column to the next, by the column's place in a grid of 8. */
function steps({ width, height, data }: Raster): number[] {
  const sums = new Array<number>(8).fill(0);
  for (let y = 0; y < height; y++)
    for (let x = 8; x < width - 8; x++)
      sums[x % 8] =
        (sums[x % 8] as number) + Math.abs((data[y * width + x] as number) - (data[y * width + x - 1] as number));
  return sums;
}
const largest = (values: readonly number[]) => values.indexOf(Math.max(...values));

describe('a file', () => {
  const file = { format: 'jpeg', quality: 5, subsampled: false } as const;

  it('has its blocks where the picture begins', async () => {
    expect(largest(steps(await savedEffect(file, 'compression').apply(waves())))).toBe(0);
  });

  it('that was cut after saving has them elsewhere', async () => {
    for (const cut of [
      [3, 0],
      [10, 6],
    ] as const) {
      const saved = await savedEffect({ ...file, cut }, 'compression').apply(waves());
      expect([saved.width, saved.height]).toEqual([SIDE, SIDE]);
      expect(largest(steps(saved)), `cut by ${cut}`).toBe((16 - cut[0]) % 8);
    }
  });

  it('is cut as often as the configuration says', async () => {
    const options = compression.options.parse({ cut: 0.5 });
    const context = {} as Parameters<typeof compression.draw>[2];
    const drawn = await Promise.all(
      Array.from({ length: 200 }, (_, i) => compression.draw(new Random(1, i), options, context)),
    );
    const cut = drawn.filter(({ effects }) => effects[0]?.drawn.includes('cut by'));
    expect(cut.length).toBeGreaterThan(75);
    expect(cut.length).toBeLessThan(125);
  });
});
