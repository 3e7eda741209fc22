/** The bundled model on pictures in which a seam, or a change that nobody asked for, would be seen at once. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { Clearword, type RawPixels } from '../../src/index.ts';
import { Random } from '../../src/random/random.ts';
import { largestDifference, meanDifference } from '../support/pictures.ts';

/** The largest and mean difference of 8-bit levels between a picture restored in tiles and in one piece. Measured: 1 and 0.02. */
const SEAMS = { largest: 2, mean: 0.05 };
/** Side of a tile that holds the picture: with an overlap to be saved, one piece. */
const ONE_PIECE = 512;

const clearword = await Clearword.load({ device: 'cpu' });
afterAll(() => clearword.dispose());

/** Sides of tiles, so that none is padded: what is mirrored beyond an edge is no seam. */
const [WIDTH, HEIGHT] = [512, 384];
const photo = await sharp(await readFile('examples/original.jpg'))
  .resize(WIDTH, HEIGHT, { fit: 'fill' })
  .raw()
  .toBuffer();

type Colour = readonly [number, number, number];

function painted(width: number, height: number, colour: (x: number, y: number) => Colour): RawPixels {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    colour(i % width, Math.floor(i / width)).forEach((value, c) => {
      data[3 * i + c] = Math.max(0, Math.min(255, Math.round(value)));
    });
  }
  return { data, width, height, channels: 3 };
}

const mix = (a: Colour, b: Colour, t: number) => a.map((value, c) => value + t * ((b[c] as number) - value));

/** I = J t + A (1 - t) over the example photo, with the transmission t of each row. */
const hazy = (airlight: Colour, transmission: (y: number) => number) =>
  painted(WIDTH, HEIGHT, (x, y) => {
    const at = 3 * (y * WIDTH + x);
    const scene = [photo[at], photo[at + 1], photo[at + 2]] as unknown as Colour;
    return mix(airlight, scene, transmission(y / HEIGHT)) as unknown as Colour;
  });

describe('tiles', () => {
  it.each([
    ['fog that gets denser to the top', hazy([205, 210, 214], (y) => 0.02 + 0.75 * y ** 1.3)],
    ['a hazy sky over half of the picture', hazy([190, 205, 225], (y) => (y < 0.5 ? 0.05 : 0.3 + y / 2))],
  ])('%s: the same as in one piece', async (_, picture) => {
    const restored = async (tile: number, overlap?: number) => {
      const result = await clearword.restore(picture, { tile, prompt: 'remove the haze', ...(overlap && { overlap }) });
      expect(result.decision.removing).toEqual(['haze']);
      return { data: result.pixels().data, overlap: result.provenance.overlap };
    };
    const { data: whole } = await restored(ONE_PIECE, 32);
    expect(meanDifference(whole, picture.data)).toBeGreaterThan(5);
    const tiled = await restored(256);
    expect(tiled.overlap).toBe(112);
    expect(largestDifference(tiled.data, whole)).toBeLessThanOrEqual(SEAMS.largest);
    expect(meanDifference(tiled.data, whole)).toBeLessThan(SEAMS.mean);
  });
});

describe('pictures that show nothing', () => {
  const random = new Random(1);
  const plain = (side: number, colour: Colour) => painted(side, side, () => colour);
  const gradient = (top: Colour, bottom: Colour) =>
    painted(256, 256, (_, y) => mix(top, bottom, y / 255) as unknown as Colour);
  it.each([
    ['one pixel', plain(1, [135, 190, 235])],
    ['white', plain(64, [255, 255, 255])],
    ['black', plain(64, [0, 0, 0])],
    ['grey', plain(256, [128, 128, 128])],
    ['sky blue', plain(256, [135, 190, 235])],
    ['nearly black', plain(256, [20, 20, 20])],
    ['a sunset', gradient([250, 140, 60], [40, 40, 90])],
    ['a clear sky', gradient([80, 140, 220], [190, 215, 240])],
    ['a grey gradient', gradient([90, 90, 90], [200, 200, 200])],
    [
      'a blue surface with a little noise',
      painted(256, 256, () => [135, 190, 235].map((v) => v + random.normal()) as never),
    ],
  ])('%s comes back as it was', async (_, picture) => {
    const result = await clearword.restore(picture);
    expect(result.decision).toMatchObject({ status: 'unchanged', removing: [] });
    expect(largestDifference(result.pixels().data, picture.data)).toBe(0);
  });

  it('and the haze goes where it is asked for', async () => {
    const { decision } = await clearword.restore(plain(64, [135, 190, 235]), { prompt: 'remove the haze' });
    expect(decision).toMatchObject({ status: 'restored', removing: ['haze'] });
  });
});

describe('a noisy photo', () => {
  const random = new Random(2);
  const noisy = painted(240, 160, (x, y) => {
    const at = 3 * (y * WIDTH + x);
    return [0, 1, 2].map((c) => (photo[at + c] as number) + 40 * random.normal()) as unknown as Colour;
  });
  const changeOf = async (prompt: string) => {
    const result = await clearword.restore(noisy, { prompt });
    return meanDifference(result.pixels().data, noisy.data);
  };

  it('is changed without a word', async () => {
    expect(await changeOf('')).toBeGreaterThan(10);
  });

  it.each(['keep noise', 'keep the noise', 'no denoising please', 'do nothing', 'leave the noise in', "don't denoise"])(
    '%s: keeps its noise',
    async (prompt) => {
      expect(await changeOf(prompt)).toBe(0);
    },
  );
});
