import { describe, expect, it } from 'vitest';
import { calibrate, calibrated, fitTemperature, type Sighting, thresholdFor } from './thresholds.ts';

const judgement = (probability: number, present: boolean, strength = 0.5): Sighting => ({
  probability,
  present,
  strength,
});

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

  it('lets everything above 0 through where the share is all', () => {
    expect(thresholdFor([0.2, 0.7], 1)).toBe(1e-4);
  });
});

describe('calibrated', () => {
  it('divides the logit by the temperature', () => {
    // A square root of the odds 0.8 / 0.2.
    expect(calibrated(0.8, 2)).toBeCloseTo(2 / 3, 12);
    expect(calibrated(0.2, 2)).toBeCloseTo(1 / 3, 12);
    expect(calibrated(0.3, 1)).toBeCloseTo(0.3, 12);
  });

  it('takes 0 and 1 for 1e-7 away from them, whose logits are finite', () => {
    const odds = Math.sqrt(1e-7 / (1 - 1e-7));
    expect(calibrated(1, 2)).toBeCloseTo(1 / (1 + odds), 12);
    expect(calibrated(0, 2)).toBeCloseTo(odds / (1 + odds), 12);
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

  it('ends at 0.5 where the network is always right, and at 5 where it knows nothing', () => {
    expect(fitTemperature([judgement(0.7, true), judgement(0.3, false)])).toBe(0.5);
    expect(fitTemperature([judgement(0.9, true), judgement(0.9, false)])).toBe(5);
  });

  it('keeps 1 where what is said is what is true', () => {
    const said = [...Array(8).fill(judgement(0.8, true)), ...Array(2).fill(judgement(0.8, false))];
    expect(fitTemperature(said)).toBe(1);
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

  it('mentions it in five of a hundred pictures without it, and from 0.25 at least', () => {
    const six = [0.65, 0.64, 0.63, 0.62, 0.61, 0.6].map((probability) => judgement(probability, false));
    const rest = Array.from({ length: 94 }, () => judgement(0.05, false));
    const { perhaps, temperature } = calibrate([...six, ...rest, ...there]);
    // Five of them may reach it, the sixth may not.
    expect(perhaps).toBeCloseTo(calibrated(0.6, temperature) + 1e-4, 4);
    expect(calibrate([...rest, ...there]).perhaps).toBe(0.25);
  });

  it('asks for 0.9999 at most, which can be reached', () => {
    const right = Array.from({ length: 20_000 }, () => judgement(1, true));
    const wrong = Array.from({ length: 1000 }, (_, i) => judgement(i === 0 ? 1 : 0, false));
    const { found, temperature } = calibrate([...right, ...wrong], '', 20);
    expect(calibrated(1, temperature)).toBeGreaterThan(0.9999);
    expect(found).toBe(0.9999);
  });

  it('gives each of several degradations its part of the one in a hundred, and the drastic ones half of theirs', () => {
    // Of 1000, ten may be treated for one degradation alone, and two for one of five.
    const thousand = Array.from({ length: 1000 }, (_, i) => judgement(i < 10 ? 0.94 - 0.001 * i : 0.1, false));
    const rateOf = (degradations: number, name = '') =>
      calibrate([...thousand, ...there], name, degradations).falseRate;
    expect(rateOf(1)).toBe(0.01);
    expect(rateOf(5)).toBe(0.002);
    expect(rateOf(20)).toBe(0);
    expect(['noise', 'compression', 'rain', 'haze'].map((name) => rateOf(1, name))).toEqual([0.01, 0.01, 0.005, 0.005]);
  });

  it('never finds noise that is too weak to be seen, and is as sure of the rest as if there were none', () => {
    // Weak noise that is not there, and weak noise that is: said with the same certainty.
    const grain = Array.from({ length: 2 }, () => judgement(0.93, false, 0.049));
    const weak = Array.from({ length: 50 }, () => judgement(0.95, true, 0.049));
    const others = [...absent.slice(2), ...there, ...weak];
    const { found, missedRate, falseRate, leastStrength } = calibrate([...others, ...grain], 'noise');
    expect(leastStrength).toBe(0.05);
    expect(falseRate).toBe(0);
    // 5 of the visible ones, and all of the others.
    expect(missedRate).toBe(0.55);
    expect(found).toBe(0.9);
    const visible = grain.map((one) => ({ ...one, strength: 0.05 }));
    expect(calibrate([...others, ...visible], 'noise').found).toBeGreaterThan(0.9);
    expect(calibrate([...others, ...grain], 'rain')).not.toHaveProperty('leastStrength');
  });

  it('is sure of what it removes, and surer where a picture may be so on purpose', () => {
    const all = [...absent.slice(2), ...there];
    expect(calibrate(all, 'darkness').found).toBe(0.977);
    expect(calibrate(all, 'noise').found).toBe(0.9);
    expect(calibrate(all, 'rain')).toEqual(calibrate(all));
  });

  it('leaves out what is unclear', () => {
    const unclear = { ...judgement(0.99, false), unclear: true };
    const plain = calibrate([...absent, ...there]);
    expect(calibrate([...absent, ...there, unclear, unclear, unclear])).toEqual(plain);
  });

  it('refuses one side alone', () => {
    expect(() => calibrate(there)).toThrow('with and without it, received 50 and 0');
    expect(() => calibrate(absent)).toThrow('with and without it, received 0 and 100');
    expect(calibrate([judgement(0.1, false), judgement(0.95, true)]).missedRate).toBe(0);
  });
});
