/**
 * The experiment about the controller with one whose findings are known: confusion, rates, calibration and errors.
 */
import { beforeAll, expect, it } from 'vitest';
import {
  composites,
  type KnownComposite,
  knownComposites,
  writeComposites,
} from '../../../test/support/composite-data.ts';
import { fakeModel } from '../../../test/support/fake-model.ts';
import { contextWith } from '../../../test/support/known-systems.ts';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import { combinationsOf } from '../../degradations/combinations.ts';
import { FIRST_DEGRADATIONS } from '../../degradations/index.ts';
import { judge } from '../../models/calibration.ts';
import type { Findings } from '../../models/model.ts';
import { type ControllerConfig, parseExperiment } from './config.ts';
import { testController } from './controller.ts';
import type { Outcome, Table } from './outcome.ts';

const SEED = 2026;
// In neighbouring tenths of the strengths, the last two.
const SIGMAS = [46, 50];
const EVERYTHING: ReadonlySet<string> = new Set(FIRST_DEGRADATIONS);
const COMBINATIONS = combinationsOf<string>(FIRST_DEGRADATIONS);
const data = await temporaryFolder();
const titleOf = (names: readonly string[]) => (names.length === 0 ? 'clean' : names.join(' + '));

/**
 * Noise: sure of it where it is, and its strength 0.1 too high; wavering where it is not. Rain: found in the second picture
 * of each combination only, there or not; its strength 0.05 too low. Haze: 1 or 0, without error.
 */
function findingsIn({ present, index, pairFor }: KnownComposite): Findings['degradations'] {
  const { readings } = pairFor(EVERYTHING);
  const there = { noise: present.includes('noise'), rain: present.includes('rain'), haze: present.includes('haze') };
  const strength = (name: string) => readings[name]?.strength ?? 0;
  return {
    noise: judge({
      probability: there.noise ? 0.84 : 0.32,
      strength: strength('noise') + (there.noise ? 0.1 : 0.02),
    }),
    rain: judge({
      probability: index === 1 ? 0.55 : 0.25,
      strength: there.rain ? strength('rain') - 0.05 : 0.03,
    }),
    haze: judge({ probability: there.haze ? 1 : 0, strength: strength('haze') }),
  };
}

const value = { kind: 'controller', title: 'known', composites, sigmas: SIGMAS, seed: SEED };
const config = parseExperiment(value, 'known') as ControllerConfig;
let outcome: Outcome;
const progress: [number, string][] = [];
let known: Awaited<ReturnType<typeof knownComposites>>;
beforeAll(async () => {
  await writeComposites(data);
  known = await knownComposites(data, SIGMAS, SEED);
  const model = fakeModel();
  const embedding = new Float32Array(512).fill(512 ** -0.5);
  const { signal } = new AbortController();
  model.inspect = async ({ close }, received) => {
    // An inspection can be stopped, too.
    expect(received).toBe(signal);
    return { degradations: findingsIn(known.find(close)), embedding };
  };
  const folder = await temporaryFolder();
  const context = contextWith({ data, folder, models: { default: model } });
  outcome = await testController(config, { ...context, signal, onProgress: (...all) => void progress.push(all) });
});

it('inspects every combination, noise at each sigma', () => {
  // Four combinations without noise, four with noise at two sigmas; two pictures each.
  expect(outcome.details).toHaveLength(2 * (4 + 4 * 2));
  expect(progress.map(([fraction]) => fraction)).toEqual(progress.map((_, i) => expect.closeTo(i / 24, 9)));
  expect([progress.length, progress[0]?.[1], progress[23]?.[1]]).toEqual([
    ...[24, 'inspecting: clean', 'inspecting: noise + rain + haze'],
  ]);
  // What was drawn can be seen, so that the sums below are the whole truth.
  for (const { present, pairFor } of known.all) {
    const { readings } = pairFor(EVERYTHING);
    const seen = Object.entries(readings).filter(([, reading]) => reading.present);
    expect(seen.map(([name]) => name).sort()).toEqual([...present].sort());
  }
});

