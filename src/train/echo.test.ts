import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Batch } from '../data/batch.ts';
import { batchOf, EchoedBatches, firstBatch } from './echo.ts';

const loaderFrom = (first: number) => {
  let number = first;
  return async () => ({ step: number++ }) as Batch;
};

describe('echoed batches', () => {
  it('are those of the loader, one a step, where nothing is echoed', () => {
    expect([0, 1, 2, 3].map((step) => batchOf(step, 1))).toEqual([0, 1, 2, 3]);
  });

  it('are used as often as is asked for, never twice in a row once there are others', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), (echo) => {
        const numbers = Array.from({ length: 12 * echo * echo }, (_, step) => batchOf(step, echo));
        const uses = (batch: number) => numbers.filter((number) => number === batch).length;
        for (let batch = 1; batch < 8; batch++) expect(uses(batch)).toBe(echo);
        for (let step = echo * echo; step < numbers.length; step++) expect(numbers[step]).not.toBe(numbers[step - 1]);
      }),
    );
  });

  it('come in the same order after a resumption at any step', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.nat(60), async (echo, start) => {
        const batches = new EchoedBatches(loaderFrom(firstBatch(start, echo)), echo, start);
        for (let step = start; step < start + 3 * echo * echo; step++) {
          expect((await batches.of(step)).step).toBe(batchOf(step, echo));
        }
      }),
    );
  });

  it('that cannot be made are reported where they are used', async () => {
    const batches = new EchoedBatches(() => Promise.reject(new Error('no picture')), 2, 0);
    await expect(batches.of(0)).rejects.toThrow('no picture');
  });
});
