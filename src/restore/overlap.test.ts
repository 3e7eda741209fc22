import { describe, expect, it } from 'vitest';
import { fakeModel } from '../../test/support/fake-model.ts';
import { patternPicture } from '../../test/support/pictures.ts';
import { settingsFor } from './options.ts';
import { overlapFor } from './overlap.ts';
import { restorePicture } from './restore-picture.ts';

describe('overlapFor', () => {
  it.each([
    [['noise'], 32],
    [['compression'], 32],
    [['noise', 'rain'], 64],
    [['rain', 'haze', 'noise'], 112],
    [['darkness'], 96],
    [['scratches'], 48],
    [['noise', 'scratches'], 48],
    [[], 48],
  ] as const)('removing %j: %d pixels, the most that any of it needs', (removing, expected) => {
    expect(overlapFor({ tile: 512, overlap: undefined }, removing)).toBe(expected);
  });

  it('is seven sixteenths of a small tile at most', () => {
    expect([256, 255, 128, 64].map((tile) => overlapFor({ tile, overlap: undefined }, ['haze']))).toEqual([
      112, 111, 56, 28,
    ]);
  });

  it('is what somebody says', () => {
    expect(overlapFor({ tile: 512, overlap: 0 }, ['haze'])).toBe(0);
    expect(overlapFor({ tile: 64, overlap: 30 }, ['noise'])).toBe(30);
  });
});

describe('tiles of a restoration', () => {
  const overlapOf = async (prompt: string, careful: boolean) => {
    const model = { ...fakeModel(), careful };
    const { tile } = await restorePicture(model, patternPicture(90, 70), settingsFor(model, { prompt }));
    return tile.overlap;
  };

  it('overlap by what was decided', async () => {
    const { defaultTile } = fakeModel();
    const most = Math.floor((7 * defaultTile) / 16);
    expect(await overlapOf('remove the noise', true)).toBe(Math.min(32, most));
    expect(await overlapOf('remove the haze', true)).toBe(Math.min(112, most));
    // A network that is not told what to remove may look at anything.
    expect(await overlapOf('remove the noise', false)).toBe(Math.min(48, most));
  });
});
