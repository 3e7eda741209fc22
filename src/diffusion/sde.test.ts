import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ClearwordError } from '../errors.ts';
import { objectiveWeights } from './objective.ts';
import { toEstimates } from './parameterisation.ts';
import type { Schedule } from './schedule.ts';
import { MeanRevertingSde, type SdeConfig } from './sde.ts';
import { weightedSum } from './weighted-sum.ts';

/**
 * Tables, largest error over the largest entry: the reference takes 1 - cos^2 and the sums of T terms in float32 (an
 * absolute error near 1e-7, so no tighter for the small entries of a table), this code in float64.
 */
const TABLE_RELATIVE = 2e-6;
/** Pictures and scalars, absolute on values of order 1; larger tensors (scores) are measured against their largest value. */
const STEP_ABSOLUTE = 2e-4;

interface Wave {
  shape: number[];
  frequency: number;
  phase: number;
  inputOffset: number;
  inputAmplitude: number;
}
interface Tables {
  theta: number[];
  sigma: number[];
  thetaCumsum: number[];
  sigmaBar: number[];
}
interface Fixture {
  inputs: Record<'x0' | 'mu' | 'noise' | 'predictedNoise', Wave>;
  schedules: Record<string, Tables & { schedule: Schedule; T: number; eps: number; maxSigma: number; dt: number }>;
  steps: (Record<string, number[]> & { t: number; sigmaBar: number })[];
}

const fixture = JSON.parse(
  readFileSync(new URL('../../test/fixtures/mean-reverting-sde.json', import.meta.url), 'utf8'),
) as Fixture;

/** value = inputOffset + inputAmplitude * sin(frequency*k + phase), as the fixture's `formula` says. */
function wave({ shape, frequency, phase, inputOffset, inputAmplitude }: Wave): Float32Array {
  const length = shape.reduce((product, side) => product * side, 1);
  return Float32Array.from({ length }, (_, k) => inputOffset + inputAmplitude * Math.sin(frequency * k + phase));
}

/** The fixture gives lambda (0..1 scale) as maxSigma. */
function sdeOf({ schedule, T, eps, maxSigma }: Fixture['schedules'][string]): MeanRevertingSde {
  return new MeanRevertingSde({ schedule, T, eps, maxSigma: maxSigma * 255 });
}

/** Largest |actual - expected|, over the largest |expected| where that exceeds `unit`. */
function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>, unit = 1): number {
  expect(actual.length).toBe(expected.length);
  expect(expected.length).toBeGreaterThan(0);
  const differences = Array.from(expected, (value, i) => Math.abs((actual[i] as number) - value));
  expect(differences.every(Number.isFinite)).toBe(true);
  return Math.max(...differences) / Math.max(unit, ...Array.from(expected, Math.abs));
}

describe.each(Object.entries(fixture.schedules))('schedule %s', (_, expected) => {
  const sde = sdeOf(expected);

  test('dt', () => expect(Math.abs(sde.dt / expected.dt - 1)).toBeLessThan(TABLE_RELATIVE));

  test.each(['theta', 'sigma', 'thetaCumsum', 'sigmaBar'] as const)('%s, the whole table', (name) => {
    expect(sde[name].length).toBe(expected.T + 1);
    expect(largestError(sde[name], expected[name], Number.MIN_VALUE)).toBeLessThan(TABLE_RELATIVE);
  });
});

// The fixture's steps do not name their schedule; it is the one whose sigmaBar they carry.
const stepSchedules = Object.values(fixture.schedules).filter(({ T, sigmaBar }) =>
  fixture.steps.every((step) => step.t <= T && Math.abs((sigmaBar[step.t] as number) - step.sigmaBar) < 1e-7),
);

