/** The numbers of a comparison of models, from results that are written down here. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/pictures.ts';
import {
  contestSections,
  contestTable,
  differenceTable,
  type Entrant,
  mostMemory,
  pairedDifferences,
  secondsPerMegapixel,
} from './contest.ts';
import type { EvaluationResult } from './evaluate.ts';
import type { PictureRecord } from './journal.ts';
import { meanScores, type Scores } from './scores.ts';

const scores = (psnr: number): Scores => ({ psnr, ssim: psnr / 100, psnrLuma: psnr + 2, ssimLuma: psnr / 50 });

/** 0.5 megapixels in 0.25 seconds, unless it says otherwise. */
const picture = (id: string, psnr: number, more: Partial<PictureRecord> = {}): PictureRecord => ({
  ...{ kind: 'picture', key: 'k', id, input: `${id}.in`, target: `${id}.gt`, prompt: '' },
  ...{ width: 1000, height: 500, seconds: 0.25, after: scores(psnr), ...more },
});

function entrant(name: string, pictures: readonly PictureRecord[], more: Partial<EvaluationResult> = {}): Entrant {
  const mean = meanScores(pictures.map(({ after }) => after));
  const result = { name: 'set', pictures, failures: [], mean, unavailable: {}, resumed: 0, secondsEach: 0.25, ...more };
  return { name, hash: 'f'.repeat(64), result };
}

const first = entrant('first', [picture('a', 20), picture('b', 30), picture('c', 25)]);
/** Better by 1 and 4 dB; it could not restore c, and has one that the first has not. */
const later = entrant('later', [picture('a', 21), picture('b', 34), picture('d', 50)]);

describe('paired differences', () => {
  it('are means with their 95 % intervals over the pictures of both, later minus first', () => {
    // Of 1 and 4: variance 4.5; 1.96 sqrt(4.5) / sqrt(2).
    const interval = 1.96 * 1.5;
    const about = { model: 'later', from: 'first', pictures: 2 };
    const near = (value: number) => expect.closeTo(value, 10);
    expect(pairedDifferences([first, later])).toEqual([
      { ...about, score: 'psnr', mean: near(2.5), interval: near(interval) },
      { ...about, score: 'ssim', mean: near(0.025), interval: near(interval / 100) },
      { ...about, score: 'psnrLuma', mean: near(2.5), interval: near(interval) },
      { ...about, score: 'ssimLuma', mean: near(0.05), interval: near(interval / 50) },
    ]);
  });

  it('are those of every model from every one before it', () => {
    const third = entrant('third', [picture('a', 22), picture('b', 31)]);
    const psnr = pairedDifferences([first, later, third]).filter(({ score }) => score === 'psnr');
    expect(psnr.map(({ model, from, mean }) => [model, from, mean])).toEqual([
      ['later', 'first', 2.5],
      ['third', 'first', 1.5],
      ['third', 'later', -1],
    ]);
  });

  it('need two pictures', () => {
    const alone = entrant('alone', [picture('a', 22)]);
    expect(pairedDifferences([first, alone])).toEqual([]);
    expect(pairedDifferences([first])).toEqual([]);
  });

  it('have one digit more than the scores', () => {
    const { titles, rows } = differenceTable([first, later]);
    expect(titles).toEqual(['', 'measure', 'mean difference', '± 95 %', 'pictures']);
    expect(rows).toEqual([
      ['later - first', 'PSNR', '2.500', '2.940', '2'],
      ['later - first', 'SSIM', '0.02500', '0.02940', '2'],
      ['later - first', 'PSNR (Y)', '2.500', '2.940', '2'],
      ['later - first', 'SSIM (Y)', '0.05000', '0.05880', '2'],
    ]);
  });
});

describe('time and memory', () => {
  it('are seconds over all megapixels together, and the most megabytes of any picture', () => {
    const small = picture('s', 20, { width: 2000, height: 100, seconds: 1.5, memory: 300 });
    const large = picture('l', 20, { width: 3000, height: 600, seconds: 0.5, memory: 200 });
    // 2 seconds for 0.2 + 1.8 megapixels; the mean of the two pictures would be 3.9.
    expect(secondsPerMegapixel([small, large])).toBe(1);
    expect([mostMemory([small, large]), mostMemory([large, small])]).toEqual([300, 300]);
    expect(mostMemory([picture('none', 20), large])).toBe(200);
    expect(mostMemory([picture('none', 20)])).toBeUndefined();
    // Less than any real one: what is known is shown, whatever it is.
    expect(mostMemory([picture('least', 20, { memory: 0 })])).toBe(0);
  });
});

describe('the table', () => {
  it('has a column for every model, and one for the degraded pictures where they are known', () => {
    const known = entrant('known', [picture('a', 20, { memory: 120 }), picture('b', 30)], {
      ...{ before: { psnr: 12, ssim: 0.5 }, fid: 3.456, secondsEach: 0.25 },
    });
    const { titles, rows } = contestTable([known, later]);
    expect(titles).toEqual(['', 'degraded', 'known', 'later']);
    expect(rows).toEqual([
      ['PSNR', '12.00', '25.00', '35.00'],
      ['SSIM', '0.5000', '0.2500', '0.3500'],
      ['PSNR (Y)', '-', '27.00', '37.00'],
      ['SSIM (Y)', '-', '0.5000', '0.7000'],
      ['FID', '-', '3.46', '-'],
      ['pictures', '-', '2', '3'],
      ['s a picture', '-', '0.25', '0.25'],
      ['s a megapixel', '-', '0.50', '0.50'],
      ['MB of memory', '-', '120', '-'],
    ]);
    const plain = contestTable([first, later]);
    expect(plain.titles).toEqual(['', 'first', 'later']);
    expect(plain.rows.map(([title]) => title)).not.toContain('FID');
    expect(plain.rows[0]).toEqual(['PSNR', '25.00', '35.00']);
  });
});

