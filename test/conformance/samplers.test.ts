/** What every sampler must do, run over all of them. A new sampler needs one line in `traits`, or this does not compile. */
import { describe, expect, test } from 'vitest';
import {
  SAMPLER_NAMES,
  type SamplerName,
  type SamplerRun,
  samplerNamed,
  samplers,
} from '../../src/diffusion/samplers/index.ts';
import type { StepReport } from '../../src/diffusion/samplers/sampler.ts';
import { MeanRevertingSde } from '../../src/diffusion/sde.ts';
import { GaussianToy, seededNoise } from './gaussian-toy.ts';

interface Traits {
  /** What the result follows: one path from x_T (`ode`), or the distribution of the reverse process (`sde`). */
  readonly follows: 'ode' | 'sde';
  /** Order of convergence: of the path for an ODE, of mean and variance (weak order) for an SDE. */
  readonly order: 1 | 2;
  /** Whether the last step, to t = 0, returns the prediction itself. */
  readonly endsInPrediction: boolean;
}

const traits: Record<SamplerName, Traits> = {
  'euler-maruyama': { follows: 'sde', order: 1, endsInPrediction: false },
  ode: { follows: 'ode', order: 1, endsInPrediction: false },
  posterior: { follows: 'sde', order: 1, endsInPrediction: true },
  'mars-ode-1': { follows: 'ode', order: 1, endsInPrediction: true },
  'mars-ode-2': { follows: 'ode', order: 2, endsInPrediction: true },
  'mars-sde-1': { follows: 'sde', order: 1, endsInPrediction: true },
};
const withTrait = (holds: (of: Traits) => boolean) => SAMPLER_NAMES.filter((name) => holds(traits[name]));

/** The measured slope may differ from the order by this much: the higher terms at the coarse end of the fit. */
const SLOPE_TOLERANCE = 0.1;
/** Step counts of the fits. Below 40, order 2 is not yet in its regime; above 640, float32 states show. */
const STEP_COUNTS = [40, 80, 160, 320, 640];
/** Error of mean plus standard deviation left at 640 steps: 1 % of the clean pixels' standard deviation, 0.3. */
const WEAK_ERROR_AT_FINEST = 3e-3;

/** T so large that the rounding of times to integers plays no part. */
const fine = new GaussianToy(new MeanRevertingSde({ schedule: 'cosine', T: 20_000, maxSigma: 128, eps: 0.005 }));
const paper = new GaussianToy(new MeanRevertingSde({ schedule: 'cosine', T: 100, maxSigma: 50, eps: 0.005 }));

/** Longer than one chunk of a weighted sum. */
const LENGTH = 1500;
const run = (options: Partial<SamplerRun> = {}): SamplerRun => ({
  sde: paper.sde,
  mu: paper.picture(LENGTH),
  steps: 7,
  predict: paper.predict,
  noise: seededNoise(1, LENGTH),
  ...options,
});
const invalid = (name: string) =>
  expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`for ${name}, received`) });

