/** A few hundred damaged inputs for each boundary, and all that `npm run fuzz` has kept; the same ones each time. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FuzzSession } from './session.ts';
import type { Target } from './target.ts';
import { CORPUS, corpusOf, TARGET_NAMES, TARGETS, type TargetName } from './targets.ts';

/** Inputs for each target besides those of the corpus; what costs a request or a run of a program gets fewer. */
const INPUTS: Partial<Record<TargetName, number>> = { forms: 60, commands: 60, images: 150 };
const MOST_INPUTS = 400;
/** Bytes of the whole corpus. */
const MOST_KEPT = 300_000;

const open: Target[] = [];
afterAll(async () => {
  await Promise.all(open.map((target) => target.close?.()));
});

describe('fuzzed inputs come to a result or an error of the catalogue', () => {
  it.each(TARGET_NAMES)('%s', async (name) => {
    const target = await TARGETS[name]();
    open.push(target);
    const failures: unknown[] = [];
    const session = new FuzzSession(target, corpusOf(name), 1, { onFailure: (_, error) => failures.push(error) });
    await session.known();
    for (let i = 0; i < (INPUTS[name] ?? MOST_INPUTS); i++) await session.next();
    await session.settle();
    expect(failures).toEqual([]);
    // Among them are some that are taken, and some that are not.
    expect(session.outcomes.size).toBeGreaterThan(2);
  });
});

it('the corpus is of targets that exist, and stays small', () => {
  const files = readdirSync(CORPUS, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  expect(bytes).toBeLessThan(MOST_KEPT);
  expect(readdirSync(CORPUS).filter((name) => !(TARGET_NAMES as readonly string[]).includes(name))).toEqual([]);
});
