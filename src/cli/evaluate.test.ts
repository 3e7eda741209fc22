import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fakeModel, fakePlain } from '../../test/support/fake-model.ts';
import { patternPicture, temporaryFolder } from '../../test/support/pictures.ts';
import { runCli } from '../../test/support/run-cli.ts';
import { writeFileAtomic } from '../atomic-file.ts';
import { encodeImage } from '../image/image-encode.ts';
import type { Picture } from '../image/picture.ts';

/** Every value one grey level brighter: 48.13 dB. */
function brighter(picture: Picture): Picture {
  return { ...picture, data: Uint8Array.from(picture.data, (value) => Math.min(255, value + 1)) };
}
const LEVEL = 20 * Math.log10(255);

let root = '';
const at = (...parts: string[]) => join(root, ...parts);
const save = async (path: string, picture: Picture) =>
  writeFileAtomic(path, await encodeImage(picture, { format: 'png' }));

beforeAll(async () => {
  root = await temporaryFolder();
  for (const [i, side] of [48, 64, 80].entries()) {
    const dark = patternPicture(side, 40);
    const clean = { ...dark, data: Uint8Array.from(dark.data, (value) => Math.floor(value / 2)) };
    await save(at('clean', `norain-00${i + 1}.png`), clean);
    await save(at('rainy', `rain-00${i + 1}.png`), brighter(clean));
  }
});

const base = ['--metrics', 'psnr,ssim'];