describe.each(SAMPLER_NAMES)('%s', (name) => {
  const sample = samplers[name];

  test('same noise, same bytes; other noise, another result', async () => {
    const first = await sample(run());
    expect(first.length).toBe(LENGTH);
    expect(await sample(run())).toEqual(first);
    // A noise source that ignores `out` is as good.
    expect(await sample(run({ noise: (draw) => seededNoise(1, LENGTH)(draw) }))).toEqual(first);
    expect(await sample(run({ noise: seededNoise(2, LENGTH) }))).not.toEqual(first);
  });

  test.each([1, 2, 7, 99, 100])('%i steps: one prediction and one report each, with falling times', async (steps) => {
    const reports: StepReport[] = [];
    const asked: number[] = [];
    const predict: SamplerRun['predict'] = (x, t) => {
      asked.push(t);
      return paper.predict(x, t);
    };
    const result = await sample(run({ steps, predict, onStep: (report) => void reports.push(report) }));
    expect(reports.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, k) => k + 1));
    expect(reports.every((report) => report.steps === steps)).toBe(true);
    expect(asked).toEqual([100, ...reports.slice(0, -1).map(({ t }) => t)]);
    expect(reports.every(({ t }, k) => t < (asked[k] as number))).toBe(true);
    expect(reports.at(-1)?.t).toBe(0);
    expect(reports.at(-1)?.x).toBe(result);
    expect(new Set(reports.map(({ x }) => x)).size).toBe(steps);
    expect(reports.every(({ x0 }) => x0.length === LENGTH)).toBe(true);
  });

  test('times given one by one are the times visited', async () => {
    const visited: number[] = [];
    await sample(run({ steps: [100, 60, 7, 0], onStep: ({ t }) => void visited.push(t) }));
    expect(visited).toEqual([60, 7, 0]);
  });

  test.each([0, -1, 101, 2.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d steps', async (steps) => {
    await expect(sample(run({ steps }))).rejects.toThrow(invalid('steps'));
  });

  test.each([[[]], [[100]], [[0]], [[99, 0]], [[100, 1]], [[100, 50, 50, 0]], [[100, 20, 30, 0]], [[100, 0.5, 0]]])(
    'refuses times %j',
    async (steps) => {
      await expect(sample(run({ steps }))).rejects.toThrow(invalid('times'));
    },
  );

  test('leaves mu and the states it hands out unchanged', async () => {
    const seen: [Float32Array, Float32Array][] = [];
    const mu = paper.picture(LENGTH);
    await sample(run({ mu, onStep: ({ x }) => void seen.push([x, x.slice()]) }));
    expect(mu).toEqual(paper.picture(LENGTH));
    for (const [x, copy] of seen) expect(x).toEqual(copy);
  });

  test('waits for the callback', async () => {
    let waiting = false;
    const predict: SamplerRun['predict'] = (x, t) => {
      expect(waiting).toBe(false);
      return paper.predict(x, t);
    };
    const onStep = async () => {
      waiting = true;
      await new Promise((resolve) => setTimeout(resolve));
      waiting = false;
    };
    await sample(run({ steps: 3, predict, onStep }));
  });

  test('stops between steps when cancelled, and hands the signal to the network', async () => {
    const controller = new AbortController();
    let steps = 0;
    const predict: SamplerRun['predict'] = (x, t, signal) => {
      expect(signal).toBe(controller.signal);
      return paper.predict(x, t);
    };
    const onStep = () => {
      if (++steps === 3) controller.abort();
    };
    const cancelled = expect.objectContaining({ code: 'CANCELLED' });
    await expect(sample(run({ predict, onStep, signal: controller.signal }))).rejects.toThrow(cancelled);
    expect(steps).toBe(3);
    await expect(sample(run({ predict, onStep, signal: controller.signal }))).rejects.toThrow(cancelled);
    expect(steps).toBe(3);
  });

  test('a value that is not finite stops the step and is located', async () => {
    const predict: SamplerRun['predict'] = async (x, t) => {
      const { noise, x0 } = await paper.predict(x, t);
      if (t < 50) noise[5] = x0[5] = Number.NaN;
      return { noise, x0 };
    };
    let steps = 0;
    const result = sample(run({ steps: [100, 60, 40, 20, 0], predict, onStep: () => void steps++ }));
    await expect(result).rejects.toThrow(
      expect.objectContaining({
        code: 'NON_FINITE',
        message: expect.stringMatching(/step 3 of 4.*40 to 20.*element 5/),
      }),
    );
    expect(steps).toBe(2);
  });

  test('a prediction or a draw of the wrong length is named', async () => {
    const failed = expect.objectContaining({
      code: 'RUNTIME_FAILED',
      message: expect.stringContaining('expected 1500'),
    });
    const short = async () => ({ noise: new Float32Array(9), x0: new Float32Array(9) });
    await expect(sample(run({ predict: short }))).rejects.toThrow(failed);
    await expect(sample(run({ noise: () => new Float32Array(9) }))).rejects.toThrow(failed);
  });

  test('a failing network or callback fails the run', async () => {
    const fail = async () => Promise.reject(new Error('lost the device'));
    await expect(sample(run({ predict: fail }))).rejects.toThrow('lost the device');
    await expect(sample(run({ onStep: fail }))).rejects.toThrow('lost the device');
  });
});

test.each(withTrait(({ endsInPrediction }) => endsInPrediction))(
  '%s: the last step returns the prediction, so that one step is x0_hat at T',
  async (name) => {
    for (const steps of [1, 2, 100]) {
      const predictions: Float32Array[] = [];
      const result = await samplers[name](run({ steps, onStep: ({ x0 }) => void predictions.push(x0) }));
      expect(result).toEqual(predictions.at(-1));
    }
  },
);

