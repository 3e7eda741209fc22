/** The bundled model, told how strong the noise is: as good as its own estimate where that is right, and obeyed where it is not. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { Clearword, type RawPixels } from '../../src/index.ts';
import { Random } from '../../src/random/random.ts';

const SIDE = 192;
const SIGMA = 15;

const clearword = await Clearword.load({ device: 'cpu' });
afterAll(() => clearword.dispose());

const data = await sharp(await readFile('examples/original.jpg'))
  .extract({ left: 100, top: 60, width: SIDE, height: SIDE })
  .raw()
  .toBuffer();
const picture = { data: new Uint8Array(data), width: SIDE, height: SIDE, channels: 3 as const };
const random = new Random(1);
const noisy = { ...picture, data: picture.data.map((value) => clamped(value + SIGMA * random.normal())) };

function clamped(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

/** Decibels between 8-bit pictures. */
function psnr(a: RawPixels, b: RawPixels): number {
  let sum = 0;
  for (let i = 0; i < b.data.length; i++) sum += ((b.data[i] ?? 0) - (a.data[i] ?? 0)) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / b.data.length));
}

const restored = async (strength?: number) => {
  const options = { prompt: 'remove the noise', ...(strength !== undefined && { strength: { noise: strength } }) };
  return (await clearword.restore(noisy, options)).pixels();
};

it('noise of sigma 15', async () => {
  const untold = psnr(await restored(), picture);
  expect(untold).toBeGreaterThan(psnr(noisy, picture) + 5);
  // It was 0.4 dB less, when the network was told of the noise alone, which training never does.
  expect(psnr(await restored(SIGMA), picture)).toBeGreaterThan(untold - 0.1);
  expect(psnr(await restored(SIGMA / 5), picture)).toBeLessThan(untold - 1);
});