it('has what was found in each combination, in percent', () => {
  const [table] = outcome.tables as [Table, Table];
  const names = COMBINATIONS.map(titleOf);
  expect(table.titles).toEqual(['', 'pictures', ...names]);
  for (const [i, present] of COMBINATIONS.entries()) {
    // Noise and haze are found for what they are; rain in every second picture.
    const without = titleOf(present.filter((name) => name !== 'rain'));
    const withRain = titleOf(COMBINATIONS[i | COMBINATIONS.findIndex((c) => titleOf(c) === 'rain')] ?? []);
    const count = present.includes('noise') ? '4' : '2';
    const shares = names.map((name) => (name === without || name === withRain ? '50' : '0'));
    expect(table.rows[i]).toEqual([titleOf(present), count, ...shares]);
  }
});

it('has rates, Brier, calibration and the errors of strengths', () => {
  const [, table] = outcome.tables as [Table, Table];
  expect(table.titles.slice(1)).toEqual([
    ...['found (%)', 'false alarms (%)', 'Brier'],
    ...['calibration error', 'strength error', 'where absent'],
  ]);
  // 16 of 24 pictures have noise.
  const noise = {
    brier: (16 * 0.16 ** 2 + 8 * 0.32 ** 2) / 24,
    calibration: (16 * (1 - 0.84) + 8 * 0.32) / 24,
  };
  expect(table.rows[0]).toEqual([
    ...['noise', '100.0', '0.0', noise.brier.toFixed(4), noise.calibration.toFixed(4)],
    ...['0.1000', '0.0200'],
  ]);
  // A half of 24 has rain, whatever the controller says: it is 0.25 and 0.55 sure.
  const brier = (0.45 ** 2 + 0.55 ** 2 + 0.75 ** 2 + 0.25 ** 2) / 4;
  expect(table.rows[1]).toEqual([
    ...['rain', '50.0', '50.0', brier.toFixed(4)],
    ...[((0.05 + 0.25) / 2).toFixed(4), '0.0500', '0.0300'],
  ]);
  expect(table.rows[2]).toEqual(['haze', '100.0', '0.0', '0.0000', '0.0000', '0.0000', '0.0000']);
  expect(table.rows).toHaveLength(3);
});

it('counts what a model does not know as never found', async () => {
  const model = fakeModel();
  const embedding = new Float32Array(512).fill(512 ** -0.5);
  model.inspect = async ({ close }) => {
    const { noise, rain } = findingsIn(known.find(close));
    return { degradations: { ...(noise && { noise }), ...(rain && { rain }) }, embedding };
  };
  const context = contextWith({ data, folder: await temporaryFolder(), models: { default: model } });
  const { tables, charts } = await testController(config, context);
  const hazy = known.all.filter(({ present }) => present.includes('haze'));
  const strengths = hazy.map(({ pairFor }) => pairFor(EVERYTHING).readings.haze?.strength ?? 0);
  const mean = strengths.reduce((sum, strength) => sum + strength, 0) / 12;
  expect(tables[1]?.rows[2]).toEqual(['haze', '0.0', '0.0', '0.5000', '0.5000', mean.toFixed(4), '0.0000']);
  expect(tables[1]?.rows.slice(0, 2)).toEqual(outcome.tables[1]?.rows.slice(0, 2));
  expect(charts[1]?.svg).toMatch(/<title>haze, [\d.]+: 0\.0000</);
});

it('draws the frequency over the probability, and the strength over the true one', () => {
  const chart = (name: string) => outcome.charts.find((one) => one.name === name)?.svg ?? '';
  const points = (name: string, series: string) =>
    [...chart(name).matchAll(new RegExp(`<title>${series}, ([^:]+): ([^<]+)</title>`, 'g'))].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
  const diagonal = [
    [0, 0],
    [1, 1],
  ];
  expect(points('calibration', 'haze')).toEqual(diagonal);
  for (const name of ['calibration', 'strength']) expect(points(name, 'ideal')).toEqual(diagonal);
  expect(points('calibration', 'rain').flat()).toEqual([0.25, 0.5, 0.55, 0.5].map((v) => expect.closeTo(v, 4)));
  expect(points('calibration', 'noise').flat()).toEqual([0.32, 0, 0.84, 1].map((v) => expect.closeTo(v, 4)));
  // Strengths of noise: sigma / 55.
  const strengths = SIGMAS.map((sigma) => sigma / 55);
  expect(points('strength', 'noise').flat()).toEqual(
    strengths.flatMap((v) => [v, v + 0.1]).map((v) => expect.closeTo(v, 3)),
  );
  expect(points('strength', 'haze').every(([x, y]) => Math.abs((x ?? 0) - (y ?? 1)) < 1e-4)).toBe(true);
});
