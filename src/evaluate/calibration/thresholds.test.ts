import { describe, expect, it } from 'vitest';
import { calibrate, calibrated, fitTemperature, type Judgement, thresholdFor } from './thresholds.ts';

const judgement = (probability: number, present: boolean): Judgement => ({ probability, present });

describe('thresholdFor', () => {
  it('lets through no more than the share', () => {
    const values = Array.from({ length: 200 }, (_, i) => i / 200);
    const threshold = thresholdFor(values, 0.01);
    expect(values.filter((value) => value >= threshold)).toEqual([198 / 200, 199 / 200]);
  });

  it('lets none through where the share is less than one of them', () => {
    const threshold = thresholdFor([0.2, 0.7, 0.4], 0.01);
    expect(threshold).toBeCloseTo(0.7001, 6);
  });
});

describe('fitTemperature', () => {
  it('finds the temperature that logits were multiplied by', () => {
    // Of pictures with the logit x, sigmoid(x) have it; the network says sigmoid(2 x).
    const judgements = Array.from({ length: 61 }, (_, i) => (i - 30) / 10).flatMap((x) => {
      const [truth, said] = [1 / (1 + Math.exp(-x)), 1 / (1 + Math.exp(-2 * x))];
      const there = Math.round(1000 * truth);
      return [
        ...Array.from({ length: there }, () => judgement(said, true)),
        ...Array.from({ length: 1000 - there }, () => judgement(said, false)),
      ];
    });
    expect(fitTemperature(judgements)).toBeCloseTo(2, 5);
  });
});

describe('calibrate', () => {
  const absent = Array.from({ length: 100 }, (_, i) => judgement(i < 2 ? 0.9 : 0.1 + 0.002 * i, false));
  const there = Array.from({ length: 50 }, (_, i) => judgement(i < 5 ? 0.3 : 0.95, true));

  it('treats one in a hundred at most, and says what it misses', () => {
    const { found, perhaps, falseRate, missedRate, temperature } = calibrate([...absent, ...there]);
    expect(falseRate).toBe(0);
    expect(missedRate).toBe(0.1);
    expect(found).toBeGreaterThan(calibrated(0.9, temperature));
    expect(found).toBeLessThan(calibrated(0.95, temperature));
    expect(perhaps).toBeLessThanOrEqual(found);
  });

  it('gives each of several degradations its part of the one in a hundred', () => {
    // Of 1000, ten may be treated for one degradation alone, and two for one of five.
    const thousand = Array.from({ length: 1000 }, (_, i) => judgement(i < 10 ? 0.94 - 0.001 * i : 0.1, false));
    const rateOf = (degradations: number) => calibrate([...thousand, ...there], '', degradations).falseRate;
    expect(rateOf(1)).toBe(0.01);
    expect(rateOf(5)).toBe(0.002);
    expect(rateOf(20)).toBe(0);
  });

  it('is sure of what it removes, and surer where a picture may be so on purpose', () => {
    const all = [...absent.slice(2), ...there];
    expect(calibrate(all, 'darkness').found).toBe(0.977);
    expect(calibrate(all, 'noise').found).toBe(0.9);
    expect(calibrate(all, 'noise')).toEqual(calibrate(all));
  });

  it('leaves out what is unclear', () => {
    const unclear = { ...judgement(0.99, false), unclear: true };
    const plain = calibrate([...absent, ...there]);
    expect(calibrate([...absent, ...there, unclear, unclear, unclear])).toEqual(plain);
  });

  it('refuses one side alone', () => {
    expect(() => calibrate(there)).toThrow('with and without');
  });
});
