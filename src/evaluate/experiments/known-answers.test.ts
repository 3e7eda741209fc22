/**
 * Comparisons and sweeps of restorers whose every result is known: the cells of the tables against closed forms.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fakeModel } from '../../../test/support/fake-model.ts';
import {
  constant,
  contextWith,
  decibelsAt,
  GREY,
  leavesShare,
  meanOf,
  writeBoards,
} from '../../../test/support/known-systems.ts';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import { writeTinyModel } from '../../../test/support/tiny-model.ts';
import { ClearwordError } from '../../errors.ts';
import { countGraph } from '../../graph/count.ts';
import { Graph } from '../../graph/graph.ts';
import type { RestorationModel } from '../../models/model.ts';
import { readModel } from '../../models/model-file.ts';
import { predictionGraph } from '../../models/networks.ts';
import { compare } from './comparison.ts';
import { type ComparisonConfig, parseExperiment, type StepsConfig } from './config.ts';
import type { Outcome } from './outcome.ts';
import { sweepSteps } from './steps.ts';

/** How far the pictures of the set are from their targets, of 255; even, so that halves are whole. */
const DIFFERENCES = [8, 16, 32];
/** dB that halving every difference gives. */
const HALVED = 20 * Math.log10(2);

const root = await temporaryFolder();
beforeAll(() => writeBoards(join(root, 'data/boards'), DIFFERENCES));

const set = { kind: 'data', name: 'boards', folder: 'boards' };

/** A comparison of these models, in their order, on the boards. */
async function compared(
  models: Readonly<Record<string, RestorationModel>>,
  more: object = {},
  weights?: string,
): Promise<Outcome> {
  const runs = Object.keys(models).map((name) => ({ name, model: name }));
  const value = { kind: 'comparison', title: 'known', sets: [set], runs, ...more };
  const config = parseExperiment(value, 'known') as ComparisonConfig;
  const context = { data: join(root, 'data'), folder: await temporaryFolder(), models };
  return compare(config, contextWith({ ...context, ...(weights !== undefined && { weights }) }));
}

const row = ({ tables }: Outcome, title: string, name: string): readonly string[] => {
  const found = tables.find((table) => table.title === title)?.rows.find(([first]) => first === name);
  if (!found) throw new Error(`expected a row ${name} in ${title}, received ${JSON.stringify(tables)}`);
  return found;
};

