import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolders } from '../test/support/pictures.ts';
import { writeFileAtomic } from './atomic-file.ts';

const folder = await temporaryFolders();

it('writes into a folder that it makes', async () => {
  const path = join(await folder(), 'a', 'b', 'result.txt');
  await writeFileAtomic(path, 'text');
  expect(await readFile(path, 'utf8')).toBe('text');
});

it('keeps an existing file unless told to replace it', async () => {
  const path = join(await folder(), 'result.txt');
  await writeFile(path, 'old');
  await expect(writeFileAtomic(path, 'new')).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  expect(await readFile(path, 'utf8')).toBe('old');
  await writeFileAtomic(path, 'new', { overwrite: true });
  expect(await readFile(path, 'utf8')).toBe('new');
  expect(await readdir(join(path, '..'))).toEqual(['result.txt']);
});

it('of two writers of one new file exactly one wins', async () => {
  const path = join(await folder(), 'result.txt');
  const results = await Promise.allSettled(['a', 'b'].map((text) => writeFileAtomic(path, text)));
  expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await readdir(join(path, '..'))).toEqual(['result.txt']);
});

it('leaves nothing behind when it is aborted', async () => {
  const path = join(await folder(), 'result.bin');
  const controller = new AbortController();
  const writing = writeFileAtomic(path, new Uint8Array(50e6), { signal: controller.signal });
  setImmediate(() => controller.abort());
  await expect(writing).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await readdir(join(path, '..'))).toEqual([]);
});

it('says what is wrong with a target', async () => {
  const path = await folder();
  await writeFile(join(path, 'file'), '');
  await mkdir(join(path, 'taken'));
  const overwrite = { overwrite: true };
  await expect(writeFileAtomic(join(path, 'file', 'x.txt'), '')).rejects.toMatchObject({
    code: 'OUTPUT_UNWRITABLE',
    message: expect.stringContaining('not a folder'),
  });
  await expect(writeFileAtomic(join(path, 'taken'), '', overwrite)).rejects.toMatchObject({
    code: 'OUTPUT_UNWRITABLE',
  });
  await expect(writeFileAtomic(join(path, 'x'.repeat(300)), '')).rejects.toMatchObject({
    code: 'OUTPUT_UNWRITABLE',
    message: expect.stringContaining('too long'),
  });
});
