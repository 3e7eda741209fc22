import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ARITHMETIC_CASES, type Case, modelOf } from '../../../../test/support/onnx-cases.ts';
import { MOVE_CASES } from '../../../../test/support/onnx-move-cases.ts';
import { Engine } from '../../../runtime/engine.ts';
import { readOnnxFile } from '../file/onnx-file.ts';
import { refusing } from '../refusal.ts';
import { elementsOf } from './constants.ts';
import { checkSizes } from './sizes.ts';

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

/** Whether the runtime takes the case at all; if so, what is known before has to be true. */
async function holds(one: Case): Promise<boolean> {
  const file = modelOf(one);
  const known = checkSizes(readOnnxFile(file), new Map(), refusing('model', ''));
  let outputs: Awaited<ReturnType<Awaited<ReturnType<Engine['load']>>['run']>>['outputs'];
  try {
    const session = await engine.load(file);
    ({ outputs } = await session.run({}));
    await session.release();
  } catch {
    return false;
  }
  for (const [name, { shape, data }] of Object.entries(outputs)) {
    const { fixed, elements, numbers, ...value } = known(name);
    expect(fixed).toBe(true);
    expect(elements).toBeGreaterThanOrEqual(data.length);
    if (value.shape !== undefined) expect(value.shape).toEqual(shape);
    const actual = Array.from(data as ArrayLike<number | bigint>, Number);
    numbers?.forEach((number, i) => {
      if (number !== undefined) expect(number + 0).toBe((actual[i] as number) + 0);
    });
  }
  return true;
}

const RUNS = 40;

describe('what is known of constants before a network runs is what the runtime makes of them', () => {
  it.each(Object.entries({ ...ARITHMETIC_CASES, ...MOVE_CASES }) as [string, fc.Arbitrary<Case>][])(
    '%s',
    async (_, cases) => {
      let taken = 0;
      await fc.assert(
        fc.asyncProperty(cases, async (one) => {
          if (await holds(one)) taken++;
        }),
        { numRuns: RUNS },
      );
      expect(taken).toBeGreaterThan(RUNS / 8);
    },
  );
});

it('counts sides of 0 as 1, so that none hides another', () => {
  expect(elementsOf([0, 5, undefined, 7])).toBe(35);
});
