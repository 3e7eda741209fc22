import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { decodeFeatures, encodeFeatures, Journal, settingsKey } from './journal.ts';

const after = { psnr: 30, ssim: 0.9, psnrLuma: 31, ssimLuma: 0.91 };
const record = (id: string, seconds = 1) => ({
  ...{ id, input: `${id}.png`, target: `${id}.png`, prompt: '', width: 4, height: 3 },
  ...{ seconds, after },
});
const pathIn = (folder: string) => join(folder, 'results.jsonl');

it('finds what was measured with the same settings, and keeps what was with others', async () => {
  const folder = await temporaryFolder();
  const first = await Journal.open(folder, settingsKey({ steps: 1 }));
  await first.add(record('a', 1));
  await first.add(record('b', 2));
  const other = await Journal.open(folder, settingsKey({ steps: 2 }));
  expect(other.find('a')).toBeUndefined();
  await other.add(record('a', 3));
  const again = await Journal.open(folder, settingsKey({ steps: 1 }));
  expect([again.find('a')?.seconds, again.find('b')?.seconds, again.find('c')]).toEqual([1, 2, undefined]);
  expect((await Journal.open(folder, settingsKey({ steps: 2 }))).find('a')?.seconds).toBe(3);
});

it('keeps scores that are no numbers as such', async () => {
  const folder = await temporaryFolder();
  const journal = await Journal.open(folder, 'key');
  await journal.add({ ...record('a'), after: { ...after, psnr: Number.NaN } });
  expect((await Journal.open(folder, 'key')).find('a')?.after).toEqual({ ...after, psnr: Number.NaN });
});

it('goes on after the last whole line, whatever its letters take in bytes', async () => {
  const folder = await temporaryFolder();
  const journal = await Journal.open(folder, 'key');
  await journal.add(record('größer'));
  const whole = await readFile(pathIn(folder), 'utf8');
  await writeFile(pathIn(folder), `${whole}{"kind":"pict`);
  expect((await Journal.open(folder, 'key')).find('größer')).toBeDefined();
  expect(await readFile(pathIn(folder), 'utf8')).toBe(whole);
});

it('names the line that is no result', async () => {
  const folder = await temporaryFolder();
  const journal = await Journal.open(folder, 'key');
  await journal.add(record('a'));
  await journal.add(record('b'));
  const [first = '', second = ''] = (await readFile(pathIn(folder), 'utf8')).split('\n');
  await writeFile(pathIn(folder), `${first}\n\n${second.slice(1)}\n`);
  await expect(Journal.open(folder, 'key')).rejects.toMatchObject({
    code: 'DATA_INVALID',
    message: `${pathIn(folder)}: line 3 is no result`,
  });
});

it('without a folder keeps nothing but what it was told', async () => {
  const journal = await Journal.open(undefined, 'key');
  await journal.add(record('a'));
  expect([journal.find('a')?.key, journal.find('a')?.kind]).toEqual(['key', 'picture']);
});

it('has a short name for settings, another for others', () => {
  expect(settingsKey({ steps: 1 })).toMatch(/^[0-9a-f]{16}$/);
  expect(settingsKey({ steps: 1 })).not.toBe(settingsKey({ steps: 2 }));
});

it('keeps features of any place in memory', () => {
  const values = Float32Array.of(9, 1.5, -2, 0.1);
  expect(decodeFeatures(encodeFeatures(values.subarray(1)))).toEqual(values.subarray(1));
});
