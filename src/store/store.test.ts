/** What every store has to do, for all of them. */
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/pictures.ts';
import { startS3Server } from '../../test/support/s3-server.ts';
import { getExisting, type ObjectStore, removeAll, type StoredObject } from './object-store.ts';
import { openStore } from './open-store.ts';

const folder = await temporaryFolder();
const s3 = await startS3Server();
let count = 0;

const STORES: Readonly<Record<string, () => string>> = {
  'a folder': () => join(folder, String(count++)),
  'object storage': () => `s3://bucket/${count++}`,
  'object storage without a prefix': () => {
    s3.objects.clear();
    return 's3://bucket';
  },
};

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined) => data && new TextDecoder().decode(data);
async function keys(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: StoredObject[] = [];
  for await (const object of store.list(prefix)) found.push(object);
  return found.map(({ key }) => key).sort();
}

describe.each(Object.entries(STORES))('%s', (_, address) => {
  it('gives back what was put, the latest of it', async () => {
    const store = await openStore(address());
    await store.put('jobs/a/input', bytes('one'));
    await store.put('jobs/a/input', bytes('two'));
    expect(text(await store.get('jobs/a/input'))).toBe('two');
    const stat = await store.stat('jobs/a/input');
    expect(stat).toMatchObject({ key: 'jobs/a/input', bytes: 3 });
    expect(Math.abs((stat?.modified.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    await store.close();
  });

  it('keeps names of any language, and empty objects', async () => {
    const store = await openStore(address());
    for (const key of ['ferien/Übersicht & mehr <1>.jpg', 'a b/c+d%20.png']) {
      await store.put(key, bytes(''));
      expect(text(await store.get(key))).toBe('');
      expect(await keys(store, '')).toContain(key);
    }
    await store.close();
  });

  it('tells nothing from something', async () => {
    const store = await openStore(address());
    await store.put('a/b', bytes('x'));
    for (const key of ['none', 'a', 'a/b/c', 'a/none']) {
      expect([key, await store.get(key), await store.stat(key)]).toEqual([key, undefined, undefined]);
    }
    await store.remove('none');
    await expect(getExisting(store, 'none')).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await store.close();
  });

  it('lists by prefix, over several pages, and removes', async () => {
    const store = await openStore(address());
    const all = ['jobs/a/input', 'jobs/a/restored', 'jobs/ab/input', 'jobs/b/input', 'results/a'];
    for (const key of all) await store.put(key, bytes(key));
    expect(await keys(store, '')).toEqual(all);
    expect(await keys(store, 'jobs/a/')).toEqual(['jobs/a/input', 'jobs/a/restored']);
    expect(await keys(store, 'jobs/a')).toEqual(['jobs/a/input', 'jobs/a/restored', 'jobs/ab/input']);
    expect(await keys(store, 'nothing/here/')).toEqual([]);
    await removeAll(store, 'jobs/a/');
    expect(await keys(store, 'jobs/')).toEqual(['jobs/ab/input', 'jobs/b/input']);
    await store.close();
  });

  it('refuses keys that lead out of it', async () => {
    const store = await openStore(address());
    for (const key of ['../x', 'a/../../x', '/etc/passwd', 'a//b', '', 'a\\b', 'a\0b', './a', 'x'.repeat(1001)]) {
      await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_FAILED' });
      await expect(store.put(key, bytes('x'))).rejects.toMatchObject({ code: 'STORE_FAILED' });
    }
    await store.close();
  });

  it('can be opened again by its address', async () => {
    const store = await openStore(address());
    await store.put('a', bytes('x'));
    const again = await openStore(store.address);
    expect(text(await again.get('a'))).toBe('x');
    await store.close();
    await again.close();
  });
});

describe('a folder', () => {
  it('leaves no empty folders, and does not list what is half written', async () => {
    const root = join(folder, 'tidy');
    const store = await openStore(root);
    await store.put('jobs/a/input', bytes('x'));
    await store.remove('jobs/a/input');
    expect(await readdir(root)).toEqual([]);
    await mkdir(join(root, 'jobs'));
    for (const name of ['.clearword-1.tmp', '.clearword-2.tmp']) await writeFile(join(root, 'jobs', name), 'half');
    const longAgo = new Date(Date.now() - 7_200_000);
    await utimes(join(root, 'jobs', '.clearword-2.tmp'), longAgo, longAgo);
    expect(await keys(store, '')).toEqual([]);
    // Nobody is writing the second one any more.
    expect(await readdir(join(root, 'jobs'))).toEqual(['.clearword-1.tmp']);
    // Nor the first one, some time later, nor a folder that stayed empty so long.
    await utimes(join(root, 'jobs', '.clearword-1.tmp'), longAgo, longAgo);
    for (const name of ['old', 'new']) await mkdir(join(root, name));
    await utimes(join(root, 'old'), longAgo, longAgo);
    expect(await keys(store, '')).toEqual([]);
    expect(await readdir(root)).toEqual(['new']);
  });

  it('that cannot be made is an error with its path', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openStore(join(folder, 'file', 'below'))).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining(join(folder, 'file')),
    });
  });
});

describe('object storage', () => {
  it('is tried again when it is overloaded', async () => {
    const store = await openStore('s3://bucket/retry');
    s3.failNext(2, 503);
    await store.put('a', bytes('x'));
    expect(text(await store.get('a'))).toBe('x');
    await store.close();
  });

  it('says what failed', async () => {
    await expect(openStore('s3://other')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/^store s3:\/\/other: cannot reach the bucket: /),
    });
    for (const address of ['s3://', 's3://A', 'gs://bucket']) {
      await expect(openStore(address)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    }
  });
});
