/**
 * The experiment about prompts with restorers that obey, that disobey and that hear nothing: its cells against PSNRs that
 * are measured here, directly.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { composites, knownComposites, type Name, writeComposites } from '../../../test/support/composite-data.ts';
import { type FakeModel, fakeModel } from '../../../test/support/fake-model.ts';
import { contextWith, meanOf } from '../../../test/support/known-systems.ts';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import type { DegradationSet } from '../../data/degradations/record.ts';
import { HELD_OUT_PROMPTS, heldOutPrompts } from '../../data/held-out-prompts.ts';
import type { Raster } from '../../image/raster.ts';
import { psnr } from '../../metrics/psnr.ts';
import type { RestorationModel } from '../../models/model.ts';
import { EQUAL } from '../scores.ts';
import { type PromptsConfig, parseExperiment } from './config.ts';
import type { Outcome } from './outcome.ts';
import { comparePrompts } from './prompts.ts';

const SEED = 2026;
const SIGMA = 25;
const data = await temporaryFolder();

let known: Awaited<ReturnType<typeof knownComposites>>;
beforeAll(async () => {
  await writeComposites(data);
  known = await knownComposites(data, [SIGMA], SEED);
});

const setOf = (names: readonly string[]): DegradationSet => new Set(names);
const askedBy = (prompt: string): DegradationSet => {
  const found = HELD_OUT_PROMPTS.find((held) => held.prompt === prompt);
  if (!found) throw new Error(`expected a held-out prompt, received ${prompt}`);
  return found.asked;
};
const decibels = (a: Raster, b: Raster) => Math.min(EQUAL, psnr(a, b, { channels: 'rgb', eightBit: true }));

/**
 * Removes exactly what `hears` makes of a prompt; undefined gives the picture back. It is not careful: then the network gets
 * the prompts as the experiment gives them.
 */
function restorer(hears: (prompt: string, present: readonly Name[]) => DegradationSet | undefined): RestorationModel {
  const model: FakeModel = fakeModel({
    careful: false,
    predict: ({ mu }) => {
      const picture = model.inspected.at(-1);
      const composite = known.find(picture as Raster);
      const asked = hears(model.prompts.at(-1) ?? '', composite.present);
      if (asked === undefined) return mu;
      const { target } = composite.pairFor(asked);
      expect(mu).toHaveLength(target.data.length);
      return target.data;
    },
  });
  return model;
}

const obedient = () => restorer((prompt) => (prompt === '' ? undefined : askedBy(prompt)));
/** Does to what is there just the opposite of what it is told. */
const disobedient = () =>
  restorer((prompt, present) => {
    if (prompt === '') return undefined;
    const asked = askedBy(prompt);
    return setOf(present.filter((name) => !asked.has(name)));
  });
const deaf = () => restorer(() => undefined);

async function run(model: RestorationModel, progress: number[] = []): Promise<Outcome> {
  const value = { kind: 'prompts', title: 'known', composites, sigma: SIGMA, seed: SEED };
  const config = parseExperiment(value, 'known') as PromptsConfig;
  const context = contextWith({ data, folder: await temporaryFolder(), models: { default: model } });
  return comparePrompts(config, { ...context, onProgress: (fraction) => void progress.push(fraction) });
}

/** The combinations with several degradations, and the parts that are asked for, in the order of the tables. */
const SEVERAL = [
  ['noise', 'rain'],
  ['noise', 'haze'],
  ['rain', 'haze'],
  ['noise', 'rain', 'haze'],
] as const;
const partsOf = (present: readonly Name[]): Name[][] =>
  present.length === 2
    ? present.map((name) => [name])
    : [['noise'], ['rain'], ['noise', 'rain'], ['haze'], ['noise', 'haze'], ['rain', 'haze']];

/** Mean PSNR to what `asked` should give of what removing `removed` gives, over both pictures. */
function expected(present: readonly Name[], asked: readonly Name[], removed: readonly Name[]): number {
  const own = known.all.filter((one) => one.present.join() === present.join());
  expect(own).toHaveLength(2);
  return meanOf(
    own.map(({ pairFor }) => {
      const { input, target } = pairFor(setOf(asked));
      return decibels(removed.length === 0 ? input : pairFor(setOf(removed)).target, target);
    }),
  );
}
const cells = (values: readonly number[]) => values.map((value) => value.toFixed(2));
const rest = (present: readonly Name[], asked: readonly Name[]) => present.filter((name) => !asked.includes(name));

