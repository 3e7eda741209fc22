/** Which pictures the options of an evaluation mean, from names alone. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import { casesFor, type SourceOptions } from './cases.ts';

const root = await temporaryFolder();
const at = (...parts: string[]) => join(root, ...parts);
for (const file of [
  'gt/1.png',
  'gt/2.png',
  'gt/10.png',
  'rainy/rain-2.png',
  'rainy/rain-1.png',
  'one/1.png',
  'one/x.png',
])
  await mkdir(at(file, '..'), { recursive: true }).then(() => writeFile(at(file), ''));
for (const file of ['WED/1.png', 'WED/2.png', 'BSD400/1.png'])
  await mkdir(at('both', file, '..'), { recursive: true }).then(() => writeFile(at('both', file), ''));

const defaults: SourceOptions = { task: 'any', crop: 'none', seed: 0 };
const list = (options: Partial<SourceOptions>) => casesFor({ ...defaults, ...options });
const ids = async (options: Partial<SourceOptions>) => (await list(options)).cases.map(({ id }) => id);

describe('pictures', () => {
  it('of two folders are pairs in the order of the inputs; targets that nothing belongs to are counted', async () => {
    const { cases, unused, layout } = await list({ input: at('rainy'), target: at('gt') });
    expect(cases.map(({ id, input, target }) => [id, input, target])).toEqual([
      ['rain-1', at('rainy/rain-1.png'), at('gt/1.png')],
      ['rain-2', at('rainy/rain-2.png'), at('gt/2.png')],
    ]);
    expect([unused, layout]).toEqual([1, `${at('rainy')} for ${at('gt')}`]);
    expect((await list({ outputs: at('rainy'), target: at('gt') })).cases).toHaveLength(2);
  });

  it('that are clean are each a case with noise, with the sigma in their name', async () => {
    const { cases, unused, layout } = await list({ target: at('gt'), sigma: 25 });
    expect(cases.map(({ id }) => id)).toEqual(['1', '2', '10']);
    expect(cases[0]).toMatchObject({ input: `${at('gt/1.png')} + noise 25`, target: at('gt/1.png') });
    expect([unused, layout]).toEqual([0, 'noise added']);
    const located = await list({ data: at('gt'), task: 'denoise', sigma: 25 });
    expect([located.cases.length, located.unused]).toEqual([3, 0]);
  });

  it('that share a name in several folders have their folder in it, the others their name alone', async () => {
    expect((await ids({ data: at('both'), task: 'denoise', sigma: 25 })).sort()).toEqual(
      [at('both/WED/1.png'), '2', at('both/BSD400/1.png')].sort(),
    );
  });

  it('are at most as many as are asked for', async () => {
    expect(await ids({ target: at('gt'), sigma: 25, limit: 2 })).toEqual(['1', '2']);
    expect(await ids({ target: at('gt'), sigma: 25, limit: 9 })).toHaveLength(3);
  });
});

describe('options that do not fit', () => {
  it.each<[Partial<SourceOptions>, RegExp]>([
    [{ data: 'd', input: 'i' }, /expected --data, or .* received both/],
    [{ data: 'd', target: 't' }, /expected --data, or .* received both/],
    [{ data: 'd', outputs: 'o' }, /expected --data, or .* received both/],
    [{ input: 'i' }, /expected --data DIR, --input DIR --target DIR/],
    [{ target: 't', input: 'i', outputs: 'o' }, /expected --data DIR, --input DIR --target DIR/],
    [{ target: at('gt') }, /expected --sigma with clean pictures alone \(--target\)/],
    [{ data: at('gt'), task: 'denoise' }, /expected --sigma with clean pictures alone \(--data\)/],
    [{ target: at('gt'), input: at('rainy'), sigma: 5 }, /--sigma or --input .* received both/],
    [{ target: at('gt'), input: at('one') }, /each of 2 pictures of --input among 3 pictures such as 1\.png/],
    [{ target: at('gt'), outputs: at('one') }, /each of 2 pictures of --outputs among 3 pictures such as 1\.png/],
    [{ target: at('gt'), outputs: at('none') }, /expected a folder for --outputs/],
    [{ target: at('gt'), input: at('none') }, /expected a folder for --input/],
  ])('%j are refused', async (options, message) => {
    await expect(list(options)).rejects.toThrow(message);
  });
});