test.each([100, 9, 2])('posterior and mars-sde-1 are one sampler (%i steps)', async (steps) => {
  const [a, b] = [await samplers.posterior(run({ steps })), await samplers['mars-sde-1'](run({ steps }))];
  // The two forms round differently: 1e-6 is a few units in the last place of float32 values near 1.
  expect(Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number))))).toBeLessThan(1e-6);
});

/** Slope of ln(error) over ln(1/steps), least squares. */
function orderOf(errors: readonly number[]): number {
  const points = errors.map((error, i) => [-Math.log(STEP_COUNTS[i] as number), Math.log(error)] as const);
  const [meanX, meanY] = [0, 1].map((axis) => points.reduce((sum, p) => sum + (p[axis] as number), 0) / points.length);
  const slope = (by: 0 | 1) =>
    points.reduce((sum, p) => sum + (p[0] - (meanX as number)) * (p[by] - ((by ? meanY : meanX) as number)), 0);
  return slope(1) / slope(0);
}

describe('convergence to the closed form as steps grow', () => {
  test.each(withTrait(({ follows }) => follows === 'ode'))('%s: the path of the ODE', async (name) => {
    const z = Float32Array.from({ length: 51 }, (_, i) => (i - 25) / 10);
    const errors: number[] = [];
    for (const steps of STEP_COUNTS) {
      const x = await samplers[name]({
        sde: fine.sde,
        predict: fine.predict,
        mu: fine.picture(51),
        steps,
        noise: () => z,
      });
      errors.push(Math.max(...x.map((value, i) => Math.abs(value - fine.odeSolution(z[i] as number)))));
    }
    expect(Math.abs(orderOf(errors) - traits[name].order)).toBeLessThan(SLOPE_TOLERANCE);
  });

  test.each(withTrait(({ follows }) => follows === 'sde'))('%s: mean and variance, without chance', async (name) => {
    const exact = fine.sdeSolution();
    const errors: number[] = [];
    for (const steps of STEP_COUNTS) {
      // The result is affine in the draws. Pixel 0 gets no noise, so it is the mean; pixel k + 1 gets a 1 in draw k alone,
      // so its distance from pixel 0 is the weight of that draw, and the squares of the weights sum to the variance.
      const length = steps + 2;
      const unit = (draw: number) => new Float32Array(length).fill(1, draw + 1, draw + 2);
      const x = await samplers[name]({
        sde: fine.sde,
        predict: fine.predict,
        mu: fine.picture(length),
        steps,
        noise: unit,
      });
      const mean = x[0] as number;
      const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      errors.push(Math.abs(mean - exact.mean) + Math.abs(Math.sqrt(variance) - Math.sqrt(exact.variance)));
    }
    expect(Math.abs(orderOf(errors) - traits[name].order)).toBeLessThan(SLOPE_TOLERANCE);
    expect(errors.at(-1)).toBeLessThan(WEAK_ERROR_AT_FINEST);
  });

  test.each(withTrait(({ follows }) => follows === 'sde'))('%s: mean and variance of drawn pictures', async (name) => {
    const n = 10_000;
    const { mean, variance } = fine.sdeSolution();
    const x = await samplers[name]({
      sde: fine.sde,
      predict: fine.predict,
      mu: fine.picture(n),
      steps: 320,
      noise: seededNoise(3, n),
    });
    const sampleMean = x.reduce((sum, value) => sum + value, 0) / n;
    const sampleVariance = x.reduce((sum, value) => sum + (value - sampleMean) ** 2, 0) / (n - 1);
    // Four standard errors (1 run in 16000 outside, and the seed is fixed), plus twice the error at 640 steps.
    const bias = 2 * WEAK_ERROR_AT_FINEST;
    expect(Math.abs(sampleMean - mean)).toBeLessThan(4 * Math.sqrt(variance / n) + bias);
    expect(Math.abs(Math.sqrt(sampleVariance / variance) - 1)).toBeLessThan(
      4 / Math.sqrt(2 * n) + bias / Math.sqrt(variance),
    );
  });
});

describe('samplerNamed', () => {
  test('finds every sampler', () => {
    for (const name of SAMPLER_NAMES) expect(samplerNamed(name)).toBe(samplers[name]);
  });

  test.each(['ddim', '', 'toString'])('refuses %j and lists the names', (name) => {
    expect(() => samplerNamed(name)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('mars-sde-1') }),
    );
  });
});
