/** What a photo costs in memory besides the network, as docs/performance.md says it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { peakMemory } from '../../bench/memory.ts';
import { temporaryFolder } from '../support/pictures.ts';

const SUBJECT = fileURLToPath(new URL('../support/peak-memory.ts', import.meta.url));
const PHOTO = fileURLToPath(new URL('../../examples/photo.jpg', import.meta.url));
/** MiB. Measured: 355; a copy of the picture in floats would be 69 more. */
const MOST = 410;

const folder = await temporaryFolder();

it.skipIf(peakMemory() === undefined)(
  'of a baseline JPEG of 6 megapixels into another: no whole picture in floats',
  async () => {
    const [input, output] = [join(folder, 'photo.jpg'), join(folder, 'result.jpg')];
    await sharp(PHOTO).resize(3000, 2000).jpeg({ quality: 92 }).toFile(input);
    const argv = ['--import', import.meta.resolve('tsx'), SUBJECT, input, output];
    const { stdout } = await promisify(execFile)(process.execPath, argv);
    const { status, peak } = JSON.parse(stdout) as { status: string; peak: number };
    expect(status).toBe('restored');
    expect(peak).toBeLessThan(MOST);
    expect(await sharp(output).metadata()).toMatchObject({ format: 'jpeg', width: 3000, height: 2000 });
  },
  300_000,
);
