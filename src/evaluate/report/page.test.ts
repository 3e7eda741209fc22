/** What the page of a report shows of its results, and what it leaves out. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { patternPicture, temporaryFolder } from '../../../test/support/pictures.ts';
import { toRaster } from '../../image/picture.ts';
import type { EvaluationResult } from '../evaluate.ts';
import type { PictureRecord } from '../journal.ts';
import { meanScores, type Scores } from '../scores.ts';
import { htmlTable } from './html.ts';
import { gainOf, reportPage } from './page.ts';
import { savePreviews } from './previews.ts';

const scores = (psnr: number, more: Partial<Scores> = {}): Scores => ({
  ...{ psnr, ssim: psnr / 100, psnrLuma: psnr, ssimLuma: psnr / 100 },
  ...more,
});
const picture = (id: string, more: Partial<PictureRecord> = {}): PictureRecord => ({
  ...{ kind: 'picture', key: 'k', id, input: 'i', target: 't', prompt: '', width: 3, height: 2, seconds: 1 },
  after: scores(20),
  ...more,
});
const resultOf = (pictures: readonly PictureRecord[]): EvaluationResult => ({
  ...{ name: 'set', pictures, failures: [], unavailable: {}, resumed: 0, secondsEach: 0 },
  mean: meanScores(pictures.map(({ after }) => after)),
});
const pageOf = (results: readonly EvaluationResult[], more: { folder?: string; worst?: number } = {}) =>
  reportPage({ title: 't', about: {}, results, ...more });
/** What each chart says of itself. */
const charts = (html: string) => [...html.matchAll(/role="img" aria-label="([^"]+)"/g)].map(([, text]) => text);

describe('charts', () => {
  it('are of the scores that a picture has, without those of the luma', async () => {
    const own = [picture('a'), picture('b', { after: scores(30, { lpips: 0.5 }) })];
    expect(charts(await pageOf([resultOf(own)]))).toEqual([
      'PSNR of each picture, sorted. dB over picture for result',
      'PSNR. Distribution of PSNR (dB) for result',
      'SSIM. Distribution of SSIM for result',
      'LPIPS. Distribution of LPIPS for result',
    ]);
  });

  it('have the degraded pictures beside the results where one was restored here, and its score is known', async () => {
    const own = [picture('a', { before: scores(10), after: scores(20, { niqe: 4 }) }), picture('b')];
    expect(charts(await pageOf([resultOf(own)]))).toEqual([
      'PSNR of each picture, by that of the degraded one. dB over picture for result, degraded',
      'PSNR. Distribution of PSNR (dB) for result, degraded',
      'SSIM. Distribution of SSIM for result, degraded',
      'NIQE. Distribution of NIQE for result',
    ]);
  });
});

describe('tables', () => {
  it('sort by the heads of their columns where every picture is a row, and only there', async () => {
    const html = await pageOf([resultOf([picture('a')])]);
    const tables = [...html.matchAll(/<table([^>]*)><caption>([^<]+)<\/caption><thead>(.*?)<\/thead>/g)];
    expect(tables.map(([, kind, caption, head]) => [caption, kind, /<button/.test(head ?? '')])).toEqual([
      ['Mean over the pictures of each set', '', false],
      ['Spread over the pictures', '', false],
      ['Every picture; the heads of the columns sort', ' class="sortable"', true],
    ]);
  });

  it('head their rows with the first cell, and have no value to sort by where there is none', () => {
    const rows = [[{ text: 'x', value: 2 }, { text: '-', value: Number.NaN }, 'words']];
    expect(htmlTable(['', 'b', 'c'], rows, { caption: 'own' })).toContain(
      '<tr><th scope="row" data-value="2">x</th><td>-</td><td>words</td></tr>',
    );
  });

  it('of means are left out where there is no result, and what failed where nothing did', async () => {
    const none = await pageOf([]);
    expect(none).not.toContain('<table');
    expect(none).not.toContain('Not measured');
    const failed = { ...resultOf([]), failures: [{ id: 'x', error: 'text' }] };
    expect(await pageOf([failed])).toContain('<h2>Not measured</h2>\n<ul><li>set, x: text</li></ul>');
  });
});

