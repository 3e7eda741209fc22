import { expect, it } from 'vitest';
import { rangeOf } from './ranges.ts';

it('ranges are the bytes that they name', () => {
  for (const [header, range] of [
    ['bytes=0-0', [0, 0]],
    ['bytes=0-99', [0, 99]],
    ['bytes=10-', [10, 99]],
    ['bytes=-10', [90, 99]],
    ['bytes=-1000', [0, 99]],
    ['bytes=90-1000', [90, 99]],
    ['bytes = 1 - 2', [1, 2]],
    ['bytes=100-', 'outside'],
    ['bytes=100-200', 'outside'],
    ['bytes=-0', 'outside'],
    // Answered with everything, as the standard allows.
    [undefined, undefined],
    ['', undefined],
    ['bytes=-', undefined],
    ['bytes=5-2', undefined],
    ['bytes=0-1,5-6', undefined],
    ['pixels=0-1', undefined],
    ['bytes=a-b', undefined],
  ] as const) {
    expect([header, rangeOf(header, 100)]).toEqual([header, range]);
  }
});
