import { describe, expect, it } from 'vitest';
import { calibrationSchema, judge, UNCALIBRATED } from './calibration.ts';

const calibrated = { temperature: 2, found: 0.8, perhaps: 0.4 };

describe('judge', () => {
  it('divides the logit by the temperature', () => {
    // logit 4 -> 2: 1 / (1 + e^-2)
    const probability = 1 / (1 + Math.exp(-4));
    expect(judge({ probability, strength: 0.3 }, calibrated).probability).toBeCloseTo(1 / (1 + Math.exp(-2)), 10);
    expect(judge({ probability, strength: 0.3 }).probability).toBe(probability);
  });

  it('keeps certainty finite', () => {
    for (const probability of [0, 1]) {
      const found = judge({ probability, strength: 0 }, calibrated).probability;
      expect(Math.abs(found - probability)).toBeLessThan(1e-3);
    }
  });

  it.each([
    [0.95, 'found'],
    [0.8, 'found'],
    [0.79, 'perhaps'],
    [0.4, 'perhaps'],
    [0.39, 'absent'],
  ] as const)('calls %d %s', (probability, verdict) => {
    expect(judge({ probability, strength: 0 }, { ...calibrated, temperature: 1 }).verdict).toBe(verdict);
  });

  it.each([
    [0.05, 'found'],
    [0.049, 'perhaps'],
  ] as const)('calls what is sure and has a strength of %d %s, where 0.05 can be found', (strength, verdict) => {
    const given = { ...calibrated, temperature: 1, leastStrength: 0.05 };
    expect(judge({ probability: 0.99, strength }, given).verdict).toBe(verdict);
    expect(judge({ probability: 0.39, strength }, given).verdict).toBe('absent');
  });

  it('calls what is more sure than not found, where nothing was calibrated', () => {
    expect([0.5, 0.499].map((probability) => judge({ probability, strength: 0 }, UNCALIBRATED).verdict)).toEqual([
      'found',
      'absent',
    ]);
  });
});

describe('the schema', () => {
  it('refuses to mention later than to remove', () => {
    expect(calibrationSchema.safeParse({ found: 0.4, perhaps: 0.6 }).success).toBe(false);
    expect(calibrationSchema.parse({ found: 0.9, perhaps: 0.6 })).toEqual({ temperature: 1, found: 0.9, perhaps: 0.6 });
  });
});
