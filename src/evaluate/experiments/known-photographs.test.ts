/**
 * The experiment about photographs with systems whose every answer is known: the cells of its tables against closed forms.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FakeModelOptions, fakeModel } from '../../../test/support/fake-model.ts';
import {
  constant,
  contextWith,
  decibelsAt,
  GREY,
  leavesShare,
  meanOf,
  writeBoards,
} from '../../../test/support/known-systems.ts';
import { patternPicture, temporaryFolder } from '../../../test/support/pictures.ts';
import { encodeImage } from '../../image/image-encode.ts';
import { judge } from '../../models/calibration.ts';
import type { RestorationModel } from '../../models/model.ts';
import type { PictureRecord } from '../journal.ts';
import { gainOf } from '../report/page.ts';
import { limitedTo, type PhotographsConfig, parseExperiment } from './config.ts';
import { type Outcome, outcomeText, writeOutcome } from './outcome.ts';
import { promptOf, testPhotographs } from './photographs.ts';

const DIFFERENCES = [8, 16, 32];
/** dB that a share of 10^(-3/20) of what is wrong is better by. */
const THREE = 3;

const root = await temporaryFolder();
const data = join(root, 'data');
beforeAll(async () => {
  await writeBoards(join(data, 'boards'), DIFFERENCES);
  await mkdir(join(data, 'photos'), { recursive: true });
  for (const i of [1, 2, 3, 4]) {
    const picture = patternPicture(64 + i, 72);
    await writeFile(join(data, 'photos', `${i}.png`), await encodeImage(picture, { format: 'png' }));
  }
  const tasks = { clean: 0.5, noise: 0.5, rain: 0, haze: 0, composite: 0 };
  const calibration = { roots: { photos: ['data/photos'] }, tasks, patch: 32, seed: 3 };
  await writeFile(join(data, 'calibration.json'), JSON.stringify(calibration));
});

const boards = { set: { kind: 'data', name: 'boards', folder: 'boards' }, has: ['noise'] };
const clean = { set: { kind: 'clean', name: 'clean', clean: 'photos' }, prompt: 'remove the noise' };
const more = { set: { kind: 'clean', name: 'odd', clean: 'photos', half: 'odd' }, may: ['rain'] };

const configOf = (value: object = {}): PhotographsConfig =>
  parseExperiment(
    { kind: 'photographs', title: 'known', sets: [boards, clean, more], ...value },
    'known',
  ) as PhotographsConfig;

/** The experiment with a model; what it finds depends on the mean of the picture, so that sets can be told apart. */
async function outcomeOf(model: RestorationModel, value: object = {}, folder?: string): Promise<Outcome> {
  const own = folder ?? (await temporaryFolder());
  return testPhotographs(configOf(value), contextWith({ data, folder: own, models: { default: model } }));
}

/** A model that finds noise on boards, and rain with some probability elsewhere. */
function finding(model: RestorationModel, rain = 0.1): RestorationModel {
  const { inspect } = model;
  const at = (probability: number) =>
    judge({ probability, strength: 0.3 }, { temperature: 1, found: 0.8, perhaps: 0.4 });
  return {
    ...model,
    async inspect(views, signal) {
      const { embedding } = await inspect(views, signal);
      const { data: values } = views.close;
      const mean = meanOf(values);
      const isBoard = Math.abs(mean - GREY / 255) < 1e-3;
      return {
        embedding,
        degradations: { noise: at(isBoard ? 0.9 : 0.2), rain: at(isBoard ? 0.1 : rain), haze: at(0) },
      };
    },
  };
}

const tableOf = (outcome: Outcome, title: string) => {
  const table = outcome.tables.find((one) => one.title.startsWith(title));
  if (!table) throw new Error(`expected the table ${title}, received ${outcome.tables.map((one) => one.title)}`);
  return table;
};
const row = (outcome: Outcome, title: string, name: string): readonly string[] => {
  const found = tableOf(outcome, title).rows.find(([first]) => first === name);
  if (!found) throw new Error(`expected the row ${name}`);
  return found.slice(1);
};
const BEFORE = meanOf(DIFFERENCES.map(decibelsAt)).toFixed(2);
/** The identity, as a network that runs. */
const identity: FakeModelOptions = { predict: ({ mu }) => mu };