describe('steps', () => {
  test('belong to exactly one schedule', () => expect(stepSchedules.length).toBe(1));

  test.each(fixture.steps)('t = $t: every value', (step) => {
    const sde = sdeOf(stepSchedules[0] as Fixture['schedules'][string]);
    const { t } = step;
    const [x0, mu, z, noise] = (['x0', 'mu', 'noise', 'predictedNoise'] as const).map((name) =>
      wave(fixture.inputs[name]),
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];

    const xt = weightedSum(sde.marginal(t), { x0, mu, noise: z });
    const realNoise = weightedSum(sde.noiseFromX0(t), { x: xt, mu, x0 });
    const score = weightedSum(sde.scoreFromNoise(t), { noise });
    const { eulerMean, optimum } = objectiveWeights(sde, 'noise', t);
    const E = weightedSum(eulerMean, { x: xt, mu, output: noise });
    const O = weightedSum(optimum, { x: xt, x0, mu });
    const computed: Record<string, ArrayLike<number>> = {
      t: [t],
      muBar: weightedSum(sde.muBar(t), { x0, mu }),
      sigmaBar: [sde.std(t)],
      xt,
      realNoise,
      realScore: weightedSum(sde.scoreFromNoise(t), { noise: realNoise }),
      score,
      sdeReverseMean: weightedSum(sde.sdeReverseMean(t), { x: xt, mu, score }),
      odeReverse: weightedSum(sde.odeReverse(t), { x: xt, mu, score }),
      optimum: weightedSum(sde.optimum(t), { x: xt, x0, mu }),
      posteriorStd: [sde.posteriorStd(t)],
      x0FromNoise: toEstimates('noise', noise, { sde, x: xt, mu, t }).x0,
      dispersionStd: [sde.dispersionStd(t)],
      matchingLossL1: [E.reduce((sum, value, i) => sum + Math.abs(value - (O[i] as number)), 0) / E.length],
    };
    // Both ways: no value of the fixture is left out, and none is made up.
    expect(Object.keys(computed).sort()).toEqual(Object.keys(step).sort());
    for (const [name, values] of Object.entries(computed)) {
      const expected = [step[name] as number[] | number].flat();
      expect(largestError(values, expected), name).toBeLessThan(STEP_ABSOLUTE);
    }
  });
});

const PAPER: SdeConfig = { schedule: 'cosine', T: 100, maxSigma: 50, eps: 0.005 };

describe('MeanRevertingSde', () => {
  const sde = new MeanRevertingSde(PAPER);

  test('leaves the share eps of x0 at t = T, and nothing but x0 at t = 0', () => {
    expect(sde.alpha(100)).toBeCloseTo(PAPER.eps, 12);
    expect(sde.muBar(0)).toEqual({ x0: 1, mu: 0 });
    expect(sde.std(0)).toBe(0);
    expect(sde.logSnr(0)).toBe(Number.POSITIVE_INFINITY);
  });

  test('the Euler drift over one step is the instantaneous drift times dt', () => {
    const t = 60;
    const rate = (sde.theta[t] as number) * sde.dt;
    expect(sde.sdeReverseMean(t).mu).toBeCloseTo(-rate, 12);
    expect(sde.sdeReverseMean(t).score).toBeCloseTo((sde.sigma[t] as number) ** 2 * sde.dt, 12);
    expect(sde.odeReverse(t).score).toBeCloseTo((sde.sigma[t] as number) ** 2 * sde.dt * 0.5, 12);
  });

  test('a posterior step from t to r keeps the marginal of x_r', () => {
    // x_t ~ muBar_t + sigmaBar_t n goes to optimum(x_t, x0) + posteriorStd z, which must again be muBar_r + sigmaBar_r n.
    for (const [t, r] of [
      [100, 99],
      [100, 40],
      [37, 3],
      [2, 1],
    ] as const) {
      const step = sde.optimum(t, r);
      expect(step.x * sde.alpha(t) + step.x0).toBeCloseTo(sde.alpha(r), 12);
      expect(Math.hypot(step.x * sde.std(t), sde.posteriorStd(t, r))).toBeCloseTo(sde.std(r), 12);
    }
  });

  test.each<[string, Partial<SdeConfig>]>([
    ['schedule', { schedule: 'quadratic' as Schedule }],
    ['T', { T: 0 }],
    ['T', { T: 2.5 }],
    ['T', { T: 1e9 }],
    ['maxSigma', { maxSigma: 0 }],
    ['maxSigma', { maxSigma: 256 }],
    ['maxSigma', { maxSigma: Number.NaN }],
    ['eps', { eps: 0 }],
    ['eps', { eps: 1 }],
  ])('refuses a wrong %s: %o', (name, wrong) => {
    expect(() => new MeanRevertingSde({ ...PAPER, ...wrong })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`for sde.${name}, received`),
      }),
    );
  });

  test('refuses a time outside of the process, and t = 0 where a step starts', () => {
    for (const call of [() => sde.std(101), () => sde.alpha(1.5), () => sde.optimum(0), () => sde.noiseFromX0(0)]) {
      expect(call).toThrow(ClearwordError);
    }
  });
});
