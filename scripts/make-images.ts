/**
 * Makes docs/images/before-after.png, the README's picture: the sample photo, and the photo restored as two sentences say.
 *
 *   npx tsx scripts/make-images.ts [--model weights.safetensors] [--output before-after.png]
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { readImage } from '../src/image/image-file.ts';
import { fromRawPixels, type Picture } from '../src/image/picture.ts';
import { Clearword } from '../src/index.ts';
import { sideBySide } from '../src/restore/comparison.ts';

/** The README quotes them. */
const PROMPTS = ['remove the rain and the noise', 'remove the noise, keep the rain'];

const { values } = parseArgs({ options: { model: { type: 'string' }, output: { type: 'string' } } });
const repository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const photo = repository('examples/photo.jpg');
const output = values.output ?? repository('docs/images/before-after.png');

const clearword = await Clearword.load(values.model === undefined ? {} : { model: values.model });
const restored = async (prompt: string): Promise<Picture> =>
  fromRawPixels((await clearword.restore(photo, { prompt })).pixels());
const { picture: before } = await readImage(photo);
const after: Picture[] = [];
for (const prompt of PROMPTS) after.push(await restored(prompt));
const { width, height, data } = sideBySide([before, ...after], 4);
await clearword.dispose();

await mkdir(dirname(output), { recursive: true });
await sharp(data, { raw: { width, height, channels: 3 } })
  .png({ compressionLevel: 9 })
  .toFile(output);
console.log(`${output}: ${width} x ${height}`);
