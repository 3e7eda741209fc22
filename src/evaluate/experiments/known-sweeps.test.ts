/**
 * Sweeps over steps and samplers with a restorer whose every result tells when it was made: what is measured in which order,
 * which cell has it, and how the time is shared out.
 */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { fakeModel } from '../../../test/support/fake-model.ts';
import { contextWith, decibelsAt, GREY, writeBoards } from '../../../test/support/known-systems.ts';
import { temporaryFolder } from '../../../test/support/pictures.ts';
import type { LpipsScorer } from '../weights/scorers.ts';
import { parseExperiment, type StepsConfig } from './config.ts';
import type { Outcome } from './outcome.ts';
import { sweepSteps } from './steps.ts';

const root = await temporaryFolder();
const set = { kind: 'data', folder: 'boards' };
const sets = [
  { ...set, name: 'two', limit: 2 },
  { ...set, name: 'gone', folder: 'nowhere' },
  { ...set, name: 'one', limit: 1 },
];
const seen: [number, string][] = [];
let outcome: Outcome;

beforeAll(async () => {
  await writeBoards(join(root, 'boards'), [8, 16]);
  let restorations = 0;
  const model = fakeModel({
    predict: ({ mu, t }) => {
      if (t === 100) restorations++;
      return new Float32Array(mu.length).fill((GREY + restorations) / 255);
    },
  });
  const samplers = ['mars-sde-1', 'mars-ode-1'];
  const config = parseExperiment({ kind: 'steps', title: 'known', sets, steps: [3, 1], samplers }, 'known');
  const known = contextWith({ data: root, folder: await temporaryFolder(), models: { default: model } });
  // A measure of which less is better.
  const lpips = { score: async () => 0.125 } as unknown as LpipsScorer;
  const context = { ...known, meters: { ...known.meters, lpips } };
  outcome = await sweepSteps(config as StepsConfig, { ...context, onProgress: (...all) => void seen.push(all) });
});

/** Means of the PSNR of restorations, by their numbers. */
const meanOf = (...numbers: number[]) => numbers.reduce((sum, n) => sum + decibelsAt(n), 0) / numbers.length;
/** Few steps first, and of each all samplers, and of each all sets. */
const ORDER = [
  { steps: 1, sampler: 'mars-sde-1', set: 'two', psnr: meanOf(1, 2) },
  { steps: 1, sampler: 'mars-sde-1', set: 'one', psnr: meanOf(3) },
  { steps: 1, sampler: 'mars-ode-1', set: 'two', psnr: meanOf(4, 5) },
  { steps: 1, sampler: 'mars-ode-1', set: 'one', psnr: meanOf(6) },
  { steps: 3, sampler: 'mars-sde-1', set: 'two', psnr: meanOf(7, 8) },
  { steps: 3, sampler: 'mars-sde-1', set: 'one', psnr: meanOf(9) },
  { steps: 3, sampler: 'mars-ode-1', set: 'two', psnr: meanOf(10, 11) },
  { steps: 3, sampler: 'mars-ode-1', set: 'one', psnr: meanOf(12) },
];
const psnrOf = (...of: [set: string, sampler: string, steps: number]) =>
  ORDER.find((one) => one.set === of[0] && one.sampler === of[1] && one.steps === of[2])?.psnr ?? Number.NaN;

it('begins with few steps, and goes through samplers and sets', () => {
  expect(outcome.details).toEqual(
    ORDER.map(({ psnr, ...of }) => ({
      ...of,
      mean: expect.objectContaining({ psnr: expect.closeTo(psnr, 4) }),
      secondsEach: expect.any(Number),
    })),
  );
  expect(outcome.missing).toEqual([expect.stringMatching(/^gone: not available/)]);
});

it('has a table and a chart for each set and score, a row for each sampler, steps as they are given', () => {
  const scores = ['PSNR', 'SSIM', 'LPIPS'];
  const all = ['two', 'one'].flatMap((name) => scores.map((score) => [name, score]));
  expect(outcome.tables.map(({ title }) => title)).toEqual(all.map((one) => one.join(': ')));
  expect(outcome.charts.map(({ name }) => name)).toEqual(all.map((one) => `steps-${one.join('-').toLowerCase()}`));
  expect(outcome.tables.slice(0, 3).map(({ note }) => note)).toEqual([
    ...['Higher is better.', 'Higher is better.', 'Lower is better.'],
  ]);
  expect(outcome.tables[2]?.rows[0]).toEqual(['mars-sde-1', '0.1250', '0.1250']);
  for (const [i, name] of [
    [0, 'two'],
    [3, 'one'],
  ] as const) {
    expect(outcome.tables[i]).toMatchObject({ titles: ['steps', '3', '1'] });
    expect(outcome.tables[i]?.rows).toEqual(
      ['mars-sde-1', 'mars-ode-1'].map((sampler) => [
        sampler,
        ...[3, 1].map((steps) => psnrOf(name, sampler, steps).toFixed(2)),
      ]),
    );
  }
  const [psnr, ssim] = outcome.charts.map(({ svg }) => svg);
  expect(psnr).toContain('>PSNR (dB)<');
  expect(ssim).not.toContain('(dB)');
  // Along the axis they rise: 1 at the left, 3 at the right.
  const below = [...(psnr ?? '').matchAll(/<text x="([^"]+)" y="294.0"[^>]*>([^<]+)</g)];
  expect(below.map(([, x, text]) => [Number(x), text])).toEqual([
    [66, '1'],
    [402, '3'],
  ]);
});

it("shows the model's own sampler and steps alone", () => {
  expect(outcome.results.map(({ name }) => name)).toEqual(['two, mars-sde-1, 1', 'one, mars-sde-1, 1']);
});

it('measures a set anew where its description says something else', async () => {
  const folder = await temporaryFolder();
  const callsOf = async (centre: number) => {
    const model = fakeModel({ predict: ({ mu }) => mu });
    const own = [{ ...set, name: 'own', limit: 1, centre }];
    const config = parseExperiment({ kind: 'steps', title: 't', sets: own, steps: [1], samplers: ['ode'] }, 't');
    await sweepSteps(config as StepsConfig, contextWith({ data: root, folder, models: { default: model } }));
    return model.calls.length;
  };
  expect([await callsOf(32), await callsOf(32), await callsOf(48)]).toEqual([1, 0, 1]);
});

it('shares its time out by steps and pictures, to the end', () => {
  const begun = [...new Set(seen.map(([, text]) => text))].map((text) => seen.find((one) => one[1] === text)?.[0]);
  // Three pictures, two samplers, four steps in all: 24 parts.
  const parts = [0, 1, 2, 3, 4, 5, 6, 9, 12, 15, 18, 21];
  expect(begun).toEqual(parts.map((part) => expect.closeTo(part / 24, 9)));
  const fractions = seen.map(([fraction]) => fraction);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  expect(fractions.at(-1)).toBeCloseTo(1, 9);
});