/** A table's row without the column of shuffled prompts, and that column's pair of cells. */
function split(row: readonly string[] | undefined) {
  const [name, count, degraded, right, empty, shuffled, wrong, overEmpty, overShuffled, overWrong] = row ?? [];
  return { own: [name, count, degraded, right, empty, wrong, overEmpty, overWrong], shuffled, overShuffled };
}

describe('prompts for a part', () => {
  it('are worth their margin to a restorer that obeys', async () => {
    const progress: number[] = [];
    const { tables, results } = await run(obedient(), progress);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress.at(-1)).toBeCloseTo(1, 6);
    const [totals, parts] = tables;
    expect(totals?.titles).toEqual([
      ...['', 'pictures', 'degraded', 'right', 'empty', 'shuffled', 'wrong'],
      ...['over empty', 'over shuffled', 'over wrong'],
    ]);
    const rows = SEVERAL.flatMap((present) =>
      partsOf(present).map((asked) => {
        const [degraded, wrong] = [expected(present, asked, []), expected(present, asked, rest(present, asked))];
        return { present, asked, degraded, wrong };
      }),
    );
    expect(parts?.rows).toHaveLength(rows.length);
    for (const [i, { present, asked, degraded, wrong }] of rows.entries()) {
      const { own } = split(parts?.rows[i]);
      const numbers = [degraded, EQUAL, degraded, wrong, EQUAL - degraded, EQUAL - wrong];
      expect(own).toEqual([`${present.join(' + ')}: remove ${asked.join(' + ')}`, '2', ...cells(numbers)]);
    }
    for (const [i, present] of SEVERAL.entries()) {
      const of = rows.filter((row) => row.present === present);
      const [degraded, wrong] = [meanOf(of.map((row) => row.degraded)), meanOf(of.map((row) => row.wrong))];
      const { own, shuffled, overShuffled } = split(totals?.rows[i]);
      const numbers = [degraded, EQUAL, degraded, wrong, EQUAL - degraded, EQUAL - wrong];
      expect(own).toEqual([present.join(' + '), String(2 * of.length), ...cells(numbers)]);

      // Prompts at random: what each picture was told stands in the results.
      const pictures = results.find(({ name }) => name === `${present.join(' + ')}, shuffled prompt`)?.pictures ?? [];
      const scores = pictures.map(({ id, prompt }) => {
        const [, asked = '', index] = /: (.+), (\d)$/.exec(id) ?? [];
        const one = known.all.filter((known) => known.present.join() === present.join())[Number(index)];
        const told = askedBy(prompt);
        const wanted = setOf(asked.split(' + '));
        // Some other part of what is there.
        expect(present.some((name) => told.has(name) !== wanted.has(name))).toBe(true);
        if (!one) throw new Error(`expected a picture for ${id}`);
        return decibels(one.pairFor(told).target, one.pairFor(wanted).target);
      });
      expect(scores).toHaveLength(2 * of.length);
      expect([shuffled, overShuffled]).toEqual(cells([meanOf(scores), EQUAL - meanOf(scores)]));
    }
  });

  it('cost a restorer that disobeys as much', async () => {
    const { tables } = await run(disobedient());
    let row = 0;
    for (const present of SEVERAL)
      for (const asked of partsOf(present)) {
        const [degraded, right] = [expected(present, asked, []), expected(present, asked, rest(present, asked))];
        const numbers = [degraded, right, degraded, EQUAL, right - degraded, right - EQUAL];
        expect(split(tables[1]?.rows[row++]).own.slice(2)).toEqual(cells(numbers));
      }
  });

  it('are worth nothing to one that hears nothing; each kind is given as it is written', async () => {
    const { tables, results } = await run(deaf());
    for (const { rows } of tables)
      for (const cellsOf of rows) {
        expect(cellsOf.slice(-3)).toEqual(['0.00', '0.00', '0.00']);
        expect(new Set(cellsOf.slice(2, 7)).size).toBe(1);
      }
    const prompts = (name: string) =>
      results.find((result) => result.name === name)?.pictures.map(({ prompt }) => prompt);
    const [noise, rain] = [heldOutPrompts(setOf(['noise'])), heldOutPrompts(setOf(['rain']))];
    expect(prompts('noise + rain, right prompt')).toEqual([noise[0], noise[1], rain[0], rain[1]]);
    expect(prompts('noise + rain, wrong prompt')).toEqual([rain[0], rain[1], noise[0], noise[1]]);
    expect(prompts('noise + rain, empty prompt')).toEqual(['', '', '', '']);
  });
});