describe('the sections', () => {
  const previews = { before: 'before.webp', after: 'after.webp', target: 'target.webp' };
  const folder = temporaryFolder().then(async (path) => {
    for (const file of Object.values(previews)) await writeFile(join(path, file), file);
    return path;
  });
  const dataOf = (file: string) => `data:image/webp;base64,${Buffer.from(file).toString('base64')}`;
  const sectionsOf = async (...entrants: Entrant[]) =>
    (await contestSections(entrants, await folder)) as [string, string];
  const captions = (html: string) => [...html.matchAll(/<figcaption>(.*?)<\/figcaption>/g)].map(([, text]) => text);

  it('have a row for every picture that a model restored, those first on which the models differ most', async () => {
    const slow = { width: 200, height: 100, seconds: 0.05, memory: 77 };
    const fast = entrant('fast', [picture('a', 20, slow), picture('b', 30), picture('c', 25)]);
    const [models, pictures] = await sectionsOf(fast, later);
    expect(models).toContain('Paired differences, picture by picture');
    const rows = [...pictures.matchAll(/<tr>(<th scope="row".*?)<\/tr>/g)].map(([, row = '']) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell]) => cell),
    );
    const none = Array(5).fill('-');
    const usual = ['0.25', '0.50', '-'];
    expect(rows).toEqual([
      ['b', '1000x500', '30.00', '0.3000', ...usual, '34.00', '0.3400', ...usual],
      // 0.05 seconds for 0.02 megapixels.
      ['a', '200x100', '20.00', '0.2000', '0.05', '2.50', '77', '21.00', '0.2100', ...usual],
      ['c', '1000x500', '25.00', '0.2500', ...usual, ...none],
      ['d', '1000x500', ...none, '50.00', '0.5000', ...usual],
    ]);
    // Cells sort by their values; those without have none.
    expect(pictures).toContain('<td data-value="20000">200x100</td>');
    expect(pictures).toContain('<td data-value="2.5">2.50</td>');
    expect(pictures).toContain('<td>-</td>');
  });

  it('have no paired differences of one model', async () => {
    const [models] = await sectionsOf(first);
    expect(models).not.toContain('Paired differences');
  });

  it('have a slider between any two of degraded, results and target', async () => {
    const [, html] = await sectionsOf(
      entrant('one & two', [picture('a', 20, { previews })]),
      // Its result is gone: it is not among the choices.
      entrant('gone', [picture('a', 21, { previews: { ...previews, after: 'gone.webp' } })]),
    );
    expect(html.match(/<figure /g)).toHaveLength(1);
    expect(html).toContain(`<img class="under" src="${dataOf('before.webp')}" alt="a, left">`);
    expect(html).toContain(`<img class="over" src="${dataOf('after.webp')}" alt="a, right">`);
    const options = '<option{0}>degraded</option><option{1}>one &amp; two</option><option>target</option></select>';
    const chosen = (i: number) => options.replace(`{${i}}`, ' selected').replace(/\{\d\}/, '');
    expect(html).toContain(`<select data-side="left" aria-label="left picture of a">${chosen(0)}`);
    expect(html).toContain(`<select data-side="right" aria-label="right picture of a">${chosen(1)}`);
    expect([...html.matchAll(/<img hidden alt="([^"]+)" src="([^"]+)">/g)].map(([, ...parts]) => parts)).toEqual([
      ['degraded', dataOf('before.webp')],
      ['one &amp; two', dataOf('after.webp')],
      ['target', dataOf('target.webp')],
    ]);
    expect(captions(html)).toEqual(['a: one &amp; two 20.00 dB, gone 21.00 dB']);
  });

  it('take the degraded picture and the target from a model that has them, and show no picture alone', async () => {
    const [, html] = await sectionsOf(
      entrant('without', [picture('a', 20), picture('b', 20)]),
      entrant('with', [
        picture('a', 21, { previews }),
        picture('b', 21, { previews: { after: 'after.webp', target: 'gone.webp' } }),
      ]),
    );
    expect(captions(html)).toEqual(['a: without 20.00 dB, with 21.00 dB']);
  });

  it('show twelve pictures, the most different ones first', async () => {
    const ids = Array.from({ length: 14 }, (_, i) => i + 1);
    const [, html] = await sectionsOf(
      entrant(
        'base',
        ids.map((i) => picture(`p${i}`, 20, { previews })),
      ),
      entrant(
        'more',
        ids.map((i) => picture(`p${i}`, 20 + i, { previews })),
      ),
    );
    expect(captions(html)).toEqual(
      ids
        .reverse()
        .slice(0, 12)
        .map((i) => `p${i}: base 20.00 dB, more ${20 + i}.00 dB`),
    );
  });
});
