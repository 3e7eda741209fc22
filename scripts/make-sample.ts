/**
 * Makes examples/photo.jpg, the spoiled sample photo, from examples/original.jpg: rain, then sensor noise, by the same
 * functions that make the training pictures.
 *
 *   npx tsx scripts/make-sample.ts [--output photo.jpg] [--wallpaper seeding_by_Clements_Engelhardt.jpg]
 *
 * With --wallpaper it first cuts examples/original.jpg out of the full-size photo (examples/README.md says where that
 * comes from).
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { addGaussianNoise } from '../src/data/degradations/noise.ts';
import { addRain, generateStreaks, type StreakStyle } from '../src/data/degradations/rain.ts';
import { readRaster } from '../src/data/picture-store.ts';
import type { Raster } from '../src/image/raster.ts';
import { gaussianField, Random } from '../src/random/random.ts';

const SEED = 2026;
/** Standard deviation of the noise, 8-bit units. */
const SIGMA = 15;
/** A shower that leans to the right at the bottom; StreakStyle has the units. */
const SHOWER: StreakStyle = {
  angle: -0.22,
  angleSpread: 0.02,
  length: 26,
  width: 0.6,
  density: 2.6,
  brightness: 0.26,
};
/**
 * Full colour resolution and little compression: at ordinary quality JPEG smooths noise away, and the sample is
 * to show noise as a sensor makes it.
 */
const JPEG = { quality: 94, chromaSubsampling: '4:4:4' } as const;
/** Small enough to stay below 200 kB at that quality. */
const SIZE = { width: 510, height: 340 } as const;

const beside = (name: string): string => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));

/** The left part of the photo, reduced to the sample's height, without its metadata. */
async function cutOriginal(wallpaper: string): Promise<void> {
  const reduced = await sharp(wallpaper).resize({ height: SIZE.height }).png().toBuffer();
  const cut = sharp(reduced).extract({ left: 34, top: 0, ...SIZE });
  await cut.jpeg(JPEG).toFile(beside('original.jpg'));
}

/** The sample before it is compressed. */
export async function spoiled(original: string): Promise<Raster> {
  const clean = await readRaster(original);
  const { width, height } = clean;
  const rainy = addRain(clean, generateStreaks(new Random(SEED, 1), width, height, SHOWER));
  const place = { x0: 0, y0: 0, width, height, channels: 3, imageWidth: width };
  return addGaussianNoise(rainy, SIGMA, gaussianField({ seed: SEED, stream: 2, ...place }));
}

/** [3, height, width] in 0..1 -> [height, width, 3] bytes. */
function interleaved({ width, height, data }: Raster): Uint8Array {
  const plane = width * height;
  return Uint8Array.from({ length: 3 * plane }, (_, i) =>
    Math.round(255 * (data[(i % 3) * plane + Math.floor(i / 3)] as number)),
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { output: { type: 'string' }, wallpaper: { type: 'string' } } });
  if (values.wallpaper !== undefined) await cutOriginal(values.wallpaper);
  const picture = await spoiled(beside('original.jpg'));
  const raw = { width: picture.width, height: picture.height, channels: 3 } as const;
  const output = values.output ?? beside('photo.jpg');
  const { size } = await sharp(interleaved(picture), { raw }).jpeg(JPEG).toFile(output);
  console.log(`${output}: ${raw.width} x ${raw.height}, ${size} bytes`);
}

// Imported by a test, it only lends its function.
if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
