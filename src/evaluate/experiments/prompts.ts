/**
 * What a prompt for a part of the degradations is worth: pictures with two or three of them, prompts for every proper part,
 * and what comes of the right prompt, of none and of wrong ones, measured against what was asked for.
 *
 * @module
 */
import type { Clearword } from '../../clearword.ts';
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

/** Results of one combination of degradations, one for each kind of prompt. */
type Measured = Readonly<Record<Kind, EvaluationResult>>;

/** Restores all cases of a combination with each kind of prompt. `onProgress`: 0..1 of the combination. */
async function measurePrompts(
  name: string,
  cases: readonly PartCase[],
  clearword: Clearword,
  config: PromptsConfig,
  context: ExperimentContext,
): Promise<Measured> {
  const { composites, sigma, seed } = config;
  const measured: [Kind, EvaluationResult][] = [];
  for (const [k, kind] of KINDS.entries()) {
    throwIfCancelled(context.signal, config.title);
    const result = await evaluate(
      {
        name: `${name}, ${kind} prompt`,
        cases: cases.map(({ entry }) => entry),
        prompts: cases.map(({ prompts }) => prompts[kind]),
      },
      {
        meters: context.meters,
        restorer: { clearword, parameters: { seed } },
        folder: context.folder,
        settings: { version: VERSION, composites, sigma, seed, kind, restored: clearword.settings({}) },
        signal: context.signal,
        onProgress: (_, fraction, text) => context.onProgress((k + fraction) / KINDS.length, text),
      },
    );
    measured.push([kind, result]);
  }
  return Object.fromEntries(measured) as Measured;
}

/** Means over the chosen cases: degraded, each kind of prompt, and what the right one has over each of the others, in dB. */
function rowOf(name: string, chosen: readonly PartCase[], measured: Measured): string[] {
  const ids = new Set(chosen.map(({ entry }) => entry.id));
  const [right, ...others] = KINDS.map((kind) => psnrOf(measured[kind], ids)) as [number, ...number[]];
  const scores = [degradedOf(measured.right, ids), right, ...others, ...others.map((other) => right - other)];
  return [name, String(chosen.length), ...scores.map((value) => formatScore(value, 2))];
}

export async function comparePrompts(config: PromptsConfig, context: ExperimentContext): Promise<Outcome> {
  const sources = await compositeSources(config.composites, context.data);
  const clearword = await context.load();
  const several = combinationsOf(FIRST_DEGRADATIONS).filter((names) => names.length > 1);
  const results: EvaluationResult[] = [];
  const rows: string[][] = [];
  const totals: string[][] = [];
  try {
    for (const [number, present] of several.entries()) {
      const name = nameOf(present);
      const cases = casesOf(present, sources, config);
      const measured = await measurePrompts(name, cases, clearword, config, {
        ...context,
        onProgress: (fraction, text) => context.onProgress((number + fraction) / several.length, text),
      });
      results.push(...KINDS.map((kind) => measured[kind]));
      totals.push(rowOf(name, cases, measured));
      for (const part of new Set(cases.map(({ asked }) => nameOf(asked)))) {
        const own = cases.filter(({ asked }) => nameOf(asked) === part);
        rows.push(rowOf(`${name}: remove ${part}`, own, measured));
      }
    }
  } finally {
    await clearword.dispose();
  }
  const details = { prompts: PROMPTS.length, degradations: FIRST_DEGRADATIONS };
  return { tables: tablesOf(totals, rows), charts: [], results, missing: [], details };
}

function tablesOf(totals: string[][], parts: string[][]): Outcome['tables'] {
  const titles = ['', 'pictures', 'degraded', ...KINDS, ...KINDS.slice(1).map((kind) => `over ${kind}`)];
  const note =
    'PSNR in dB to the picture that was asked for: without the named degradations, with the others unchanged.';
  return [
    { title: 'Right prompts against none and wrong ones, by what the picture has', titles, rows: totals, note },
    { title: 'The same by what was asked for', titles, rows: parts, note },
  ];
}
