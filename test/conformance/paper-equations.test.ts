/** The samplers that the paper writes per step must be its equations exactly, written here a second time by hand. */
import { describe, expect, test } from 'vitest';
import { type SamplerName, samplers } from '../../src/diffusion/samplers/index.ts';
import { MeanRevertingSde } from '../../src/diffusion/sde.ts';
import { GaussianToy, seededNoise } from './gaussian-toy.ts';

const LENGTH = 300;
/** Float32 states over 100 steps: each step may round by 6e-8, and Euler's steps amplify it slightly. */
const TOLERANCE = 1e-5;
const paper = new GaussianToy(new MeanRevertingSde({ schedule: 'cosine', T: 100, maxSigma: 50, eps: 0.005 }));

describe('with T steps, the equations of the paper with theta_t, sigma_t and dt', () => {
  const { theta, sigma, sigmaBar, thetaCumsum, dt, lambda, T } = paper.sde;
  type Step = (at: { t: number; x: number; x0: number; score: number; z: number }) => number;
  const { mu } = paper;
  const at = (table: Float64Array, t: number) => table[t] as number;
  const equations: [SamplerName, Step][] = [
    [
      'euler-maruyama',
      ({ t, x, score, z }) =>
        x - (at(theta, t) * (mu - x) - at(sigma, t) ** 2 * score) * dt - at(sigma, t) * Math.sqrt(dt) * z,
    ],
    ['ode', ({ t, x, score }) => x - (at(theta, t) * (mu - x) - 0.5 * at(sigma, t) ** 2 * score) * dt],
    [
      'posterior',
      ({ t, x, x0, z }) => {
        const A = Math.exp(-at(theta, t) * dt);
        const B = Math.exp(-at(thetaCumsum, t) * dt);
        const C = Math.exp(-at(thetaCumsum, t - 1) * dt);
        const optimum =
          ((A * (1 - C ** 2)) / (1 - B ** 2)) * (x - mu) + ((C * (1 - A ** 2)) / (1 - B ** 2)) * (x0 - mu) + mu;
        return optimum + lambda * Math.sqrt(((1 - A ** 2) * (1 - C ** 2)) / (1 - B ** 2)) * z;
      },
    ],
  ];

  test.each(equations)('%s', async (name, equation) => {
    const noise = seededNoise(1, LENGTH);
    let x = noise(0).map((z) => mu + lambda * z);
    for (let t = T; t >= 1; t--) {
      const estimates = await paper.predict(x, t);
      const z = noise(T - t + 1);
      x = x.map((value, i) =>
        equation({
          t,
          x: value,
          x0: estimates.x0[i] as number,
          score: -(estimates.noise[i] as number) / at(sigmaBar, t),
          z: z[i] as number,
        }),
      );
    }
    const result = await samplers[name]({
      sde: paper.sde,
      predict: paper.predict,
      mu: paper.picture(LENGTH),
      steps: T,
      noise,
    });
    expect(Math.max(...x.map((value, i) => Math.abs(value - (result[i] as number))))).toBeLessThan(TOLERANCE);
  });
});