it('the gain of a picture is over the degraded one, or none', () => {
  expect(gainOf(picture('a', { before: scores(10), after: scores(30) }))).toBe(20);
  expect(gainOf(picture('a'))).toBe(0);
});

describe('pictures', () => {
  const previews = { after: 'after.webp', target: 'target.webp' };
  const gains = [3, -2, 0, 5, 1, -1];
  const records = gains.map((gain, i) =>
    picture(`p${i}`, { before: scores(20 + i), after: scores(20 + i + gain), previews }),
  );
  const shown = (html: string) => ({
    titles: [...html.matchAll(/<h3>(.*?)<\/h3>/g)].map(([, text]) => text),
    ids: [...html.matchAll(/<figcaption>(p\d):/g)].map(([, id]) => id),
  });

  it('are both ends of more than six, and of those that lost most as many as are asked for', async () => {
    const folder = await temporaryFolder();
    for (const name of Object.values(previews)) await writeFile(join(folder, name), name);
    expect(shown(await pageOf([resultOf(records)], { folder }))).toEqual({
      titles: ['All pictures, from the lowest PSNR'],
      // 19, 22, 23, 24, 25 and 28 dB.
      ids: ['p1', 'p2', 'p0', 'p5', 'p4', 'p3'],
    });
    expect(shown(await pageOf([resultOf(records)], { folder, worst: 3 }))).toEqual({
      titles: ['The 3 that lost most, or gained least'],
      ids: ['p1', 'p5', 'p2'],
    });
    expect(shown(await pageOf([resultOf(records.slice(0, 2))], { folder, worst: 3 }))).toEqual({
      titles: ['The 2 that lost most, or gained least'],
      ids: ['p1', 'p0'],
    });
    expect(shown(await pageOf([resultOf(records)], { worst: 3 }))).toEqual({ titles: [], ids: [] });
  });

  it('have the target at the left where there is no degraded one, and else a choice', async () => {
    const folder = await temporaryFolder();
    for (const name of ['before', 'after', 'target']) await writeFile(join(folder, `${name}.webp`), name);
    const uri = (text: string) => `data:image/webp;base64,${Buffer.from(text).toString('base64')}`;
    const given = await pageOf([resultOf([picture('p0', { previews })])], { folder });
    expect(given).toContain(
      `<img class="under" src="${uri('target')}" data-other="${uri('target')}" alt="p0, target">`,
    );
    expect(given).not.toContain('type="checkbox"');
    expect(given).toContain('<figcaption>p0: 20.00 dB, SSIM 0.2000</figcaption>');
    const all = { ...previews, before: 'before.webp' };
    const restored = await pageOf([resultOf([picture('p0', { previews: all, before: scores(10) })])], { folder });
    expect(restored).toContain(`src="${uri('before')}" data-other="${uri('target')}" alt="p0, degraded">`);
    expect(restored).toContain('type="checkbox"');
  });

  it('are the middles of large ones, pixel for pixel', async () => {
    const folder = await temporaryFolder();
    const [large, small] = [patternPicture(600, 400), patternPicture(60, 40)].map(toRaster);
    if (!large || !small) throw new Error('expected two pictures');
    const files = await savePreviews(folder, 'own', { after: large, target: small });
    expect(files).toEqual({ after: join('previews', 'own-after.webp'), target: join('previews', 'own-target.webp') });
    const read = (file: string) => sharp(join(folder, file)).raw().toBuffer({ resolveWithObject: true });
    const [after, target] = await Promise.all([read(files.after), read(files.target)]);
    expect([after.info.width, after.info.height, target.info.width, target.info.height]).toEqual([480, 360, 60, 40]);
    // 60 pixels are left out at the left, and 20 above; the file is lossy.
    const whole = patternPicture(600, 400).data;
    const errors = Array.from(after.data, (value, i) => {
      const [pixel, channel] = [Math.floor(i / 3), i % 3];
      const from = (20 + Math.floor(pixel / 480)) * 600 + 60 + (pixel % 480);
      return Math.abs(value - (whole[3 * from + channel] ?? 0));
    });
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(4);
    expect(await savePreviews(folder, 'own', { before: small, after: small, target: small })).toHaveProperty('before');
  });
});
