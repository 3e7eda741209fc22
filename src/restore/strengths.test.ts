import { describe, expect, it } from 'vitest';
import { strengthsOf } from './strengths.ts';

const model = { name: 'test', degradations: ['noise', 'haze', 'fog-of-war'], takesStrengths: true };

describe('strengthsOf', () => {
  it('knows the units of each degradation', () => {
    expect(strengthsOf(model, 'noise=11, haze = 40')).toEqual({ noise: 0.2, haze: 0.4 });
    expect(strengthsOf(model, { noise: 55, 'fog-of-war': 25 })).toEqual({ noise: 1, 'fog-of-war': 0.25 });
    expect(strengthsOf(model, '')).toEqual({});
  });

  it.each([
    ['noise', 'name=value'],
    ['noise=', 'name=value'],
    ['noise=-3', 'name=value'],
    ['noise=56', '0..55'],
    ['haze=101', '0..100 %'],
    ['rain=3', 'noise, haze, fog-of-war'],
    ['noise=3,noise=4', 'once'],
  ])('refuses %j', (option, expected) => {
    expect(() => strengthsOf(model, option)).toThrow(expected);
  });

  it('refuses what a network cannot be told', () => {
    expect(() => strengthsOf({ ...model, takesStrengths: false }, 'noise=3')).toThrow('received noise');
    expect(strengthsOf({ ...model, takesStrengths: false }, '')).toEqual({});
  });
});
