import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { fakeModel } from '../../../test/support/fake-model.ts';
import { patternPicture, temporaryFolder } from '../../../test/support/pictures.ts';
import { runCli } from '../../../test/support/run-cli.ts';
import { encodeImage } from '../../image/image-encode.ts';
import { parseExperiment } from './config.ts';
import { fittedLayer } from './sets.ts';
import { merged, trainingOf } from './training.ts';

const CONFIGS = fileURLToPath(new URL('../../../configs/experiments', import.meta.url));
const configs = readdirSync(CONFIGS).filter((name) => name.endsWith('.json'));

describe.each(configs)('configs/experiments/%s', (name) => {
  const config = parseExperiment(JSON.parse(readFileSync(join(CONFIGS, name), 'utf8')), name);

  it('names its sets and runs once, and no set that it does not have', () => {
    if (config.kind !== 'comparison') return;
    const names = (list: readonly { name: string }[]) => list.map((entry) => entry.name);
    expect(new Set(names(config.sets)).size).toBe(config.sets.length);
    expect(new Set(names(config.runs)).size).toBe(config.runs.length);
    for (const run of config.runs) for (const set of run.sets ?? []) expect(names(config.sets)).toContain(set);
  });

  it('trains with configurations that are valid', async () => {
    if (config.kind !== 'comparison') return;
    for (const run of config.runs) {
      if (run.train && config.training) await trainingOf(run, config.training, CONFIGS);
    }
  });
});

it('merges configurations: objects are merged, the rest is replaced, and one length of a run replaces the other', () => {
  expect(merged({ a: { b: 1, c: [1, 2] }, minutes: 5 }, { a: { c: [3] }, steps: 7 })).toEqual({
    a: { b: 1, c: [3] },
    steps: 7,
  });
});

it('lays rain over a picture of another shape upright, repeated beyond its edges', () => {
  const layer = { width: 3, height: 2, data: Float32Array.of(0, 1, 2, 3, 4, 5) };
  expect([...fittedLayer(layer, { width: 2, height: 3 }).data]).toEqual([0, 1, 3, 4, 0, 1]);
  expect([...fittedLayer(layer, { width: 4, height: 1 }).data]).toEqual([0, 1, 2, 0]);
});

let root = '';
const at = (...parts: string[]) => join(root, ...parts);

async function save(path: string, side: number, change: (value: number) => number = (value) => value): Promise<void> {
  const picture = patternPicture(side, side);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(
    path,
    await encodeImage({ ...picture, data: Uint8Array.from(picture.data, change) }, { format: 'png' }),
  );
}

beforeAll(async () => {
  root = await temporaryFolder();
  for (const i of [1, 2, 3]) {
    await save(at('data/clean', `photo${i}.png`), 64 + 8 * i, (value) => 40 + value / 2);
    const layer = Buffer.from(Uint8Array.from({ length: 64 * 48 }, (_, k) => (k % (7 + i) === 0 ? 60 : 0)));
    await mkdir(at('data/layers'), { recursive: true });
    await sharp(layer, { raw: { width: 64, height: 48, channels: 1 } })
      .png()
      .toFile(at('data/layers', `${i}.png`));
    await save(at('data/haze/clear', `000${i}.png`), 80);
    // I = J t + A (1 - t) with t = 0.6 and A = 0.9.
    await save(at('data/haze/hazy', `000${i}_0.9_0.1.png`), 80, (value) => 0.6 * value + 0.4 * 0.9 * 255);
  }
  await writeFile(
    at('data/captions.tsv'),
    'file\tcaption\nclean/photo1.png\twaves\nclean/photo2.png\tmore waves\nclean/photo3.png\tother waves\n',
  );
});

const noise = { kind: 'noise', name: 'noise 25', clean: 'clean', sigma: 25 };
const rain = { kind: 'rain-layers', name: 'rain', clean: 'clean', layers: 'layers', heldBack: 2 };
const haze = { kind: 'haze-pairs', name: 'haze', folder: 'haze', heldBack: 1 };
const composites = { clean: 'clean', layers: 'layers', haze: 'haze', heldBack: 2, pictures: 2, centre: 64 };

