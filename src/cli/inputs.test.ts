import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { expandInputs } from './inputs.ts';

it('finds linked pictures once and does not go round in linked folders', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'trip'));
  await writeFile(join(folder, 'trip', '1.jpg'), '');
  await symlink(join(folder, 'trip', '1.jpg'), join(folder, '2.jpg'));
  await symlink(folder, join(folder, 'trip', 'up'));
  const below = async (...args: string[]) => (await expandInputs(args)).files.map((file) => file.below).sort();
  expect(await below(folder)).toEqual(['2.jpg', join('trip', '1.jpg')]);
  expect(await below(`${folder}/**/*.jpg`)).toEqual(['2.jpg', join('trip', '1.jpg')]);
  expect(await below(join(folder, 'trip', 'up', 'trip'))).toEqual(['1.jpg']);
});