describe('a comparison', () => {
  const models = {
    identity: leavesShare(() => 1),
    halves: leavesShare(() => 1 / 2),
    // A half, a quarter, an eighth: 6.02, 12.04 and 18.06 dB.
    varies: leavesShare((difference) => ({ 8: 1 / 2, 16: 1 / 4, 32: 1 / 8 })[difference] ?? Number.NaN),
    harms: leavesShare((difference) => (difference === 8 ? 2 : 1)),
    perfect: leavesShare(() => 0),
    black: constant(0),
  };
  let outcome: Outcome;
  beforeAll(async () => {
    outcome = await compared(models);
  });

  it('has the mean PSNR of each restorer', () => {
    const degraded = meanOf(DIFFERENCES.map(decibelsAt));
    const expected = {
      degraded,
      identity: degraded,
      halves: degraded + HALVED,
      varies: degraded + 2 * HALVED,
      harms: degraded - HALVED / 3,
      // Infinity would be the mean of every set with one such picture.
      perfect: 100,
      black: decibelsAt(GREY),
    };
    for (const [name, value] of Object.entries(expected))
      expect(row(outcome, 'boards', name).slice(0, 2), name).toEqual([name, value.toFixed(2)]);
    expect(row(outcome, 'boards', 'perfect').slice(1, 5)).toEqual(['100.00', '1.0000', '100.00', '1.0000']);
    expect(row(outcome, 'boards', 'identity').at(-2)).toBe('3');
    expect(outcome.missing).toEqual([]);
  });

  it('has the gain over the first run, picture by picture, with its 95 % interval', () => {
    const gains = (name: string) => row(outcome, 'Difference from: identity', `boards, ${name}`).slice(1);
    expect(gains('halves')).toEqual([HALVED.toFixed(3), '0.000', '3']);
    // Gains 1, 2 and 3 times HALVED: a deviation of HALVED, and of the mean HALVED / sqrt(3).
    expect(gains('varies')).toEqual([(2 * HALVED).toFixed(3), ((1.96 * HALVED) / Math.sqrt(3)).toFixed(3), '3']);
    // -1, 0 and 0 times HALVED: a variance of HALVED^2 / 3.
    expect(gains('harms')).toEqual([(-HALVED / 3).toFixed(3), ((1.96 * HALVED) / 3).toFixed(3), '3']);
    expect(outcome.tables.find(({ title }) => title.startsWith('Difference'))?.titles).toEqual([
      '',
      'PSNR (dB)',
      '± 95 %',
      'pictures',
    ]);
  });

  it('of one run, or of one picture, has no gains', async () => {
    const { identity, halves } = models;
    expect((await compared({ identity })).tables.map(({ title }) => title)).toEqual(['boards']);
    const one = await compared({ identity, halves }, { sets: [{ ...set, limit: 1 }] });
    expect(one.tables.map(({ title }) => title)).toEqual(['boards']);
    const two = await compared({ identity, halves }, { sets: [{ ...set, limit: 2 }] });
    expect(row(two, 'Difference from: identity', 'boards, halves').slice(1)).toEqual([HALVED.toFixed(3), '0.000', '2']);
  });

  it('counts parameters in millions, operations in thousand millions, and in thousands a pixel', async () => {
    const weights = join(root, 'tiny.safetensors');
    await writeTinyModel(weights);
    const { card } = await readModel(weights);
    const graph = new Graph();
    predictionGraph(graph, card.preset, 32, 32);
    const { macs } = countGraph(graph);
    const outcome = await compared({ identity: models.identity }, { count: 32 }, weights);
    const [name, parameters, network, giga, kilo] = row(outcome, 'Size and cost', 'identity');
    expect(name).toBe('identity');
    expect(parameters).toBe((card.parameters / 1e6).toFixed(3));
    // Without the encoders.
    expect(Number(network)).toBeGreaterThan(0);
    expect(Number(network)).toBeLessThan(Number(parameters));
    expect(giga).toBe((macs / 1e9).toFixed(3));
    expect(kilo).toBe((macs / (32 * 32 * 1000)).toFixed(1));
  });

  it('restores with the steps and the sampler of each run', async () => {
    const identity = fakeModel({ predict: ({ mu }) => mu });
    const runs = [
      { name: 'sde', model: 'identity', steps: 2, sampler: 'mars-sde-1' },
      { name: 'ode', model: 'identity', steps: 2, sampler: 'mars-ode-1' },
      { name: 'default', model: 'identity' },
    ];
    await compared({ identity }, { runs, sets: [{ ...set, limit: 1 }] });
    expect(identity.calls.map(({ t }) => t)).toEqual([100, 50, 100, 50, 100]);
    // From the same noise both samplers go their own ways.
    const [first, sde, again, ode] = identity.calls.map(({ x }) => x);
    expect(again).toEqual(first);
    expect(ode).not.toEqual(sde);
  });

  it('goes on without what is not there, and ends at any other error', async () => {
    const { identity } = models;
    const sets = [set, { ...set, name: 'elsewhere', folder: 'missing' }];
    const { missing } = await compared({ identity }, { sets });
    expect(missing).toEqual([expect.stringMatching(/^elsewhere: not available \(.+\)$/)]);
    // The stand-in for loading a model throws an error that is not of the catalogue.
    const runs = [{ name: 'unknown', model: 'unknown' }];
    await expect(compared({ identity }, { runs })).rejects.toThrow('expected one of identity');
    const config = parseExperiment({ kind: 'comparison', title: 'known', sets: [set], runs }, 'known');
    const context = contextWith({ data: join(root, 'data'), folder: await temporaryFolder(), models: {} });
    const load = () => Promise.reject(new ClearwordError('MODEL_INVALID', 'damaged'));
    const damaged = compare(config as ComparisonConfig, { ...context, load });
    await expect(damaged).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('gives the numbers of every picture to the report', () => {
    const result = outcome.results.find(({ name }) => name === 'boards, varies');
    expect(result?.pictures.map(({ id }) => id)).toEqual(['0', '1', '2']);
    for (const [i, picture] of (result?.pictures ?? []).entries()) {
      const difference = DIFFERENCES[i] as number;
      expect(picture.before?.psnr).toBeCloseTo(decibelsAt(difference), 4);
      expect(picture.after.psnr).toBeCloseTo(decibelsAt(4), 4);
    }
    expect(result?.before?.psnr).toBeCloseTo(meanOf(DIFFERENCES.map(decibelsAt)), 4);
  });
});

it('a sweep has the PSNR of each number of steps: a restorer that halves what is wrong at each of them', async () => {
  let asked = 0;
  const model = fakeModel({
    predict: ({ mu, t }) => {
      asked = t === 100 ? 1 : asked + 1;
      return mu.map((value) => GREY / 255 + 2 ** -asked * (value - GREY / 255));
    },
  });
  const samplers = ['mars-sde-1'];
  const config = { kind: 'steps', title: 'known', sets: [set], steps: [2, 1, 3], samplers };
  const outcome = await sweepSteps(
    parseExperiment(config, 'known') as StepsConfig,
    contextWith({ data: join(root, 'data'), folder: await temporaryFolder(), models: { default: model } }),
  );
  const [table] = outcome.tables;
  const degraded = meanOf(DIFFERENCES.map(decibelsAt));
  expect(table).toMatchObject({ title: 'boards: PSNR', titles: ['steps', '2', '1', '3'], note: 'Higher is better.' });
  // In the order of the configuration, and each below its own title.
  expect(table?.rows).toEqual([['mars-sde-1', ...[2, 1, 3].map((n) => (degraded + n * HALVED).toFixed(2))]]);
  const chart = outcome.charts.find(({ name }) => name === 'steps-boards-psnr')?.svg ?? '';
  for (const n of [1, 2, 3]) {
    expect(chart).toContain(`<title>mars-sde-1, ${n}: ${(degraded + n * HALVED).toPrecision(5)}</title>`);
  }
  // The report has the model's own settings only: one step.
  expect(outcome.results.map(({ name }) => name)).toEqual(['boards, mars-sde-1, 1']);
});
