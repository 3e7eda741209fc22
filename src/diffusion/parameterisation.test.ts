import { describe, expect, it } from 'vitest';
import { toEstimates } from './parameterisation.ts';
import { MeanRevertingSde } from './sde.ts';

const sde = new MeanRevertingSde({ schedule: 'cosine', T: 100, maxSigma: 50, eps: 0.005 });
const t = 60;
const x = Float32Array.of(0.4, -0.1, 0.9);
const mu = Float32Array.of(0.5, 0, 1);

describe('the two forms of a prediction', () => {
  it('of the data and of the noise are one: each gives the other back', () => {
    const x0 = Float32Array.of(0.3, 0.2, 0.7);
    const fromData = toEstimates('data', x0, { sde, x, mu, t });
    const fromNoise = toEstimates('noise', fromData.noise, { sde, x, mu, t });
    expect(fromData.x0).toBe(x0);
    x0.forEach((value, i) => {
      expect(fromNoise.x0[i]).toBeCloseTo(value, 4);
    });
  });

  it('the noise behind a prediction of the data is computed when it is read, once', () => {
    const x0 = Float32Array.of(0.3, 0.2, 0.7);
    const estimates = toEstimates('data', x0, { sde, x, mu, t });
    x0[0] = 0.9;
    const first = estimates.noise;
    expect(first).toBe(estimates.noise);
    expect(first).toEqual(toEstimates('data', x0, { sde, x, mu, t }).noise);
  });
});
