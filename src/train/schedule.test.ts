import { describe, expect, it } from 'vitest';
import { parseTrainConfig, type TrainConfig } from './config.ts';
import { cosineSchedule, learningRateAt, scalarsOf } from './schedule.ts';

function configure(optimiser: object, average: object = {}): TrainConfig {
  const data = { roots: { photos: ['photos'] }, tasks: { haze: 0 } };
  const value = { preset: 'tiny', steps: 10, data, optimiser: { learningRate: 0.05, ...optimiser }, average };
  return parseTrainConfig(value, 'test');
}

describe('what changes from step to step', () => {
  it('the average is updated every k-th step and left alone between', () => {
    const config = configure({}, { decay: 0.995, every: 4 });
    const decays = Array.from({ length: 9 }, (_, i) => scalarsOf(config, 10_000 + i, 0).averageDecay);
    expect(decays).toEqual([1, 1, 1, 0.995, 1, 1, 1, 0.995, 1]);
  });

  it('the average forgets what the run began with', () => {
    const config = configure({}, { decay: 0.999, every: 1 });
    const decays = Array.from({ length: 500 }, (_, step) => scalarsOf(config, step, 0).averageDecay ?? Number.NaN);
    expect(decays[0]).toBeCloseTo(2 / 11, 12);
    expect(decays.reduce((kept, decay) => kept * decay, 1)).toBeLessThan(1e-6);
    expect(decays).toEqual([...decays].sort((a, b) => a - b));
    expect(scalarsOf(config, 1_000_000, 0).averageDecay).toBe(0.999);
  });

  it('the corrections count steps from one', () => {
    const config = configure({ betas: [0.9, 0.99] });
    expect(scalarsOf(config, 0, 0)).toMatchObject({ correction1: 1 - 0.9, correction2: 1 - 0.99 });
    expect(scalarsOf(config, 9, 0)).toMatchObject({ correction1: 1 - 0.9 ** 10, correction2: 1 - 0.99 ** 10 });
  });

  it('the learning rate warms up by steps and then follows the progress of the run', () => {
    const config = configure({ learningRate: 0.1, floor: 0.01, warmup: 4 });
    const rate = (step: number, fraction: number) => learningRateAt(config, step, fraction);
    expect([0, 1, 2, 3].map((step) => rate(step, 0.3))).toEqual([0.025, 0.05, 0.1 * 0.75, 0.1]);
    expect(rate(4, 0)).toBeCloseTo(0.1, 12);
    expect(rate(4, 0.5)).toBeCloseTo(0.055, 12);
    expect(rate(4, 1)).toBeCloseTo(0.01, 12);
    expect(scalarsOf(config, 2, 0.3)).toMatchObject({ learningRate: rate(2, 0.3) });
  });

  it.each([
    [undefined, 1],
    [0.025, 0.25],
  ])('the second learning rate (%s) is in proportion to the first', (otherLearningRate, share) => {
    const config = configure({ kind: 'muon', learningRate: 0.1, floor: 0.01, warmup: 4, otherLearningRate });
    for (const [step, fraction] of [
      [0, 0],
      [3, 0.1],
      [4, 0.2],
      [9, 0.9],
      [10, 1],
    ] as const) {
      const { learningRate = 0, otherLearningRate: other } = scalarsOf(config, step, fraction);
      expect(learningRate).toBe(learningRateAt(config, step, fraction));
      expect(other).toBeCloseTo(share * learningRate, 12);
    }
  });
});

describe('cosineSchedule', () => {
  const options = { peak: 1, floor: 0.1, warmup: 5, total: 25 };
  const rates = Array.from({ length: 40 }, (_, step) => cosineSchedule(step, options));

  it('rises in a line to the peak, which it reaches at the end of the warm-up', () => {
    rates.slice(0, 5).forEach((rate, step) => {
      expect(rate).toBeCloseTo((step + 1) / 5, 12);
    });
    expect(rates[5]).toBe(1);
  });

  it('falls along half a cosine to the floor, and stays there', () => {
    for (let step = 6; step <= 25; step++) expect(rates[step]).toBeLessThan(rates[step - 1] as number);
    expect(rates[10]).toBeCloseTo(0.1 + 0.9 * (0.5 + 0.5 * Math.SQRT1_2), 12);
    expect(rates[15]).toBeCloseTo(0.55, 12);
    expect(rates.slice(25).every((rate) => Math.abs(rate - 0.1) < 1e-12)).toBe(true);
  });

  it('without warm-up starts at the peak; a run shorter than its warm-up never divides by zero', () => {
    expect(cosineSchedule(0, { ...options, warmup: 0 })).toBe(1);
    expect(cosineSchedule(9, { peak: 1, floor: 0, warmup: 5, total: 5 })).toBeCloseTo(0, 12);
  });
});
