/** The numbers of reports, tables, JSON and CSV, from results that are written down here. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import type { EvaluationResult } from '../evaluate.ts';
import type { PictureRecord } from '../journal.ts';
import { formatScore, markdownTable, meanTable, missingMetrics, resultCsv, resultJson, textTable } from '../outputs.ts';
import { meanScores, type Scores } from '../scores.ts';
import { histogram, lineChart } from './charts.ts';
import { reportPage } from './page.ts';

const scores = (psnr: number): Scores => ({ psnr, ssim: psnr / 100, psnrLuma: psnr + 2, ssimLuma: psnr / 50 });

/** A picture that was `before` dB and is `after` dB. */
function picture(id: string, before: number | undefined, after: number, prompt = ''): PictureRecord {
  return {
    ...{ kind: 'picture' as const, key: 'k', id, input: `${id}.in`, target: `${id}.gt`, prompt },
    ...{ width: 30, height: 20, seconds: 0.5 },
    ...(before !== undefined && { before: scores(before) }),
    after: scores(after),
  };
}

function resultOf(name: string, pictures: readonly PictureRecord[], more: Partial<EvaluationResult> = {}) {
  const before = pictures.flatMap((one) => one.before ?? []);
  const result: EvaluationResult = {
    ...{ name, pictures, failures: [], unavailable: {}, resumed: 0, secondsEach: 0.5 },
    mean: meanScores(pictures.map(({ after }) => after)),
    ...(before.length > 0 && { before: meanScores(before) }),
    ...more,
  };
  return result;
}

/** Gains 3, 3 and -1 dB: means 20 and 21.667. */
const rainy = resultOf('rain', [picture('a', 10, 13), picture('b', 20, 23, 'remove, "it"'), picture('c', 30, 29)]);
/** Another system's results, which were not restored here. */
const others = resultOf('others', [picture('x', undefined, 25)], { fid: 12.345, secondsEach: 0 });

/** Text of the cells of each row of the tables, by caption. */
function tablesOf(html: string): Map<string, string[][]> {
  const tables = [...html.matchAll(/<caption>(.*?)<\/caption>.*?<tbody>([\s\S]*?)<\/tbody>/g)];
  return new Map(
    tables.map(([, caption = '', body = '']) => [
      caption,
      [...body.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row = '']) =>
        [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell = '']) => cell),
      ),
    ]),
  );
}

describe('the report', () => {
  it('has means, their spread with the 95 % interval, and the gain of each picture', async () => {
    const html = await reportPage({ title: 'Rain & more', about: { model: 'm' }, results: [rainy] });
    expect(html).toContain('<h1>Rain &amp; more</h1>');
    expect(html).toContain('<dt>model</dt><dd>m</dd>');
    const tables = tablesOf(html);
    expect(tables.get('Mean over the pictures of each set')).toEqual([
      ['rain, degraded', '20.00', '0.2000', '22.00', '0.4000', '3', '-'],
      ['rain', '21.67', '0.2167', '23.67', '0.4333', '3', '0.50'],
    ]);
    // Of 13, 23 and 29: squared deviations 75.1, 1.8 and 53.8 over 2; times 1.96 / sqrt(3).
    const deviation = Math.sqrt((75.1111 + 1.7778 + 53.7778) / 2);
    const interval = (1.96 * deviation) / Math.sqrt(3);
    const spread = tables.get('Spread over the pictures');
    expect(spread?.[0]).toEqual([
      ...['PSNR', `21.67 ± ${interval.toFixed(2)}`, '23.00', deviation.toFixed(2), '13.00', '29.00'],
    ]);
    expect(spread?.map(([title]) => title)).toEqual(['PSNR', 'SSIM', 'PSNR (Y)', 'SSIM (Y)']);
    expect(tables.get('Every picture; the heads of the columns sort')).toEqual([
      ['a', '30x20', '13.00', '0.1300', '15.00', '0.2600', '10.00', '3.00', '0.50', ''],
      ['b', '30x20', '23.00', '0.2300', '25.00', '0.4600', '20.00', '3.00', '0.50', 'remove, &quot;it&quot;'],
      ['c', '30x20', '29.00', '0.2900', '31.00', '0.5800', '30.00', '-1.00', '0.50', ''],
    ]);
    // Cells sort by their values, not by their text.
    expect(html).toContain('<td data-value="-1">-1.00</td>');
    expect(html).toContain('<td data-value="600">30x20</td>');
  });

  it('draws each picture over its place by the degraded PSNR', async () => {
    const shuffled = { ...rainy, pictures: [...rainy.pictures].reverse() };
    const html = await reportPage({ title: 't', about: {}, results: [shuffled] });
    const points = [...html.matchAll(/<title>(result|degraded), (\d): ([\d.]+)<\/title>/g)].map(([, ...p]) => p.join());
    expect(points).toEqual([
      ...['result,1,13.000', 'result,2,23.000', 'result,3,29.000'],
      ...['degraded,1,10.000', 'degraded,2,20.000', 'degraded,3,30.000'],
    ]);
    expect(html).toContain('PSNR of each picture, by that of the degraded one');
  });

  it('has no gains where nothing was restored, and says what failed', async () => {
    const failed = { ...others, failures: [{ id: 'y', error: new Error('<broken>') }] };
    const html = await reportPage({ title: 't', about: {}, results: [failed] });
    expect(tablesOf(html).get('Mean over the pictures of each set')).toEqual([
      ['others', '25.00', '0.2500', '27.00', '0.5000', '12.35', '1', '0.00'],
    ]);
    expect(html).toContain('<li>others, y: &lt;broken&gt;</li>');
    expect(html).not.toContain('Gain');
    expect(html).toContain('PSNR of each picture, sorted');
    const none = await reportPage({ title: 't', about: {}, results: [resultOf('empty', [])] });
    expect(none).toContain('No picture was measured.');
  });
});

