import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { spoiled } from '../scripts/make-sample.ts';
import { readRaster } from '../src/data/picture-store.ts';
import { psnr } from '../src/metrics/psnr.ts';

const example = (name: string) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));

it('examples/photo.jpg is what scripts/make-sample.ts makes of examples/original.jpg', async () => {
  const photo = await readRaster(example('photo.jpg'));
  const made = await spoiled(example('original.jpg'));
  expect([photo.width, photo.height]).toEqual([510, 340]);
  // What JPEG changed; another seed of the noise is below 22 dB.
  expect(psnr(photo, made)).toBeGreaterThan(33);
  expect((await stat(example('photo.jpg'))).size).toBeLessThan(200_000);
});
