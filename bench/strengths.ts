/**
 * Strengths: what the bundled model reports of pictures whose strength is known, and whether it would restore better if it were
 * told more or less than it reports. The tables of docs/quality.md.
 *
 *   npx tsx bench/strengths.ts [--data data] [--pictures 8] [--threads 0]
 *
 * The second table restores the middle of the pictures of each set of the experiment `photographs`, asked for in words, once as
 * it does by itself and then with the reported strength times each factor, as a user may set it.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Clearword } from '../src/clearword.ts';
import { listPictures } from '../src/data/dataset.ts';
import { wordsFor } from '../src/degradations/index.ts';
import type { PhotographSet } from '../src/evaluate/experiments/config.ts';
import { promptOf } from '../src/evaluate/experiments/photographs.ts';
import { openSet, type SetConfig } from '../src/evaluate/experiments/sets.ts';
import { toBytes } from '../src/image/picture.ts';
import type { Raster } from '../src/image/raster.ts';
import { findingOf } from '../src/models/model.ts';
import { describeMachine, machine } from './machine.ts';
import { degradedSets, restoredPsnr } from './photograph-sets.ts';
import { median } from './statistics.ts';
import { markdownTable } from './table.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: 'data' },
    pictures: { type: 'string', default: '8' },
    threads: { type: 'string', default: '0' },
  },
});
const SEED = 2026;
const CENTRE = 256;
const limit = Number(values.pictures);
const clearword = await Clearword.load({ threads: Number(values.threads) });

/** Median of the strengths, 0..1, that are reported of pictures, however they come. */
async function reported(name: string, pictures: AsyncIterable<Raster | string>): Promise<number> {
  const strengths: number[] = [];
  for await (const picture of pictures) {
    const findings = await clearword.inspect(typeof picture === 'string' ? picture : toBytes(picture));
    strengths.push(findingOf(findings, name).strength);
  }
  return median(strengths);
}

/** The degraded pictures of a set, changed by `change` if there is one. */
async function* inputsOf(set: SetConfig, change = (input: Raster, _target: Raster): Raster => input) {
  const { cases } = await openSet({ ...set, limit }, values.data, SEED);
  for (const { load } of cases) {
    const { input, target } = await load();
    yield change(input, target);
  }
}

const half = (input: Raster, target: Raster): Raster => ({
  ...input,
  data: input.data.map((value, i) => (value + (target.data[i] as number)) / 2),
});

/** Pictures with so many stops less light, and nothing else: light is x^2.2. */
const darkened = (stops: number) =>
  inputsOf({ kind: 'clean', ...kodak }, (input) => ({
    ...input,
    data: input.data.map((value) => value * 2 ** (-stops / 2.2)),
  }));

async function* hazy(scattering: string) {
  const files = await listPictures(join(values.data, 'haze', 'hazy'), 'haze');
  const named = files.filter((file) => file.replace(/\.\w+$/, '').endsWith(`_${scattering}`));
  if (named.length === 0) throw new Error(`expected pictures of scattering ${scattering} in haze/hazy, found none`);
  yield* named.slice(0, limit);
}

const common = { name: 'pictures', crop: 'none' } as const;
const kodak = { ...common, clean: 'test/kodak24' };
const layers = (folder: string): SetConfig => ({
  kind: 'rain-layers',
  ...common,
  clean: 'validation',
  layers: folder,
  heldBack: 20,
});
const genuine = (folder: string): SetConfig => ({ kind: 'data', ...common, folder, task: 'any' });

type Known = readonly [strength: string, pictures: AsyncIterable<Raster | string>];
const known: Readonly<Record<string, readonly Known[]>> = {
  noise: [5, 10, 15, 25, 35, 50].map((sigma) => [`sigma ${sigma}`, inputsOf({ kind: 'noise', ...kodak, sigma })]),
  rain: [
    ['Rain100L layers at half brightness', inputsOf(layers('rain-layers'), half)],
    ['Rain100L layers', inputsOf(layers('rain-layers'))],
    ['Rain800', inputsOf(genuine('real/heavy-rain-validation'))],
    ['Rain100H layers', inputsOf(layers('rain-layers-heavy'))],
  ],
  haze: ['0.08', '0.12', '0.16', '0.2'].map((scattering) => [`scattering ${scattering}`, hazy(scattering)]),
  darkness: [
    ...[0.5, 1, 2, 3, 4].map((stops): Known => [`${stops} stops`, darkened(stops)]),
    ['LOL', inputsOf(genuine('real/low-light-validation'))],
  ],
  compression: [80, 70, 50, 30, 20, 10, 5].map((quality) => [
    `quality ${quality}`,
    inputsOf({ kind: 'jpeg', ...kodak, quality }),
  ]),
};

/** Factors on what is reported; the first is what the program does by itself. */
const FACTORS = [undefined, 0.8, 1, 1.25, 1.5, 2] as const;

/** Mean PSNR in dB for each factor; none where a picture's strength would be beyond the scale. */
async function byFactor(set: PhotographSet): Promise<(number | undefined)[]> {
  const { cases } = await openSet({ ...set.set, limit, centre: CENTRE }, values.data, SEED);
  const [name = ''] = set.has;
  const { full } = wordsFor(name).strength;
  const sums: (number | undefined)[] = FACTORS.map(() => 0);
  for (const { load } of cases) {
    const pair = await load();
    const { strength } = findingOf(await clearword.inspect(toBytes(pair.input)), name);
    for (const [i, factor = 0] of FACTORS.entries()) {
      const sum = sums[i];
      if (sum === undefined) continue;
      if (factor * strength > 1) {
        sums[i] = undefined;
        continue;
      }
      const told = factor === 0 ? {} : { strength: { [name]: full * factor * strength } };
      sums[i] = sum + (await restoredPsnr(clearword, pair, { prompt: promptOf(set), seed: SEED, ...told }));
    }
  }
  return sums.map((sum) => sum && sum / cases.length);
}

try {
  const rows: string[][] = [];
  for (const [name, all] of Object.entries(known)) {
    const medians: string[] = [];
    for (const [, pictures] of all) medians.push((await reported(name, pictures)).toFixed(2));
    const { clear, strong } = wordsFor(name).strength;
    rows.push([name, all.map(([strength]) => strength).join(', '), medians.join(', '), String(clear), String(strong)]);
  }
  console.log(`${describeMachine(machine())}; ${limit} pictures each\n`);
  console.log(markdownTable(['Degradation', 'Pictures', 'Reported, median', 'Clear from', 'Strong from'], rows));

  const gains: string[][] = [];
  for (const set of await degradedSets()) {
    gains.push([set.set.name, ...(await byFactor(set)).map((score) => score?.toFixed(2) ?? '-')]);
  }
  const titles = FACTORS.map((factor) => (factor === undefined ? 'by itself' : `${factor} times`));
  console.log(`\n${markdownTable(['PSNR in dB, told', ...titles], gains)}`);
} finally {
  await clearword.dispose();
}