describe('pictures under a slider', () => {
  const previews = { before: 'before.webp', after: 'after.webp', target: 'target.webp' };
  /** Text of the captions below each title. */
  const shown = (html: string) =>
    [
      ...html.matchAll(
        /<h3>(.*?)<\/h3><div class="cases">([\s\S]*?)<\/div>\n*(?=<h3>|<table|<div class="table|<\/section>|$)/g,
      ),
    ].map(([, title = '', cases = '']) => [
      title,
      ...[...cases.matchAll(/<figcaption>(.*?)<\/figcaption>/g)].map(([, text]) => text),
    ]);
  const caption = (id: string, before: number, after: number, words = '') =>
    `${id}: ${before.toFixed(2)} → ${after.toFixed(2)} dB, SSIM ${(after / 100).toFixed(4)}${words}`;
  const pageOf = async (pictures: readonly PictureRecord[]) => {
    const folder = await temporaryFolder();
    for (const name of Object.values(previews)) await writeFile(join(folder, name), name);
    return shown(await reportPage({ title: 't', about: {}, results: [resultOf('set', pictures)], folder }));
  };

  it('are all of a few, from the lowest PSNR, with their words', async () => {
    const pictures = [picture('a', 10, 23, 'a "dog"'), picture('b', 20, 21)].map((one) => ({ ...one, previews }));
    expect(await pageOf(pictures)).toEqual([
      ['All pictures, from the lowest PSNR', caption('b', 20, 21), caption('a', 10, 23, ', “a &quot;dog&quot;”')],
    ]);
  });

  it('are the three at each end of many', async () => {
    const pictures = [26, 21, 25, 22, 27, 23, 24].map((after) => ({ ...picture(`p${after}`, 20, after), previews }));
    expect(await pageOf(pictures)).toEqual([
      ['Worst PSNR', ...[21, 22, 23].map((after) => caption(`p${after}`, 20, after))],
      ['Best PSNR', ...[27, 26, 25].map((after) => caption(`p${after}`, 20, after))],
    ]);
  });

  it('are left out where a preview is gone, or was never made', async () => {
    const gone = { ...picture('gone', 20, 22), previews: { ...previews, after: 'gone.webp' } };
    const lost = { ...picture('lost', 20, 22), previews: { ...previews, target: 'gone.webp' } };
    const whole = { ...picture('whole', 20, 25), previews };
    expect(await pageOf([gone, lost, whole, picture('none', 20, 21)])).toEqual([
      ['All pictures, from the lowest PSNR', caption('whole', 20, 25)],
    ]);
    expect(await pageOf([gone, lost])).toEqual([]);
  });
});

describe('tables', () => {
  it('of several results have a column for FID where one has it', () => {
    const { titles, rows } = meanTable([rainy, others]);
    expect(titles).toEqual(['', 'PSNR', 'SSIM', 'PSNR (Y)', 'SSIM (Y)', 'FID', 'pictures', 's each']);
    expect(rows).toEqual([
      ['rain, degraded', '20.00', '0.2000', '22.00', '0.4000', '-', '3', '-'],
      ['rain', '21.67', '0.2167', '23.67', '0.4333', '-', '3', '0.50'],
      ['others', '25.00', '0.2500', '27.00', '0.5000', '12.35', '1', '0.00'],
    ]);
  });

  it('as text and as Markdown', () => {
    expect(
      textTable(
        ['', 'dB'],
        [
          ['rain', '3.00'],
          ['n', '-12.50'],
        ],
      ),
    ).toBe(['          dB', '----  ------', 'rain    3.00', 'n     -12.50'].join('\n'));
    expect(markdownTable(['', 'dB'], [['rain', '3.00']])).toMatch(/\| rain +\| +3\.00 \|$/);
  });

  it('have a dash for what is not known', () => {
    expect([formatScore(undefined, 2), formatScore(Number.NaN, 2), formatScore(-0.125, 1)]).toEqual(['-', '-', '-0.1']);
    expect(
      missingMetrics([{ unavailable: { lpips: 'no weights' } }, { unavailable: { lpips: 'no weights' } }]),
    ).toEqual(['LPIPS: not available (no weights)']);
  });
});

describe('files', () => {
  it('JSON has means, statistics and every picture', () => {
    const json = resultJson(rainy, { device: 'cpu' }) as Record<string, unknown>;
    expect(json).toMatchObject({
      ...{ name: 'rain', device: 'cpu', count: 3, failed: 0, secondsEach: 0.5 },
      mean: { psnr: 65 / 3 },
      degraded: { psnr: 20 },
      statistics: { psnr: { mean: 65 / 3, median: 23, least: 13, most: 29, count: 3 } },
    });
    expect((json.pictures as unknown[])[2]).toEqual({
      ...{ id: 'c', input: 'c.in', target: 'c.gt', prompt: '', width: 30, height: 20, seconds: 0.5 },
      ...{ degraded: scores(30), scores: scores(29) },
    });
    expect(resultJson(others, {})).toMatchObject({ mean: { psnr: 25, fid: 12.345 } });
    expect(resultJson(others, {})).not.toHaveProperty('degraded');
  });

  it('CSV has a line a picture; no cell is a formula', () => {
    const lines = resultCsv(resultOf('r', [picture('=a', 10, 13, 'say "no", twice')])).split('\r\n');
    const names = ['psnr', 'ssim', 'psnrLuma', 'ssimLuma', 'lpips', 'niqe'];
    expect(lines[0]).toBe(
      ['id,input,target,prompt,width,height,seconds', ...names, ...names.map((n) => `degraded_${n}`)].join(','),
    );
    expect(lines[1]).toBe(`'=a,'=a.in,'=a.gt,"say ""no"", twice",30,20,0.5,13,0.13,15,0.26,,,10,0.1,12,0.2,,`);
    expect(lines.slice(2)).toEqual(['']);
  });
});

describe('charts', () => {
  const d = (svg: string) => [...svg.matchAll(/<path d="([^"]+)"/g)].map(([, path]) => path);

  it('place points on linear axes', () => {
    const svg = lineChart({
      ...{ title: 'T', xTitle: 'x', yTitle: 'y' },
      series: [
        {
          name: 's',
          points: [
            [0, 0],
            [5, 10],
            [10, 5],
          ],
        },
      ],
    });
    // 58 to 410 across, 276 up to 34.
    expect(d(svg)).toEqual(['M58,276L234,34L410,155']);
  });

  /** [x, y, text] of all labels. */
  const labels = (svg: string) =>
    [...svg.matchAll(/<text x="([^"]+)" y="([^"]+)"[^>]*>([^<]*)</g)].map(([, x, y, text]) => [
      Number(x),
      Number(y),
      text,
    ]);

  it('have numbers at their places along both axes, with lines across, titles and a legend', () => {
    const line = { name: 's', points: [[0, 0] as const, [10, 10] as const] };
    const svg = lineChart({ title: 'T', xTitle: 'x', yTitle: 'y', series: [line, { ...line, name: 'u' }] });
    expect(svg).toContain('viewBox="0 0 560 320" width="560" height="320"');
    const ticks = [0, 2, 4, 6, 8, 10];
    expect(labels(svg)).toEqual([
      [58, 20, 'T'],
      // 242 of the height for ten, four below the line; 352 of the width for ten.
      ...ticks.map((tick) => [52, expect.closeTo(280 - 24.2 * tick, 1), String(tick)]),
      ...ticks.map((tick) => [expect.closeTo(58 + 35.2 * tick, 1), 294, String(tick)]),
      [234, 312, 'x'],
      [14, 155, 'y'],
      [450, 46, 's'],
      [450, 64, 'u'],
    ]);
    expect(svg).toContain('rotate(-90 14 155)');
    const lines = [...svg.matchAll(/<line x1="([^"]+)" x2="([^"]+)" y1="([^"]+)" y2="([^"]+)"/g)];
    expect(lines.map(([, ...ends]) => ends.map(Number))).toEqual([
      ...ticks.map((tick) => {
        const y = expect.closeTo(276 - 24.2 * tick, 1);
        return [58, 410, y, y];
      }),
      [422, 444, 42, 42],
      [422, 444, 60, 60],
    ]);
    const dots = [...svg.matchAll(/<circle cx="([^"]+)" cy="([^"]+)" r="3" fill="([^"]+)"><title>([^<]+)</g)];
    expect(dots.map(([, x, y, ...rest]) => [Number(x), Number(y), ...rest])).toEqual([
      [58, 276, 'var(--series-0)', 's, 0: 0.0000'],
      [410, 34, 'var(--series-0)', 's, 10: 10.000'],
      [58, 276, 'var(--series-1)', 'u, 0: 0.0000'],
      [410, 34, 'var(--series-1)', 'u, 10: 10.000'],
    ]);
  });

  it('have numbers between whole ones where there are any, and no dots of more than forty points', () => {
    const below = (xs: readonly number[]) => {
      const points = xs.map((x) => [x, 1] as const);
      const svg = lineChart({ title: 'T', xTitle: 'x', yTitle: 'y', series: [{ name: 's', points }] });
      const texts = labels(svg).filter(([, y]) => y === 294);
      return { texts: texts.map(([, , text]) => text), dots: (svg.match(/<circle/g) ?? []).length };
    };
    expect(below([1, 2]).texts).toEqual(['1', '2']);
    expect(below([1, 1.5, 2]).texts).toEqual(['1', '1.2', '1.4', '1.6', '1.8', '2']);
    expect(below(Array.from({ length: 40 }, (_, i) => i)).dots).toBe(40);
    expect(below(Array.from({ length: 41 }, (_, i) => i)).dots).toBe(0);
  });

  it('of values that are all the same have room beside them', () => {
    const svg = histogram({ title: 'T', xTitle: 'x', series: [{ name: 's', values: [3, 3, Number.NaN] }] });
    const below = labels(svg).filter(([, y]) => y === 294);
    expect(below.map(([x, , text]) => [x, text])).toEqual(
      [0, 1, 2, 3, 4, 5].map((i) => [expect.closeTo(58 + 70.4 * i, 1), `${(3 + i / 5).toFixed(1)}`]),
    );
    // Whole numbers of pictures only, without the halves between.
    const beside = labels(svg).filter(([x]) => x === 52);
    expect(beside).toEqual([
      [52, 280, '0'],
      [52, 159, '1'],
      [52, 38, '2'],
    ]);
  });

  it('leave gaps for what is not finite, and say when there is nothing', () => {
    const points = [
      [0, 0],
      [1, 10],
      [2, Number.NaN],
      [3, 10],
      [4, 0],
    ] as const;
    const [path] = d(lineChart({ title: 'T', xTitle: 'x', yTitle: 'y', series: [{ name: 's', points }] }));
    expect(path?.match(/M/g)).toHaveLength(2);
    expect(lineChart({ title: 'T', xTitle: 'x', yTitle: 'y', series: [] })).toContain('no values');
    expect(histogram({ title: 'T', xTitle: 'x', series: [] })).toContain('no values');
  });

  it('space given places evenly, whatever their values', () => {
    const points = [
      [1, 0],
      [4, 10],
      [100, 0],
    ] as const;
    const places = [1, 4, 100];
    const [path] = d(lineChart({ title: 'T', xTitle: 'x', yTitle: 'y', places, series: [{ name: 's', points }] }));
    expect(path).toBe('M66,276L234,34L402,276');
  });

  it('count values into twenty parts', () => {
    const svg = histogram({ title: 'T', xTitle: 'x', series: [{ name: 's', values: [0, 0.4, 1, 19.9, 20] }] });
    const heights = [...(d(svg)[0]?.matchAll(/[ML][\d.]+,([\d.]+)H/g) ?? [])].map(([, y]) => (276 - Number(y)) / 242);
    // 0 and 0.4 in the first, 1 in the second, 19.9 and 20 in the last.
    expect(heights.map((height) => Math.round(2 * height))).toEqual([2, 1, ...Array(17).fill(0), 2]);
    // Each part is 352 / 20 wide; the outline goes back along the axis.
    const edges = Array.from({ length: 20 }, (_, i) => [58 + 17.6 * i, 58 + 17.6 * (i + 1)].map((x) => x.toFixed(1)));
    const steps = [...(d(svg)[0]?.matchAll(/[ML]([\d.]+),[\d.]+H([\d.]+)(?=[LV])/g) ?? [])].map(([, ...ends]) => ends);
    expect(steps).toEqual(edges);
    expect(d(svg)[0]).toMatch(/^M.*V276H58Z$/);
  });
});
