/**
 * Makes the page's further sample photos in web/samples from examples/original.jpg, by the same functions that make the
 * training pictures: haze that thickens towards the top, and strong sensor noise. Beside them small pictures of all samples
 * (`*-small.webp`), which are what the welcome shows; a photo itself is fetched when someone opens it.
 *
 *   npx tsx scripts/make-page-samples.ts
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { addHaze, transmissionOf } from '../src/data/degradations/haze.ts';
import { addGaussianNoise } from '../src/data/degradations/noise.ts';
import { createPlane } from '../src/data/degradations/plane.ts';
import { readRaster } from '../src/data/picture-store.ts';
import type { Raster } from '../src/image/raster.ts';
import { gaussianField } from '../src/random/random.ts';

const SEED = 2027;
/** Standard deviation of the noise, 8-bit units. */
const SIGMA = 35;
/** Optical depth of the haze at the bottom and at the top of the picture. */
const DEPTH = { near: 0.35, far: 1.3 } as const;
const AIRLIGHT = [0.86, 0.87, 0.9] as const;
/** Noise survives only little compression. */
const JPEG = { quality: 88, chromaSubsampling: '4:4:4' } as const;
/** Twice what the style sheet gives them at most, for screens of two pixels each way. */
const SMALL = { width: 336, height: 224 } as const;
const WEBP = { quality: 60, effort: 6 } as const;

const repository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

function hazy(clear: Raster): Raster {
  const depth = createPlane(clear.width, clear.height);
  for (let i = 0; i < depth.data.length; i++) {
    const fromTop = Math.floor(i / clear.width) / clear.height;
    depth.data[i] = DEPTH.far + (DEPTH.near - DEPTH.far) * fromTop;
  }
  return addHaze(clear, transmissionOf(depth, 1), AIRLIGHT);
}

function noisy(clear: Raster): Raster {
  const { width, height } = clear;
  const place = { x0: 0, y0: 0, width, height, channels: 3, imageWidth: width };
  return addGaussianNoise(clear, SIGMA, gaussianField({ seed: SEED, stream: 0, ...place }));
}

async function writeSmall(name: string, photo: string): Promise<void> {
  const output = repository(`web/samples/${name}-small.webp`);
  const { size } = await sharp(photo).resize(SMALL.width, SMALL.height).webp(WEBP).toFile(output);
  console.log(`${output}: ${SMALL.width} x ${SMALL.height}, ${size} bytes`);
}

/** @returns the path of the photo */
async function write(name: string, { width, height, data }: Raster): Promise<string> {
  const plane = width * height;
  const bytes = Uint8Array.from({ length: 3 * plane }, (_, i) =>
    Math.round(255 * Math.min(1, Math.max(0, data[(i % 3) * plane + Math.floor(i / 3)] as number))),
  );
  const output = repository(`web/samples/${name}.jpg`);
  const { size } = await sharp(bytes, { raw: { width, height, channels: 3 } })
    .jpeg(JPEG)
    .toFile(output);
  console.log(`${output}: ${width} x ${height}, ${size} bytes`);
  return output;
}

const clear = await readRaster(repository('examples/original.jpg'));
await mkdir(repository('web/samples'), { recursive: true });
await writeSmall('rain', repository('examples/photo.jpg'));
await writeSmall('haze', await write('haze', hazy(clear)));
await writeSmall('noise', await write('noise', noisy(clear)));