describe('clearword evaluate', () => {
  it('restores and scores pairs; --json prints one object with the means', async () => {
    // The stand-in takes one grey level away.
    const model = fakeModel({ predict: ({ mu }) => mu.map((value) => value - 1 / 255) });
    const run = await runCli(['evaluate', '--input', at('rainy'), '--target', at('clean'), '--json', ...base], {
      model,
    });
    expect(run.code, run.stderr).toBe(0);
    const [result, ...more] = run.json() as { mean: Record<string, number>; degraded: Record<string, number> }[];
    expect(more).toEqual([]);
    expect(result).toMatchObject({
      count: 3,
      failed: 0,
      mean: { psnr: 100 },
      model: 'fake',
      steps: 1,
      prompts: 'empty',
    });
    expect(result?.mean.ssim).toBeCloseTo(1, 6);
    expect(result?.degraded.psnr).toBeCloseTo(LEVEL, 3);
    expect(model.disposed).toBe(true);
    expect(run.loads).toHaveLength(1);
  });

  it('measures several models in one run: a column each, paired differences, a slider between all', async () => {
    const models = {
      exact: fakeModel({ predict: ({ mu }) => mu.map((value) => value - 1 / 255) }),
      same: fakePlain((tile) => tile.data),
      // One grey level too much, so that it is two away.
      worse: fakePlain((tile) => tile.data.map((value) => value + 1 / 255), 'd'.repeat(64)),
    };
    const folder = at('contest');
    const given = ['--model', 'exact', '--model', 'same', '--model', 'worse', '--seed', '3', '--steps', '1'];
    const pairs = ['--input', at('rainy'), '--target', at('clean'), '-o', folder, ...base];
    const run = await runCli(['evaluate', ...pairs, ...given, '--json'], { models });
    expect(run.code, run.stderr).toBe(0);
    expect(run.loads.map(({ model }) => model)).toEqual(['exact', 'same', 'worse']);
    const [result] = run.json() as [
      { models: { model: string; mean: { psnr: number } }[]; differences: Record<string, unknown>[] },
    ];
    expect(result.models.map(({ model }) => model)).toEqual(['fake', 'plain', 'plain']);
    expect(result.models.map(({ mean }) => mean.psnr)).toEqual([
      100,
      expect.closeTo(LEVEL, 3),
      expect.closeTo(LEVEL - 20 * Math.log10(2), 3),
    ]);
    const psnr = result.differences.filter(({ score }) => score === 'psnr');
    expect(psnr).toEqual([
      {
        model: 'plain',
        from: 'fake',
        score: 'psnr',
        mean: expect.closeTo(LEVEL - 100, 3),
        interval: expect.closeTo(0, 3),
        pictures: 3,
      },
      {
        model: 'plain (2)',
        from: 'fake',
        score: 'psnr',
        mean: expect.closeTo(LEVEL - 106.0206, 3),
        interval: expect.closeTo(0, 3),
        pictures: 3,
      },
      {
        model: 'plain (2)',
        from: 'plain',
        score: 'psnr',
        mean: expect.closeTo(-6.0206, 3),
        interval: expect.closeTo(0, 3),
        pictures: 3,
      },
    ]);
    const page = await readFile(join(folder, 'report.html'), 'utf8');
    expect(page.match(/<figure class="case contest">/g)).toHaveLength(3);
    expect(page).toContain('<option>plain (2)</option>');
    expect((await readdir(folder)).filter((name) => name.endsWith('.csv')).sort()).toEqual([
      'results-fake.csv',
      'results-plain-2.csv',
      'results-plain.csv',
    ]);
    const table = await runCli(['evaluate', ...pairs, ...given], { models });
    expect(table.stdout).toMatch(/s a megapixel/);
    expect(table.stdout).toMatch(/plain \(2\) - plain +PSNR +-6\.021/);
  });

  it('takes a plain network alone, and refuses steps for it', async () => {
    const pairs = ['--input', at('rainy'), '--target', at('clean'), ...base, '--model', 'same'];
    const models = { same: fakePlain((tile) => tile.data) };
    expect((await runCli(['evaluate', ...pairs, '--seed', '4'], { models })).code).toBe(0);
    const refused = await runCli(['evaluate', ...pairs, '--steps', '4'], { models });
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/expected no steps for the plain network/),
    ]);
  });

  it("scores another system's results with the same code, and loads no model for it", async () => {
    const run = await runCli(['evaluate', '--outputs', at('rainy'), '--target', at('clean'), ...base, '--json']);
    expect(run.code, run.stderr).toBe(0);
    const [result] = run.json() as [{ mean: Record<string, number>; pictures: { id: string }[] }];
    expect(result.mean.psnr).toBeCloseTo(LEVEL, 3);
    expect(result.mean.psnrLuma).toBeGreaterThan(LEVEL);
    expect(result.pictures.map(({ id }) => id)).toEqual(['rain-001', 'rain-002', 'rain-003']);
    expect(run.loads).toEqual([]);
  });

  it('adds noise by its seed: the same again, another for another seed', async () => {
    const score = async (...options: string[]) => {
      const given = ['evaluate', '--data', at('clean'), '--task', 'denoise', '--sigma', '25', '--json', ...base];
      const run = await runCli([...given, ...options]);
      expect(run.code, run.stderr).toBe(0);
      return (run.json()[0] as { degraded: { psnr: number } }).degraded.psnr;
    };
    const first = await score();
    // 20 log10(255 / 25), a little more because values are clipped.
    expect(first).toBeGreaterThan(20.1);
    expect(first).toBeLessThan(21.6);
    expect(await score()).toBe(first);
    expect(await score('--seed', '1')).not.toBe(first);
  });

  it('writes a report, JSON and CSV, and goes on after a stop without doing anything twice', async () => {
    const output = at('scores');
    const stop = new AbortController();
    let calls = 0;
    const stopping = fakeModel({
      predict: ({ mu }) => mu,
      onPredict: () => {
        if (++calls === 2) stop.abort();
      },
    });
    const command = ['evaluate', '--input', at('rainy'), '--target', at('clean'), '-o', output, ...base];
    const stopped = await runCli(command, { model: stopping, signal: stop.signal });
    expect(stopped.code).toBe(130);
    expect((await readdir(output)).includes('report.html')).toBe(false);
    // A line that was cut short by the stop does no harm.
    const journal = join(output, 'results.jsonl');
    const text = await readFile(journal, 'utf8');
    const measured = text.trim().split('\n').length;
    expect(measured).toBeLessThan(3);
    await writeFile(journal, `${text}{"kind":"pict`);

    const model = fakeModel({ predict: ({ mu }) => mu });
    const resumed = await runCli(command, { model });
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(model.calls.length).toBe(3 - measured);
    expect(resumed.stdout).toContain(`${measured} pictures were measured before`);
    expect((await readdir(output)).sort()).toEqual([
      'previews',
      'report.html',
      'results.csv',
      'results.json',
      'results.jsonl',
    ]);
    const csv = (await readFile(join(output, 'results.csv'), 'utf8')).trim().split('\r\n');
    expect(csv).toHaveLength(4);
    expect(csv[0]?.split(',').slice(0, 2)).toEqual(['id', 'input']);
    const html = await readFile(join(output, 'report.html'), 'utf8');
    expect(html).toContain('data:image/webp;base64,');
    // Nothing is fetched: no address, and a policy that forbids it.
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:\/\//);

    // Other settings are measured anew, in the same folder.
    for (const setting of [
      ['--crop', '16'],
      ['--precision', 'float16'],
    ]) {
      const again = fakeModel({ predict: ({ mu }) => mu });
      const other = await runCli([...command, ...setting], { model: again });
      expect(other.code, other.stderr).toBe(0);
      expect(again.calls.length, setting.join(' ')).toBe(3);
    }
  });

  it('says what is not available, and why', async () => {
    const run = await runCli([
      'evaluate',
      '--outputs',
      at('rainy'),
      '--target',
      at('clean'),
      '--lpips-weights',
      at('none.pth'),
    ]);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/LPIPS: not available \(.*none\.pth/);
    expect(run.stdout).toMatch(/FID: not available \(.*--fid-weights/);
  });

  it('measures the rest when a picture is damaged', async () => {
    await save(at('damaged', 'norain-001.png'), patternPicture(40, 40));
    await writeFile(at('damaged', 'norain-002.png'), 'no picture');
    const run = await runCli(['evaluate', '--outputs', at('damaged'), '--target', at('clean'), '--json', ...base]);
    expect(run.code).toBe(1);
    expect(run.json()[0]).toMatchObject({ count: 0, failed: 2 });
    expect(run.stderr).toMatch(/norain-001: error DATA_INVALID: expected pictures of one size, received 40x40/);
    expect(run.stderr).toMatch(/norain-002: error NOT_AN_IMAGE/);
  });

  it.each<[string[], RegExp]>([
    [[], /expected --data DIR, --input DIR --target DIR/],
    [['--target', 'clean'], /expected --sigma with clean pictures alone/],
    [['--target', 'clean', '--input', 'rainy', '--sigma', '5'], /--sigma or --input .* received both/],
    [['--data', 'clean', '--target', 'clean'], /received both/],
    [['--target', 'clean', '--input', 'rainy', '--metrics', 'psnr,vmaf'], /--metrics, received "vmaf"/],
    [['--target', 'clean', '--input', 'rainy', '--prompts', 'captions'], /expected --captions with --prompts captions/],
  ])('refuses %j', async (options, message) => {
    const given = options.map((option) => (option === 'clean' || option === 'rainy' ? at(option) : option));
    const run = await runCli(['evaluate', ...given]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(message);
  });
});
