import { describe, expect, test } from 'vitest';
import { batchWeights, objectiveWeights } from './objective.ts';
import { toEstimates } from './parameterisation.ts';
import { MeanRevertingSde } from './sde.ts';
import { timeGrid } from './time-grid.ts';
import { weightedSum } from './weighted-sum.ts';

const sde = new MeanRevertingSde({ schedule: 'cosine', T: 100, maxSigma: 50, eps: 0.005 });
const picture = (seed: number) => Float32Array.from({ length: 50 }, (_, i) => 0.5 + 0.4 * Math.sin(seed * i + seed));
const [x0, mu, z, output] = [picture(0.3), picture(0.7), picture(1.9), picture(0.35)];

describe.each(['noise', 'data'] as const)('%s prediction', (parameterisation) => {
  test.each([1, 2, 50, 100])('both estimates describe the same state at t = %i', (t) => {
    const x = weightedSum(sde.marginal(t), { x0, mu, noise: z });
    const estimates = toEstimates(parameterisation, output, { sde, x, mu, t });
    expect(estimates[parameterisation === 'noise' ? 'noise' : 'x0']).toBe(output);
    const again = weightedSum(sde.marginal(t), { x0: estimates.x0, mu, noise: estimates.noise });
    again.forEach((value, i) => {
      expect(value).toBeCloseTo(x[i] as number, 5);
    });
  });

  test.each([1, 2, 50, 100])('the weights of E are the Euler step with the estimated score at t = %i', (t) => {
    const x = weightedSum(sde.marginal(t), { x0, mu, noise: z });
    const { noise } = toEstimates(parameterisation, output, { sde, x, mu, t });
    const score = weightedSum(sde.scoreFromNoise(t), { noise });
    const expected = weightedSum(sde.sdeReverseMean(t), { x, mu, score });
    const actual = weightedSum(objectiveWeights(sde, parameterisation, t).eulerMean, { x, mu, output });
    actual.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 5);
    });
  });

  test('a batch holds the weights of each sample in its column', () => {
    const times = [100, 1, 37];
    const batch = batchWeights(sde, parameterisation, times);
    times.forEach((t, n) => {
      for (const [part, weights] of Object.entries(objectiveWeights(sde, parameterisation, t))) {
        const columns = batch[part as keyof typeof batch] as Record<string, Float32Array>;
        expect(Object.keys(columns).sort()).toEqual(Object.keys(weights).sort());
        for (const [name, weight] of Object.entries<number>(weights))
          expect(columns[name]?.[n]).toBe(Math.fround(weight));
      }
    });
  });
});

test('with data prediction the weight of x0_hat falls with t', () => {
  const weights = timeGrid(sde.T, sde.T)
    .slice(0, -1)
    .map((t) => objectiveWeights(sde, 'data', t).eulerMean.output);
  weights.slice(1).forEach((weight, i) => {
    expect(weight).toBeGreaterThan(weights[i] as number);
  });
});

describe('timeGrid', () => {
  test.each([1, 2, 3, 7, 99, 100])('%i steps fall strictly from T to 0, as evenly as integers allow', (steps) => {
    const times = timeGrid(100, steps);
    expect(times.length).toBe(steps + 1);
    expect([times[0], times.at(-1)]).toEqual([100, 0]);
    times.slice(1).forEach((t, k) => {
      expect(Math.abs((times[k] as number) - t - 100 / steps)).toBeLessThan(1);
    });
  });

  test.each([0, -1, 101, 1.5, Number.NaN])('refuses %d steps', (steps) => {
    expect(() => timeGrid(100, steps)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});
