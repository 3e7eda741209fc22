import { describe, expect, it } from 'vitest';
import type { Finding, Findings } from '../models/model.ts';
import { decide } from './policy.ts';

const careful = { degradations: ['noise', 'rain', 'haze', 'fog-of-war'], careful: true };

/** Findings with these verdicts; what is not listed is absent. */
function findings(found: readonly string[], perhaps: readonly string[] = []): Pick<Findings, 'degradations'> {
  const verdictOf = (name: string) => (found.includes(name) ? 'found' : perhaps.includes(name) ? 'perhaps' : 'absent');
  const of = (name: string): Finding => ({ probability: 0.5, strength: 0.5, verdict: verdictOf(name) });
  return { degradations: Object.fromEntries(careful.degradations.map((name) => [name, of(name)])) };
}

describe('unasked, only what is surely there goes', () => {
  // Prompts that leave the choice to the model, by the way in which they are read.
  describe.each([
    ['empty', ''],
    ['everything', 'clean it up'],
    ['unknown', 'two dogs on a beach'],
    ['unknown', 'make it sharper'],
  ] as const)('%s: %j', (kind, prompt) => {
    it.each([
      // found, perhaps, removed, mentioned, the prompt for the network
      [[], [], [], [], 'remove '],
      [[], ['noise', 'haze'], [], ['noise', 'haze'], 'remove '],
      [['rain'], [], ['rain'], [], 'remove the rain'],
      [['rain'], ['noise'], ['rain'], ['noise'], 'remove the rain'],
      // Several, and nothing to be kept: everything.
      [['haze', 'noise'], [], ['noise', 'haze'], [], ''],
      [
        ['fog-of-war', 'rain', 'noise'],
        ['haze'],
        ['noise', 'rain', 'fog-of-war'],
        ['haze'],
        'remove the noise, the rain and the fog of war',
      ],
    ])('found %j, perhaps %j', (found, perhaps, removing, mentioned, instruction) => {
      const decision = decide(careful, prompt, findings(found, perhaps));
      expect(decision).toMatchObject({
        status: removing.length > 0 ? 'restored' : 'unchanged',
        removing,
        perhaps: mentioned,
        request: { kind },
      });
      if (removing.length > 0) expect(decision.instruction).toBe(instruction);
    });
  });
});

describe('asked in words, it obeys whatever was found', () => {
  it.each([
    ['remove the haze', ['haze'], 'remove the haze'],
    ['haze, noise', ['noise', 'haze'], 'remove the noise and the haze'],
    ['remove the fog of war', ['fog-of-war'], 'remove the fog of war'],
    // What this model cannot do is said, and the rest is done.
    ['denoise and sharpen', ['noise'], 'remove the noise'],
  ])('%s', (prompt, removing, instruction) => {
    const nothing = findings([]);
    for (const seen of [nothing, findings(['rain'], ['noise']), findings([], careful.degradations)]) {
      const everything = seen === nothing && removing.length > 1;
      expect(decide(careful, prompt, seen)).toMatchObject({
        status: 'restored',
        removing,
        perhaps: [],
        request: { kind: 'instruction' },
        instruction: everything ? '' : instruction,
      });
    }
  });

  it.each([
    // found, perhaps, removed, mentioned
    [[], [], [], []],
    [['rain'], ['rain', 'haze'], [], ['haze']],
    [['rain', 'noise'], ['haze'], ['noise'], ['haze']],
    [['haze', 'noise', 'fog-of-war'], [], ['noise', 'haze', 'fog-of-war'], []],
  ])(
    'told only what is to stay, it removes what else it finds: found %j, perhaps %j',
    (found, perhaps, removing, seen) => {
      for (const prompt of ['keep the rain', 'everything but the rain']) {
        expect(decide(careful, prompt, findings(found, perhaps))).toMatchObject({
          status: removing.length > 0 ? 'restored' : 'unchanged',
          removing,
          perhaps: seen,
          request: { kind: 'instruction', keep: ['rain'] },
        });
      }
      // What is named beside it goes in any case.
      const { removing: both } = decide(careful, 'keep the rain, remove the haze', findings(found, perhaps));
      expect(both).toEqual(['haze']);
    },
  );

  it.each(['do nothing', 'leave it as it is', 'keep the noise, the rain, the haze and the fog of war'])(
    'leaves the picture as it is: %s',
    (prompt) => {
      for (const seen of [findings([]), findings(careful.degradations), findings([], careful.degradations)]) {
        expect(decide(careful, prompt, seen)).toMatchObject({
          status: 'unchanged',
          removing: [],
          perhaps: [],
          request: { kind: 'nothing' },
        });
      }
    },
  );
});

describe('a model that was not trained on instructions', () => {
  it.each(['', 'a house in the rain', 'remove the rain', 'do nothing'])('gets the prompt as it is: %j', (prompt) => {
    for (const [found, perhaps] of [
      [[], ['noise']],
      [['noise', 'haze'], []],
    ] as const) {
      expect(decide({ ...careful, careful: false }, prompt, findings(found, perhaps))).toMatchObject({
        status: 'restored',
        removing: found,
        perhaps: [],
        instruction: prompt,
      });
    }
  });
});

it('knows nothing of names that the findings do not have', () => {
  expect(decide(careful, '', { degradations: {} })).toMatchObject({ status: 'unchanged', removing: [], perhaps: [] });
});