/** Runs an experiment with a stand-in for the model; the folder it wrote. */
async function experiment(name: string, config: object, code = 0, model = fakeModel()) {
  await writeFile(at(`${name}.json`), JSON.stringify({ title: name, metrics: 'psnr,ssim', ...config }));
  const run = await runCli(['experiment', at(`${name}.json`), '-o', at(name), '--data', at('data')], { model });
  expect(run.code, run.stderr).toBe(code);
  const results = JSON.parse(await readFile(at(name, 'results.json'), 'utf8')) as {
    tables: { title: string; titles: string[]; rows: string[][] }[];
    missing: string[];
    results: { name: string; count: number; mean: { psnr: number }; pictures: { prompt: string }[] }[];
  };
  return { run, results, files: (await readdir(at(name))).sort(), model };
}

describe('experiments', () => {
  it('compare runs on sets; what is not there costs its row only', async () => {
    await writeFile(at('own.tsv'), [1, 2, 3].map((i) => `photo${i}.png\tgrainy waves\n`).join(''));
    const { results, run, files } = await experiment('compare', {
      kind: 'comparison',
      sets: [
        noise,
        rain,
        haze,
        { kind: 'clean', name: 'clean', clean: 'clean', centre: 48 },
        { kind: 'jpeg', name: 'jpeg', clean: 'clean', quality: 40 },
        { kind: 'data', name: 'elsewhere', folder: 'missing' },
      ],
      runs: [
        { name: 'plain' },
        { name: 'captioned', prompts: 'captions', captions: 'captions.tsv', sets: ['noise 25', 'haze'] },
        { name: 'seen degraded', prompts: 'degraded-captions', captions: './own.tsv', sets: ['noise 25'] },
      ],
    });
    expect(results.tables.map(({ title }) => title)).toEqual([
      'noise 25',
      'rain',
      'haze',
      'clean',
      'jpeg',
      'Difference from: plain',
    ]);
    expect(results.tables[0]?.rows.map(([name]) => name)).toEqual(['degraded', 'plain', 'captioned', 'seen degraded']);
    const [first, second] = results.results;
    expect([first?.name, first?.count, second?.name, second?.count]).toEqual(['noise 25, plain', 3, 'rain, plain', 2]);
    // The stand-in smooths: noise goes.
    expect(Number(results.tables[0]?.rows[1]?.[1])).toBeGreaterThan(Number(results.tables[0]?.rows[0]?.[1]) + 3);
    expect(
      results.results.find(({ name }) => name === 'noise 25, captioned')?.pictures.map(({ prompt }) => prompt),
    ).toEqual(['waves', 'more waves', 'other waves']);
    expect(results.results.at(-1)?.pictures.map(({ prompt }) => prompt)).toEqual(Array(3).fill('grainy waves'));
    expect(results.missing).toHaveLength(2);
    expect(run.stdout).toMatch(/elsewhere: not available/);
    expect(run.stdout).toMatch(/haze, captioned: not available .*caption for every picture/);
    expect(files).toEqual(expect.arrayContaining(['report.html', 'results.json', 'tables.md', 'results.jsonl']));
    expect(results).toMatchObject({ weights: 'fake ffffffffffff', date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) });
  });

  it('train models of their own, count them, and draw their training', async () => {
    const tasks = { clean: 0, noise: 1, rain: 0, haze: 0, composite: 0 };
    const base = {
      preset: 'tiny',
      // Below the configuration's data folder, which is called `data`: the command's is used.
      data: { roots: { photos: ['data/clean'] }, tasks, patch: 16 },
      batch: 2,
      steps: 40,
      validation: { photos: ['data/clean'], samples: 2, every: 1 },
      threads: 1,
    };
    await writeFile(at('base.json'), JSON.stringify(base));
    const config = {
      kind: 'comparison',
      sets: [{ ...noise, limit: 1 }],
      runs: [
        { name: 'one', train: {} },
        { name: 'two', train: { steps: 2, data: { noise: { sigma: [10, 20] } } } },
      ],
      training: { config: 'base.json', overrides: { steps: 1 } },
      count: 32,
      curves: true,
    };
    const { results, files } = await experiment('trained', config);
    const sizes = results.tables.find(({ title }) => title === 'Size and cost');
    expect(sizes?.rows.map(([name]) => name)).toEqual(['one', 'two']);
    expect(Number(sizes?.rows[0]?.[1])).toBeGreaterThan(Number(sizes?.rows[0]?.[2]));
    expect(Number(sizes?.rows[0]?.[4])).toBeGreaterThan(0);
    expect(files).toEqual(expect.arrayContaining(['training-all.svg', 'training-noise.svg']));
    const weights = at('trained/runs/two/model.safetensors');
    const { mtimeMs } = await stat(weights);
    await experiment('trained', config);
    expect((await stat(weights)).mtimeMs).toBe(mtimeMs);
  });

  it('sweep steps and samplers, and go on without doing anything twice', async () => {
    const config = {
      kind: 'steps',
      sets: [{ ...noise, limit: 1, centre: 64 }],
      steps: [1, 4],
      samplers: ['mars-sde-1', 'ode'],
    };
    const first = await experiment('sweep', config);
    expect(first.model.calls.length).toBe(2 * (1 + 4));
    expect(first.results.tables[0]).toMatchObject({ title: 'noise 25: PSNR', titles: ['steps', '1', '4'] });
    expect(first.results.tables[0]?.rows.map(([name]) => name)).toEqual(['mars-sde-1', 'ode']);
    expect(first.files).toEqual(expect.arrayContaining(['steps-noise-25-psnr.svg', 'steps-noise-25-ssim.svg']));
    const again = await experiment('sweep', config);
    expect(again.model.calls.length).toBe(0);
    expect(again.results.tables).toEqual(first.results.tables);
  });

  it('measure prompts for a part of the degradations against none and wrong ones', async () => {
    const { results, model } = await experiment('prompts', { kind: 'prompts', composites, sigma: 25 });
    const [totals, parts] = results.tables;
    expect(totals?.rows.map(([name]) => name)).toEqual([
      'noise + rain',
      'noise + haze',
      'rain + haze',
      'noise + rain + haze',
    ]);
    // Two parts of each pair, six of the triple; two pictures each.
    expect(totals?.rows.map(([, count]) => count)).toEqual(['4', '4', '4', '12']);
    expect(parts?.rows).toHaveLength(12);
    // The stand-in hears nothing: no prompt is better than another.
    for (const row of totals?.rows ?? []) expect(row.slice(-3)).toEqual(['0.00', '0.00', '0.00']);
    const prompts = results.results.flatMap(({ pictures }) => pictures.map(({ prompt }) => prompt));
    expect(new Set(prompts).size).toBeGreaterThan(10);
    // The network is told what they ask for: each proper part of the three; nothing, where what stays is not there (the stand-in
    // finds noise alone).
    expect([...new Set(model.prompts)].sort()).toEqual([
      '',
      'remove the haze',
      'remove the noise',
      'remove the rain',
      'remove the rain and the haze',
    ]);
  });

  it('test the controller on every combination', async () => {
    const { results, files } = await experiment('controller', { kind: 'controller', composites, sigmas: [25] });
    const [confusion, measures] = results.tables;
    // The stand-in finds noise in everything.
    const column = confusion?.titles.indexOf('noise') ?? 0;
    for (const row of confusion?.rows ?? []) expect(row[column]).toBe('100');
    expect(measures?.rows.find(([name]) => name === 'noise')?.slice(1, 3)).toEqual(['100.0', '100.0']);
    expect(measures?.rows.find(([name]) => name === 'rain')?.slice(1, 3)).toEqual(['0.0', '0.0']);
    expect(files).toEqual(expect.arrayContaining(['calibration.svg', 'strength.svg']));
  });

  it('refuse unknown names and keys', async () => {
    const unknown = await runCli(['experiment', 'table99', '-o', at('none')]);
    expect(unknown.stderr).toMatch(/INPUT_NOT_FOUND.*table99\.json/);
    await writeFile(
      at('wrong.json'),
      JSON.stringify({ kind: 'steps', title: 'x', sets: [noise], steps: [0], speed: 1 }),
    );
    const wrong = await runCli(['experiment', at('wrong.json'), '-o', at('none')]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/steps\.0.*speed/);
  });
});
