import { join } from 'node:path';
import { expect, it } from 'vitest';
import { patternPicture, temporaryFolder } from '../../../test/support/pictures.ts';
import { writeFileAtomic } from '../../atomic-file.ts';
import { encodeImage } from '../../image/image-encode.ts';
import { casesOfOutputs } from './outputs.ts';
import { noisyCase } from './pictures.ts';

const folder = await temporaryFolder();

async function save(name: string, change: (value: number) => number): Promise<string> {
  const path = join(folder, name);
  const picture = patternPicture(24, 16);
  const data = Uint8Array.from(picture.data, change);
  await writeFileAtomic(path, await encodeImage({ ...picture, data }, { format: 'png' }));
  return path;
}

it('puts the results of a system in the place of the degraded pictures, by name or by scene', async () => {
  const clean = await save('kodim01.png', (value) => value);
  const result = await save('kodim01_restored.png', (value) => 255 - value);
  const noisy = noisyCase('kodim01', clean, { sigma: 25, seed: 1, index: 0, crop: 'none' });
  const [entry] = casesOfOutputs([noisy], [result]);
  const { input, target } = (await entry?.load()) ?? {};
  expect(entry).toMatchObject({ id: 'kodim01', input: result, target: clean });
  // The result as it is, without the noise that the set adds: both sum to white at every pixel.
  const sums = Array.from(input?.data ?? [], (value, i) => value + (target?.data[i] ?? Number.NaN));
  expect(sums).toHaveLength(24 * 16 * 3);
  expect(Math.max(...sums.map((sum) => Math.abs(sum - 1)))).toBeLessThan(1e-6);
});

it('refuses results that lack a picture of the set', () => {
  const noisy = noisyCase('kodim02', 'kodim02.png', { sigma: 25, seed: 1, index: 0, crop: 'none' });
  expect(() => casesOfOutputs([noisy], [join(folder, 'kodim01.png')])).toThrow(
    expect.objectContaining({ code: 'DATA_INVALID', message: expect.stringContaining('kodim02') }),
  );
});