describe('photographs', () => {
  it('by a system that gives the input back: nothing gained, nothing harmed, no pixel changed', async () => {
    const outcome = await outcomeOf(finding(fakeModel(identity)));
    for (const mode of ['By itself', 'Asked']) {
      expect(row(outcome, mode, 'boards').slice(0, 7)).toEqual(['3', BEFORE, BEFORE, '0.00', '0.00', '0.0', '100.0']);
      expect(row(outcome, mode, 'clean').slice(0, 7)).toEqual([
        '4',
        '100.00',
        '100.00',
        '0.00',
        '0.00',
        '0.0',
        '100.0',
      ]);
    }
    // It was asked, and did not obey: only that column tells.
    expect(row(outcome, 'Asked', 'boards').at(-1)).toBe('“remove the noise”');
    // The network ran on boards, and was not asked elsewhere.
    expect(row(outcome, 'What was found', 'boards')).toEqual(['100 / 0 *', '0 / 0', '0 / 0', '0.0']);
    expect(row(outcome, 'What was found', 'odd')).toEqual(['0 / 0', '0 / 0 ~', '0 / 0', '100.0']);
  });

  it('by a system that is 3 dB better: 3 dB in every row of boards, in both modes', async () => {
    const better = leavesShare(() => 10 ** (-THREE / 20));
    const outcome = await outcomeOf(finding(better), { sets: [boards] });
    for (const mode of ['By itself', 'Asked']) {
      const [pictures, before, after, gain, worst, worse, untouched] = row(outcome, mode, 'boards');
      expect([pictures, before, worse, untouched]).toEqual(['3', BEFORE, '0.0', '0.0']);
      // Eight bits: 8 * 0.708 is written as 6.
      for (const [cell, expected] of [
        [after, Number(BEFORE) + THREE],
        [gain, THREE],
        [worst, THREE],
      ] as const) {
        expect(Math.abs(Number(cell) - expected), cell).toBeLessThan(0.51);
      }
    }
    const [exact] = DIFFERENCES.map((difference) => decibelsAt(Math.round(difference * 10 ** (-THREE / 20))));
    expect(outcome.results[0]?.pictures[0]?.after.psnr).toBeCloseTo(exact ?? 0, 4);
  });

  it('by a constant: what it harms is counted, and listed from the worst', async () => {
    // 20 from the grey of the boards: worse than 8 and 16, better than 32.
    const folder = await temporaryFolder();
    const outcome = await outcomeOf(finding(constant(GREY + 20)), { sets: [boards] }, folder);
    const changes = DIFFERENCES.map((difference) => decibelsAt(20) - decibelsAt(difference));
    expect(row(outcome, 'By itself', 'boards')).toEqual([
      ...['3', BEFORE, decibelsAt(20).toFixed(2), meanOf(changes).toFixed(2)],
      ...[Math.min(...changes).toFixed(2), '66.7', '0.0', '0.0', '0.0'],
    ]);
    const worst = tableOf(outcome, 'The 10').rows;
    expect(worst.map(([id, , , , change]) => [id, change])).toEqual([
      ['0', changes[0]?.toFixed(2)],
      ['1', changes[1]?.toFixed(2)],
      ['2', changes[2]?.toFixed(2)],
    ]);
    expect(worst[0]?.at(-1)).toBe('noise');
    // A loss that is allowed is none.
    const lenient = await outcomeOf(finding(constant(GREY + 20)), { sets: [boards], tolerance: 3 }, folder);
    expect(row(lenient, 'By itself', 'boards')[5]).toBe('33.3');
    // Just as much is allowed, too.
    const tolerance = -gainOf(outcome.results[0]?.pictures[1] as PictureRecord);
    const exact = await outcomeOf(finding(constant(GREY + 20)), { sets: [boards], tolerance }, folder);
    expect(row(exact, 'By itself', 'boards')[5]).toBe('33.3');
  });

  it('by a controller that finds rain everywhere else: found wrongly where no picture may have it', async () => {
    const outcome = await outcomeOf(finding(fakeModel(identity), 0.95));
    const shares = (name: string) => row(outcome, 'By itself', name).slice(-2);
    expect(shares('boards')).toEqual(['0.0', '0.0']);
    expect(shares('clean')).toEqual(['-', '100.0']);
    expect(shares('odd')).toEqual(['-', '0.0']);
    // Four of the six pictures without ground.
    expect(shares('all without ground')).toEqual(['-', (400 / 6).toFixed(1)]);
    expect(row(outcome, 'What was found', 'clean')).toEqual(['0 / 0', '100 / 0', '0 / 0', '0.0']);
  });

  it('by one that sees nothing: everything is missed, and left unchanged, but what is asked for is done', async () => {
    const blind = leavesShare(() => 0);
    const embedding = new Float32Array(512).fill(512 ** -0.5);
    const perhaps = judge({ probability: 0.5, strength: 0 }, { temperature: 1, found: 0.8, perhaps: 0.4 });
    const none = judge({ probability: 0, strength: 0 });
    const model: RestorationModel = {
      ...blind,
      inspect: async () => ({ embedding, degradations: { noise: perhaps, rain: none, haze: none } }),
    };
    const outcome = await outcomeOf(model, { sets: [boards] });
    expect(row(outcome, 'By itself', 'boards').slice(-3)).toEqual(['100.0', '100.0', '0.0']);
    expect(row(outcome, 'What was found', 'boards')).toEqual(['0 / 100 *', '0 / 0', '0 / 0', '100.0']);
    expect(row(outcome, 'Asked', 'boards').slice(1, 3)).toEqual([BEFORE, '100.00']);
  });

  it('by one that is sure of one picture of three: shares of the pictures, in percent', async () => {
    const model = fakeModel(identity);
    const at = (probability: number) =>
      judge({ probability, strength: 0.3 }, { temperature: 1, found: 0.8, perhaps: 0.4 });
    const { embedding } = await model.inspect({ close: { width: 1, height: 1, data: new Float32Array(3) } } as never);
    model.inspect = async ({ close }) => {
      const difference = Math.round(Math.abs(255 * (close.data[0] ?? 0) - GREY));
      return { embedding, degradations: { noise: at(difference === 8 ? 0.9 : 0.5), rain: at(0.1), haze: at(0) } };
    };
    const outcome = await outcomeOf(model, { sets: [boards] });
    expect(row(outcome, 'By itself', 'boards').slice(-2)).toEqual(['66.7', '0.0']);
    expect(row(outcome, 'What was found', 'boards')).toEqual(['33 / 67 *', '0 / 0', '0 / 0', '66.7']);
    expect(tableOf(outcome, 'The 10').rows.map((cells) => cells.at(-1))).toEqual(['noise', '-', '-']);
  });

  it('with everything that the model knows in them have nothing to be found wrongly', async () => {
    const all = { ...boards, has: ['noise', 'rain', 'dark'], may: ['haze'], prompt: 'clean' };
    const outcome = await outcomeOf(finding(fakeModel(identity)), { sets: [all] });
    // Noise is found in every picture, and rain in none; of darkness it knows nothing.
    expect(row(outcome, 'By itself', 'boards').slice(-2)).toEqual(['50.0', '-']);
    expect(row(outcome, 'What was found', 'boards')).toEqual(['100 / 0 *', '0 / 0 *', '0 / 0 ~', '0.0']);
    expect(row(outcome, 'Asked', 'boards').at(-1)).toBe('“clean”');
  });

  it('without ground are summed up where there are several sets of them', async () => {
    const names = async (sets: readonly { set: object; truth?: boolean }[]) => {
      const first = sets.map((own) => ({ ...own, set: { ...own.set, limit: 1 } }));
      const outcome = await outcomeOf(finding(fakeModel(identity)), { sets: first });
      // What was found of one picture is shown, too.
      expect(tableOf(outcome, 'What was found').rows).toHaveLength(sets.length);
      return tableOf(outcome, 'By itself').rows.map(([name]) => name);
    };
    expect(await names([boards, clean])).toEqual(['boards', 'clean']);
    expect(await names([clean, more])).toEqual(['clean', 'odd', 'all without ground']);
    expect(await names([clean, { ...more, truth: false }])).toEqual(['clean', 'odd']);
  });

  it('are ten in the list of the worst, of all sets', async () => {
    await writeBoards(join(data, 'many'), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    const many = { ...boards, set: { kind: 'data', name: 'many', folder: 'many' } };
    const { tables, worst } = await outcomeOf(finding(constant(GREY + 6)), { sets: [many] });
    const rows = tables.find(({ title }) => title.startsWith('The 10 that lost most'))?.rows ?? [];
    const dB = (difference: number) => decibelsAt(difference).toFixed(2);
    const change = (difference: number) => (decibelsAt(6) - decibelsAt(difference)).toFixed(2);
    expect(rows).toEqual(
      Array.from({ length: 10 }, (_, i) => [
        ...[String(10 - i), 'many', dB(i + 1), dB(6)],
        ...[i === 5 ? expect.stringMatching(/^-?0\.00$/) : change(i + 1), 'noise'],
      ]),
    );
    expect(worst).toBe(10);
  });

  it('of sets without truth says what was found, and no dB', async () => {
    const outcome = await outcomeOf(finding(constant(9)), { sets: [{ ...boards, truth: false }] });
    expect(row(outcome, 'By itself', 'boards')).toEqual(['3', '-', '-', '-', '-', '-', '0.0', '0.0', '0.0']);
    expect(tableOf(outcome, 'The 10').rows).toEqual([]);
  });

  it('holds probabilities against frequencies: of the sets, and of samples drawn as for calibration', async () => {
    const reliability = { config: 'calibration.json', samples: 12, overrides: { seed: 4 } };
    const outcome = await outcomeOf(finding(fakeModel(identity)), { sets: [boards, clean], reliability });
    const rows = Object.fromEntries(
      tableOf(outcome, 'Probabilities').rows.map(([name, ...cells]) => [name, cells.map(Number)]),
    );
    const [withNoise = 0, without = 0, brier] = rows.noise ?? [];
    // Three boards have it, four clean photos have not; of the samples, what was drawn and can be seen.
    expect(withNoise).toBeGreaterThan(3);
    expect(without).toBeGreaterThan(4);
    expect(withNoise + without).toBeLessThanOrEqual(3 + 4 + 12);
    // 0.9 for the boards, 0.2 for all other pictures.
    const expected = (3 * 0.1 ** 2 + (withNoise - 3) * 0.8 ** 2 + without * 0.2 ** 2) / (withNoise + without);
    expect(brier).toBeCloseTo(expected, 3);
    // Nothing has rain, of which 0.1 is said everywhere.
    expect(rows.rain).toEqual([0, 3 + 4 + 12, 0.01, 0.1]);
    expect(outcome.charts.map(({ name }) => name)).toEqual(['calibration']);
    expect(outcome.missing).toEqual([]);
  });

  it('goes on where it was stopped, and shows the pictures that lost most', async () => {
    const folder = await temporaryFolder();
    const model = fakeModel({ predict: ({ mu }) => new Float32Array(mu.length).fill(0.5) });
    const first = await outcomeOf(finding(model), { sets: [boards] }, folder);
    const again = await outcomeOf(finding(fakeModel(identity)), { sets: [boards] }, folder);
    expect(outcomeText(again)).toBe(outcomeText(first));
    const path = await writeOutcome(configOf({ sets: [boards] }), again, { experiment: 'known' }, folder);
    const html = await readFile(path, 'utf8');
    expect(html.match(/<figure class="case">/g)).toHaveLength(2 * 3);
    expect(html).toContain('The 3 that lost most, or gained least');
  });

  it('of a set that is not there says so, and measures the others', async () => {
    const gone = { set: { kind: 'data', name: 'gone', folder: 'nowhere' } };
    const outcome = await outcomeOf(finding(fakeModel(identity)), { sets: [gone, boards] });
    expect(outcome.missing).toHaveLength(2);
    expect(row(outcome, 'By itself', 'boards')[0]).toBe('3');
    await mkdir(join(data, 'broken'));
    await writeFile(join(data, 'broken/1.png'), 'no picture');
    const broken = { set: { kind: 'clean', name: 'broken', clean: 'broken' } };
    const { tables, results } = await outcomeOf(finding(fakeModel(identity)), { sets: [broken] });
    expect(results.map(({ failures }) => failures.length)).toEqual([1, 1]);
    for (const { rows } of tables) expect(rows).toEqual([]);
  });
});

it('asks for what a set has', () => {
  expect(promptOf({ has: ['noise', 'rain'], prompt: undefined })).toBe('remove the noise and the rain');
  expect(promptOf({ has: [], prompt: undefined })).toBe('change nothing');
  expect(promptOf({ has: ['noise'], prompt: 'denoise' })).toBe('denoise');
});

it('limited, measures the first pictures and says so', async () => {
  const limited = limitedTo(configOf({ reliability: { config: 'calibration.json' } }), 2) as PhotographsConfig;
  expect(limited.sets.map(({ set }) => set.limit)).toEqual([2, 2, 2]);
  expect(limited.reliability?.samples).toBe(2);
  expect(limited.notes.at(-1)).toContain('at most 2 pictures of each set');
  const model = finding(fakeModel(identity));
  const context = contextWith({ data, folder: await temporaryFolder(), models: { default: model } });
  const outcome = await testPhotographs({ ...limited, reliability: undefined }, context);
  expect(outcome.results.map(({ pictures }) => pictures.length)).toEqual([2, 2, 2, 2, 2, 2]);
});
