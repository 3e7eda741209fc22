import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseTrainConfig } from '../../train/config.ts';
import { graphOptions } from '../../train/start.ts';
import { sampleSheet } from './samples.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'clearword-samples-'));
  const create = { width: 40, height: 30, channels: 3, background: '#7a8' } as const;
  await sharp({ create }).png().toFile(join(root, 'photo.png'));
});

afterAll(() => rm(root, { recursive: true, force: true }));

it('shows each sample with its pictures, words, draws and strengths', async () => {
  const data = { roots: { photos: [root] }, patch: 16, grid: 2, noise: { sigma: [22, 22] } };
  const config = parseTrainConfig({ preset: 'tiny', steps: 1, data }, 'test');
  const page = await sampleSheet(config, { count: 5, step: 0, task: 'noise' });
  expect(page.match(/<figure>/g)).toHaveLength(5);
  expect(page.match(/noise: white noise, sigma 22\.0<br>noise 0\.40/g)).toHaveLength(5);
  const [first = ''] = /data:image\/webp;base64,[^"]+/.exec(page) ?? [];
  const { width, height } = await sharp(Buffer.from(first.split(',')[1] ?? '', 'base64')).metadata();
  expect([width, height]).toEqual([32, 32]);
  expect(await sampleSheet(config, { count: 5, step: 0, task: 'noise' })).toBe(page);
});

it('says of a photo as it is that nothing was drawn, and of a degradation whether it can be seen', async () => {
  const data = { roots: { photos: [root] }, patch: 16, grid: 2, noise: { sigma: [1, 1] } };
  const config = parseTrainConfig({ preset: 'tiny', steps: 1, data }, 'test');
  const captions = async (task: 'clean' | 'noise', step = 0) =>
    [...(await sampleSheet(config, { count: 4, step, task })).matchAll(/<figcaption>(.*?)<\/figcaption>/g)].map(
      ([, text = '']) => text.split('<br>'),
    );
  for (const lines of await captions('clean')) {
    expect(lines[1]).toMatch(/^asks for \w/);
    expect(lines.slice(2)).toEqual(['clean: a photo as it is']);
  }
  for (const lines of await captions('noise')) expect(lines.at(-1)).toBe('noise 0.02 (not seen)');
  expect(await captions('noise', 1)).not.toEqual(await captions('noise'));
});

it('draws the tasks of the configuration where none is named, and says everything where all of it is asked for', async () => {
  const tasks = { clean: 1, noise: 0, rain: 0, haze: 0, composite: 0 };
  const data = { roots: { photos: [root] }, patch: 16, grid: 2, tasks };
  const config = parseTrainConfig({ preset: 'tiny', steps: 1, data }, 'test');
  const page = await sampleSheet(config, { count: 16, step: 0 });
  expect(page.match(/<br>clean: a photo as it is</g)).toHaveLength(16);
  const asked = [...page.matchAll(/<br>asks for ([^<]+)/g)].map(([, text = '']) => text);
  expect(asked).toContain('everything');
  const { degradations } = graphOptions(config).preset;
  for (const text of asked) expect(text.split(', ').length).toBeLessThan(degradations.length);
});
