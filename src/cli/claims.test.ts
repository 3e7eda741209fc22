import { readdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolders } from '../../test/support/pictures.ts';
import { removeUnfinishedFiles } from '../atomic-file.ts';
import { claimOutput } from './claims.ts';

const newFolder = await temporaryFolders();

it('one of many gets a claim, and the next when it is released', async () => {
  const output = join(await newFolder(), 'new', 'a.jpg');
  const claims = await Promise.all(Array.from({ length: 8 }, () => claimOutput(output)));
  const held = claims.filter((claim) => claim !== undefined);
  expect(held).toHaveLength(1);
  await held[0]?.release();
  expect(await claimOutput(output)).toBeDefined();
  expect(await claimOutput(join(output, '..', 'b.jpg'))).toBeDefined();
});

it('a claim of another machine counts while it is touched, one of this machine while its process lives', async () => {
  const folder = await newFolder();
  const output = join(folder, 'a.jpg');
  const first = await claimOutput(output);
  const path = join(folder, (await readdir(folder))[0] ?? '');
  const claimedBy = (pid: number, host: string) => writeFile(path, JSON.stringify({ pid, host }));
  await claimedBy(1, 'another-machine');
  expect(await claimOutput(output)).toBeUndefined();
  const threeMinutesAgo = new Date(Date.now() - 180_000);
  await utimes(path, threeMinutesAgo, threeMinutesAgo);
  const second = await claimOutput(output);
  expect(second).toBeDefined();
  await claimedBy(2 ** 30, hostname());
  expect(await claimOutput(output)).toBeDefined();
  await claimedBy(process.ppid, hostname());
  expect(await claimOutput(output)).toBeUndefined();
  for (const claim of [first, second]) await claim?.release();
});

it('goes when the process has to end at once', async () => {
  const folder = await newFolder();
  await claimOutput(join(folder, 'a.jpg'));
  expect(await readdir(folder)).toHaveLength(1);
  removeUnfinishedFiles();
  expect(await readdir(folder)).toEqual([]);
});
