/**
 * What a prompt for a part of the degradations is worth: pictures with two or three of them, prompts for every proper part,
 * and what comes of the right prompt, of none and of wrong ones, measured against what was asked for.
 *
 * @module
 */
import { degrade } from '../../data/degradations/composite.ts';
import { measure } from '../../data/degradations/index.ts';
import { HELD_OUT_PROMPTS, heldOutPrompts } from '../../data/held-out-prompts.ts';
import { combinationsOf } from '../../degradations/combinations.ts';
import { FIRST_DEGRADATIONS } from '../../degradations/index.ts';
import { throwIfCancelled } from '../../errors.ts';
import { Random } from '../../random/random.ts';
import { VERSION } from '../../version.ts';
import { type EvaluationResult, evaluate } from '../evaluate.ts';
import { formatScore } from '../outputs.ts';
import type { EvaluationCase } from '../sets/pictures.ts';
import { type CompositeSources, compositeSources } from './composites.ts';
import type { PromptsConfig } from './config.ts';
import type { ExperimentContext, Outcome } from './outcome.ts';

/** `right`: asks for the part. `shuffled`: for some other part. `wrong`: for just what should stay. */
const KINDS = ['right', 'empty', 'shuffled', 'wrong'] as const;
type Kind = (typeof KINDS)[number];

interface PartCase {
  readonly entry: EvaluationCase;
  readonly asked: readonly string[];
  readonly prompts: Readonly<Record<Kind, string>>;
}

/** Held-out prompts about what the composites are made of. */
const PROMPTS = HELD_OUT_PROMPTS.filter(
  ({ asked }) => FIRST_DEGRADATIONS.filter((name) => asked.has(name)).length === asked.size,
);

const setOf = (names: readonly string[]): ReadonlySet<string> => new Set(names);

const nameOf = (names: readonly string[]): string => names.join(' + ');

/** The cases of one combination: each picture with each proper part of what it has. */
function casesOf(present: readonly string[], sources: CompositeSources, { sigma, seed }: PromptsConfig): PartCase[] {
  const parts: readonly (readonly string[])[] = combinationsOf<string>(FIRST_DEGRADATIONS).filter(
    (part) => part.length > 0 && part.length < present.length && part.every((name) => present.includes(name)),
  );
  const random = new Random(
    seed,
    combinationsOf(FIRST_DEGRADATIONS).findIndex((names) => nameOf(names) === nameOf(present)),
  );
  return parts.flatMap((asked) =>
    Array.from({ length: sources.count }, (_, index): PartCase => {
      const own = heldOutPrompts(setOf(asked));
      const opposite = heldOutPrompts(setOf(present.filter((name) => !asked.includes(name))));
      const others = PROMPTS.filter((held) => present.some((name) => held.asked.has(name) !== asked.includes(name)));
      return {
        asked,
        entry: {
          id: `${nameOf(present)}: ${nameOf(asked)}, ${index}`,
          input: `composite ${index} with ${nameOf(present)}`,
          target: `without ${nameOf(asked)}`,
          async load() {
            const { clear, effects } = await sources.make(index, present, sigma, seed);
            const { input, target } = await degrade(clear, effects, setOf(asked), measure);
            return { input, target };
          },
        },
        prompts: {
          right: own[index % own.length] ?? '',
          empty: '',
          shuffled: random.pick(others).prompt,
          wrong: opposite[index % opposite.length] ?? '',
        },
      };
    }),
  );
}

const psnrOf = (result: EvaluationResult, ids: ReadonlySet<string>): number => {
  const own = result.pictures.filter(({ id }) => ids.has(id));
  return own.reduce((sum, { after }) => sum + after.psnr, 0) / own.length;
};
const degradedOf = (result: EvaluationResult, ids: ReadonlySet<string>): number => {
  const own = result.pictures.filter(({ id }) => ids.has(id));
  return own.reduce((sum, { before }) => sum + (before?.psnr ?? Number.NaN), 0) / own.length;
};

export async function comparePrompts(config: PromptsConfig, context: ExperimentContext): Promise<Outcome> {
  const sources = await compositeSources(config.composites, context.data);
  const clearword = await context.load();
  const several = combinationsOf(FIRST_DEGRADATIONS).filter((names) => names.length > 1);
  const results: EvaluationResult[] = [];
  const rows: string[][] = [];
  const totals: string[][] = [];
  try {
    for (const [number, present] of several.entries()) {
      const cases = casesOf(present, sources, config);
      const measured = new Map<Kind, EvaluationResult>();
      for (const [k, kind] of KINDS.entries()) {
        throwIfCancelled(context.signal, config.title);
        const result = await evaluate(
          {
            name: `${nameOf(present)}, ${kind} prompt`,
            cases: cases.map(({ entry }) => entry),
            prompts: cases.map(({ prompts }) => prompts[kind]),
          },
          {
            meters: context.meters,
            restorer: { clearword, parameters: { seed: config.seed } },
            folder: context.folder,
            settings: {
              version: VERSION,
              composites: config.composites,
              sigma: config.sigma,
              seed: config.seed,
              kind,
              restored: clearword.settings({}),
            },
            signal: context.signal,
            onProgress: (_, fraction, text) =>
              context.onProgress((number + (k + fraction) / KINDS.length) / several.length, text),
          },
        );
        measured.set(kind, result);
        results.push(result);
      }
      const row = (name: string, chosen: readonly PartCase[]) => {
        const ids = new Set(chosen.map(({ entry }) => entry.id));
        const [right, ...others] = KINDS.map((kind) => psnrOf(measured.get(kind) as EvaluationResult, ids)) as [
          number,
          ...number[],
        ];
        const degraded = degradedOf(measured.get('right') as EvaluationResult, ids);
        return [
          name,
          String(chosen.length),
          ...[degraded, right, ...others, ...others.map((other) => right - other)].map((value) =>
            formatScore(value, 2),
          ),
        ];
      };
      totals.push(row(nameOf(present), cases));
      const parts = [...new Set(cases.map(({ asked }) => nameOf(asked)))];
      for (const part of parts)
        rows.push(
          row(
            `${nameOf(present)}: remove ${part}`,
            cases.filter(({ asked }) => nameOf(asked) === part),
          ),
        );
    }
  } finally {
    await clearword.dispose();
  }
  const titles = ['', 'pictures', 'degraded', ...KINDS, ...KINDS.slice(1).map((kind) => `over ${kind}`)];
  const note =
    'PSNR in dB to the picture that was asked for: without the named degradations, with the others unchanged.';
  return {
    tables: [
      { title: 'Right prompts against none and wrong ones, by what the picture has', titles, rows: totals, note },
      { title: 'The same by what was asked for', titles, rows, note },
    ],
    charts: [],
    results,
    missing: [],
    details: { prompts: PROMPTS.length, degradations: FIRST_DEGRADATIONS },
  };
}
