/** Runs of comparisons: what reaches the network of each, and results that other systems made. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fakeModel, fakePlain } from '../../../test/support/fake-model.ts';
import { contextWith, decibelsAt, GREY, leavesShare, writeBoards } from '../../../test/support/known-systems.ts';
import { patternPicture, temporaryFolder } from '../../../test/support/pictures.ts';
import { encodeImage } from '../../image/image-encode.ts';
import type { AnyModel } from '../../models/model.ts';
import { compare } from './comparison.ts';
import { type ComparisonConfig, parseExperiment } from './config.ts';
import type { Outcome } from './outcome.ts';

const data = await temporaryFolder();
const DIFFERENCES = [8, 16, 32];
beforeAll(async () => {
  await writeBoards(join(data, 'boards'), DIFFERENCES);
  await writeBoards(join(data, 'halved'), [4, 8, 16]);
  await writeBoards(join(data, 'few'), [4, 8]);
  await mkdir(join(data, 'wide'));
  await writeFile(join(data, 'wide/w.png'), await encodeImage(patternPicture(160, 96), { format: 'png' }));
});

const boards = { kind: 'data', name: 'boards', folder: 'boards' };
const wide = { kind: 'clean', name: 'wide', clean: 'wide' };

async function compared(models: Readonly<Record<string, AnyModel>>, value: object, folder?: string): Promise<Outcome> {
  const config = parseExperiment({ kind: 'comparison', title: 'known', ...value }, 'known') as ComparisonConfig;
  return compare(config, contextWith({ data, folder: folder ?? (await temporaryFolder()), models }));
}

describe('a run', () => {
  /** What the network was asked for by a run with these settings. */
  async function callsOf(run: object, more: object = {}) {
    const model = fakeModel({ predict: ({ mu }) => mu });
    await compared({ default: model }, { sets: [wide], runs: [{ name: 'own', ...run }], ...more });
    return model.calls;
  }

  it('has its own tiles', async () => {
    expect((await callsOf({})).map(({ width }) => width)).toEqual([160]);
    const tiles = await callsOf({ tile: 64 });
    expect(tiles.length).toBeGreaterThan(1);
    for (const { width } of tiles) expect(width).toBeLessThan(160);
  });

  it('restores eight ways of turning a picture where it is an ensemble', async () => {
    expect(await callsOf({ ensemble: true }, { sets: [{ ...wide, centre: 32 }] })).toHaveLength(8);
  });

  it('draws its noise from the seed of the experiment', async () => {
    const small = { ...wide, centre: 32 };
    const noiseOf = async (seed: number) =>
      Array.from((await callsOf({}, { seed, sets: [small] }))[0]?.x ?? []).slice(0, 50);
    const first = await noiseOf(1);
    expect(first).toHaveLength(50);
    expect(await noiseOf(1)).toEqual(first);
    expect(await noiseOf(2)).not.toEqual(first);
  });

  it('is told what its set is for', async () => {
    const same = fakeModel({ predict: ({ mu }) => mu });
    const sets = [wide, { kind: 'jpeg', name: 'grainy', clean: 'wide', quality: 90, sigma: 20 }];
    const { results } = await compared({ default: same }, { sets, runs: [{ name: 'own', prompts: 'task' }] });
    expect(results.map(({ name, pictures }) => [name, pictures[0]?.prompt])).toEqual([
      ['wide, own', 'remove everything that spoils it'],
      ['grainy, own', 'remove the noise'],
    ]);
  });

  it('is measured anew where the description of its set says something else', async () => {
    const folder = await temporaryFolder();
    const measured = async (centre: number) => {
      const model = fakeModel({ predict: ({ mu }) => mu });
      await compared({ default: model }, { sets: [{ ...wide, centre }], runs: [{ name: 'own' }] }, folder);
      return model.calls.length;
    };
    expect([await measured(32), await measured(32), await measured(48)]).toEqual([1, 0, 1]);
  });

  it('of a plain network needs no noise', async () => {
    const quarter = fakePlain((tile) => tile.data.map((value) => GREY / 255 + (value - GREY / 255) / 4));
    const { tables, missing } = await compared({ default: quarter }, { sets: [boards], runs: [{ name: 'plain' }] });
    const expected = DIFFERENCES.reduce((sum, difference) => sum + decibelsAt(difference / 4), 0) / 3;
    expect(tables[0]?.rows.map((row) => row.slice(0, 2)).at(-1)).toEqual(['plain', expected.toFixed(2)]);
    expect(missing).toEqual([]);
  });
});

describe('results of another system', () => {
  const identity = { name: 'identity' };
  const other = (outputs: object) => ({ name: 'other', outputs });
  const models = { default: leavesShare(() => 1) };
  const gain = (20 * Math.log10(2)).toFixed(3);

  it('are scored beside the runs, and loaded from its folders alone', async () => {
    const sets = [boards, { ...boards, name: 'second', limit: 2 }, wide];
    const outcome = await compared(models, {
      sets,
      runs: [identity, other({ boards: 'halved/input', second: 'boards/input' })],
    });
    expect(outcome.missing).toEqual([]);
    expect(outcome.tables.map(({ title, rows }) => [title, ...rows.map(([name]) => name)])).toEqual([
      ['boards', 'degraded', 'identity', 'other'],
      ['second', 'degraded', 'identity', 'other'],
      ['wide', 'degraded', 'identity'],
      ['Difference from: identity', 'boards, other', 'second, other'],
    ]);
    expect(outcome.tables[3]?.rows).toEqual([
      ['boards, other', gain, '0.000', '3'],
      ['second, other', '0.000', '0.000', '2'],
    ]);
    expect(outcome.results.map(({ name }) => name)).toEqual([
      ...['boards, identity', 'second, identity', 'wide, identity', 'boards, other', 'second, other'],
    ]);
    expect(outcome.charts).toEqual([]);
  });

  it('alone need no model', async () => {
    const outcome = await compared({}, { sets: [boards], runs: [other({ boards: 'halved/input' })] });
    // Nobody restored the degraded pictures here.
    expect(outcome.tables.map(({ title, rows }) => [title, ...rows.map(([name]) => name)])).toEqual([
      ['boards', 'other'],
    ]);
  });

  it('that lack a picture, or are not there, cost their row', async () => {
    const runs = [identity, other({ boards: 'few/input' }), { ...other({ boards: 'nowhere' }), name: 'gone' }];
    const { tables, missing } = await compared(models, { sets: [boards], runs });
    expect(tables.map(({ title, rows }) => [title, ...rows.map(([name]) => name)])).toEqual([
      ['boards', 'degraded', 'identity'],
    ]);
    expect(missing).toEqual([
      expect.stringMatching(/^boards, other: not available \(expected a result for the picture 2/),
      expect.stringMatching(/^boards, gone: not available \(.*outputs of gone/),
    ]);
  });
});
