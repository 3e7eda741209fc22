/**
 * Networks that look far, in tiles: a recurrent one whose far pixels count as much as near ones, and what its halo is for.
 */
import { describe, expect, it } from 'vitest';
import type { Clearword, RestoreOptions } from '../../src/index.ts';
import { modelFile, withModel } from '../support/onnx-door.ts';
import { largestDifference } from '../support/pictures.ts';
import { recurrentNetwork, SHARE, STEP } from '../support/recurrent-network.ts';

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint16Array;
}

/** Noise: no pixel says anything of another one. */
function noise(width: number, height: number): Pixels {
  let state = 12345;
  const data = Uint16Array.from({ length: 3 * width * height }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 16;
  });
  return { width, height, data };
}

/** The same in closed form, on the whole picture. */
function expected({ width, data }: Pixels, stages: number): Float64Array {
  const at = (x: number, y: number, c: number) => (x < 0 || y < 0 ? 0 : (data[3 * (y * width + x) + c] as number));
  return Float64Array.from(data, (_, i) => {
    const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
    let sum = SHARE ** stages * at(x - stages * STEP.x, y - stages * STEP.y, c);
    for (let s = 0; s < stages; s++) sum += (1 - SHARE) * SHARE ** s * at(x - s * STEP.x, y - s * STEP.y, c);
    return sum;
  });
}

async function restored(clearword: Clearword, picture: Pixels, options: RestoreOptions = {}) {
  return (await clearword.restore({ ...picture, channels: 3 }, options)).pixels().data;
}

/** Rounding to 16 bits, and float32 through the stages. */
const CLOSE = 0.6;
/** A grey level of 8 bits in 16. */
const LEVEL = 257;
const refused = (message: RegExp) => ({ code: 'INVALID_OPTION', message: expect.stringMatching(message) });

describe('a recurrent network', () => {
  const stages = 9;
  const halo = stages * STEP.x;

  it('restores in tiles as the whole with its halo, and not with a smaller one', async () => {
    const model = await modelFile(recurrentNetwork(stages), { multiple: 1, halo });
    const picture = noise(300, 24);
    const right = expected(picture, stages);
    await withModel({ model }, async (clearword) => {
      expect(largestDifference(await restored(clearword, picture), right)).toBeLessThan(CLOSE);
      expect(largestDifference(await restored(clearword, picture, { tile: 4 * halo }), right)).toBeLessThan(CLOSE);
      // Smaller tiles have no room for it, however they overlap, unless the picture is one tile.
      await expect(restored(clearword, picture, { tile: 4 * halo - 1 })).rejects.toMatchObject(
        refused(/tiles of at least 144 pixels for a picture of 300, .* 36 pixels far .* received 143/),
      );
      await expect(restored(clearword, picture, { tile: 200, overlap: 71 })).rejects.toMatchObject(
        refused(/at least 72 for overlap, .* received 71/),
      );
      const small = noise(100, 24);
      const one = await restored(clearword, small, { tile: 100 });
      expect(largestDifference(one, expected(small, stages))).toBeLessThan(CLOSE);
    });
    await withModel({ model, descriptor: 'halo=24' }, async (clearword) => {
      const seams = largestDifference(await restored(clearword, picture, { tile: 4 * halo - 1 }), right);
      expect(seams).toBeGreaterThan(10 * LEVEL);
    });
  });

  it('gets larger tiles than others where it looks further than a quarter of theirs', async () => {
    const far = 35;
    const model = await modelFile(recurrentNetwork(far), { multiple: 1, halo: far * STEP.x });
    const picture = noise(700, 12);
    await withModel({ model }, async (clearword) => {
      expect(clearword.model.defaultTile).toBe(4 * far * STEP.x + 32);
      expect(largestDifference(await restored(clearword, picture), expected(picture, far))).toBeLessThan(CLOSE);
    });
    await withModel({ model, descriptor: { tile: 512 } }, async (clearword) => {
      await expect(restored(clearword, picture)).rejects.toMatchObject(refused(/at least 560 .* received 512/));
    });
  });

  it('for one size restores with a halo up to a quarter of it, and is refused with a larger one', async () => {
    const fixed = { width: 4 * halo, height: 48 };
    const model = await modelFile(recurrentNetwork(stages, fixed), { halo });
    const picture = noise(300, 24);
    await withModel({ model }, async (clearword) => {
      expect(largestDifference(await restored(clearword, picture), expected(picture, stages))).toBeLessThan(CLOSE);
      await expect(restored(clearword, noise(300, 50))).rejects.toMatchObject({
        ...refused(/tiles of at least 144 pixels for a picture of 50, .* received 48/),
        fix: expect.stringMatching(/^Export the network for any size, .*--descriptor halo=12\)/),
      });
    });
    // Nobody said how far it looks: as much as there is room for is cut off of the guess.
    const unknown = await modelFile(recurrentNetwork(stages, { width: 64, height: 48 }));
    await withModel({ model: unknown }, async (clearword) => {
      expect(await restored(clearword, picture)).toHaveLength(picture.data.length);
    });
  });
});
