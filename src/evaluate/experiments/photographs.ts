/**
 * Photographs with and without degradations, in the careful mode by itself and asked for in words: what is gained, what is
 * harmed, what is missed and what is found wrongly.
 *
 * @module
 */
import { resolve } from 'node:path';
import type { Clearword } from '../../clearword.ts';
import { dataConfigSchema } from '../../data/config.ts';
import { wordsFor } from '../../degradations/index.ts';
import { throwIfCancelled } from '../../errors.ts';
import { toBytes } from '../../image/picture.ts';
import { checkOptions } from '../../options.ts';
import { VERSION } from '../../version.ts';
import { judgePictures } from '../calibration/judge-model.ts';
import type { Judgement } from '../calibration/thresholds.ts';
import { type EvaluationResult, evaluate } from '../evaluate.ts';
import type { PictureRecord } from '../journal.ts';
import { formatScore } from '../outputs.ts';
import { gainOf } from '../report/page.ts';
import { orMissing } from './comparison.ts';
import { type PhotographSet, type PhotographsConfig, type Reliability, readJson } from './config.ts';
import type { ExperimentContext, Outcome, Table } from './outcome.ts';
import { mean, reliabilityChart, reliabilityTable } from './reliability.ts';
import { openSet } from './sets.ts';
import { merged, withRoots } from './training.ts';

const MODES = ['by itself', 'asked'] as const;
type Mode = (typeof MODES)[number];

/** Pictures that are shown of each set, and listed of all. */
const WORST = 10;

interface Measured {
  readonly set: PhotographSet;
  readonly mode: Mode;
  readonly result: EvaluationResult;
}

/** What a set's pictures are asked to lose, in words. */
export function promptOf({ prompt, has }: Pick<PhotographSet, 'prompt' | 'has'>): string {
  const words = has.map((name) => `the ${wordsFor(name).label}`);
  return prompt ?? (words.length === 0 ? 'change nothing' : `remove ${words.join(' and ')}`);
}

async function measureSet(
  set: PhotographSet,
  mode: Mode,
  clearword: Clearword,
  config: PhotographsConfig,
  { data, folder, meters, signal, onProgress }: ExperimentContext,
): Promise<Measured> {
  const { name, cases } = await openSet(set.set, data, config.seed);
  const prompt = mode === 'asked' ? promptOf(set) : '';
  const parameters = { seed: config.seed };
  const result = await evaluate(
    { name: `${name}, ${mode}`, cases, prompts: cases.map(() => prompt) },
    {
      meters,
      restorer: { clearword, parameters },
      folder,
      // With the prompt, so that the journal tells the modes apart.
      settings: {
        version: VERSION,
        set: set.set,
        seed: config.seed,
        prompt,
        restored: clearword.settings(parameters),
      },
      signal,
      onProgress: (_, fraction, text) => onProgress(fraction, text),
    },
  );
  return { set, mode, result };
}

const found = ({ decided }: PictureRecord, name: string) => decided?.findings[name]?.verdict === 'found';
/** Degradations that are in none of a set's pictures. */
const absentIn = ({ has, may }: PhotographSet, degradations: readonly string[]): string[] =>
  degradations.filter((name) => !has.includes(name) && !may.includes(name));
const percent = (flags: readonly boolean[]): string => formatScore(100 * mean(flags.map(Number)), 1);

interface Cells {
  readonly pictures: readonly PictureRecord[];
  /** A picture is worse where it loses more than this, in dB. */
  readonly tolerance: number;
  readonly truth: boolean;
}

/** Columns of quality: what it was, what it is, the mean and the worst change, and how many were harmed or left as they were. */
function qualityCells({ pictures, tolerance, truth }: Cells): string[] {
  const gains = pictures.map(gainOf);
  const psnr = (of: 'before' | 'after') => formatScore(mean(pictures.map((picture) => picture[of]?.psnr ?? NaN)), 2);
  const numbers = [
    psnr('before'),
    psnr('after'),
    formatScore(mean(gains), 2),
    formatScore(Math.min(...gains), 2),
    percent(gains.map((gain) => gain < -tolerance)),
  ];
  return [
    String(pictures.length),
    ...numbers.map((cell) => (truth ? cell : '-')),
    percent(pictures.map(({ decided }) => decided?.untouched ?? false)),
  ];
}

function qualityTable(mode: Mode, all: readonly Measured[], degradations: readonly string[], tolerance: number): Table {
  const own = all.filter((one) => one.mode === mode && one.result.pictures.length > 0);
  const byItself = mode === 'by itself';
  const findingCells = ({ set, result: { pictures } }: Measured): string[] => {
    const has = set.has.filter((name) => degradations.includes(name));
    const missed = pictures.flatMap((picture) => has.map((name) => !found(picture, name)));
    const absent = absentIn(set, degradations);
    const wrong = pictures.map((picture) => absent.some((name) => found(picture, name)));
    return [missed.length === 0 ? '-' : percent(missed), absent.length === 0 ? '-' : percent(wrong)];
  };
  const rows = own.map((one) => {
    const { set, result } = one;
    const cells = qualityCells({ pictures: result.pictures, tolerance, truth: set.truth });
    return [set.set.name, ...cells, ...(byItself ? findingCells(one) : [`“${promptOf(set)}”`])];
  });
  const groundless = own.filter(({ set }) => set.truth && set.has.length === 0);
  const pictures = groundless.flatMap(({ result }) => result.pictures);
  if (byItself && groundless.length > 1) {
    const wrong = groundless.flatMap(({ set, result }) =>
      result.pictures.map((picture) => absentIn(set, degradations).some((name) => found(picture, name))),
    );
    rows.push(['all without ground', ...qualityCells({ pictures, tolerance, truth: true }), '-', percent(wrong)]);
  }
  return {
    title: byItself ? 'By itself, without a prompt' : 'Asked for in words',
    titles: [
      ...['', 'pictures', 'untouched input (dB)', 'result (dB)', 'gain', 'worst', `worse by ${tolerance} dB (%)`],
      'no pixel changed (%)',
      ...(byItself ? ['missed (%)', 'found wrongly (%)'] : ['words']),
    ],
    rows,
    note: byItself
      ? 'PSNR over R, G and B; equal pictures count as 100 dB. Missed: of what every picture of the set has. Found wrongly: pictures in which something is found that none of the set has. All without ground: the sets with nothing to remove.'
      : 'What is asked for is done whatever the controller finds: where no pixel changed, the words were not obeyed or the model had nothing to give.',
  };
}

/** Of each set and degradation: found, and perhaps, in percent; and pictures that were left as they were by decision. */
function findingsTable(all: readonly Measured[], degradations: readonly string[]): Table {
  const rows = all
    .filter(({ mode, result }) => mode === 'by itself' && result.pictures.length > 0)
    .map(({ set, result: { pictures } }) => {
      const share = (name: string, verdict: string) =>
        formatScore(100 * mean(pictures.map(({ decided }) => Number(decided?.findings[name]?.verdict === verdict))), 0);
      const cells = degradations.map((name) => {
        const mark = set.has.includes(name) ? ' *' : set.may.includes(name) ? ' ~' : '';
        return `${share(name, 'found')} / ${share(name, 'perhaps')}${mark}`;
      });
      return [set.set.name, ...cells, percent(pictures.map(({ decided }) => decided?.status === 'unchanged'))];
    });
  return {
    title: 'What was found',
    titles: ['', ...degradations, 'left unchanged (%)'],
    rows,
    note: 'Percent of the pictures in which it is found / perhaps there. *: every picture of the set has it. ~: some may. A photo that is left unchanged comes back byte for byte.',
  };
}

function worstTable(all: readonly Measured[]): Table {
  const pictures = all
    .filter(({ set, mode }) => mode === 'by itself' && set.truth)
    .flatMap(({ set, result }) => result.pictures.map((picture) => ({ set: set.set.name, picture })))
    .sort((a, b) => gainOf(a.picture) - gainOf(b.picture))
    .slice(0, WORST);
  return {
    title: `The ${WORST} that lost most by itself, of all sets`,
    titles: ['', 'set', 'before (dB)', 'after (dB)', 'change', 'found'],
    rows: pictures.map(({ set, picture }) => [
      picture.id,
      set,
      formatScore(picture.before?.psnr, 2),
      formatScore(picture.after.psnr, 2),
      formatScore(gainOf(picture), 2),
      Object.keys(picture.decided?.findings ?? {})
        .filter((name) => found(picture, name))
        .join(', ') || '-',
    ]),
    note: 'The report has those of each set under a slider.',
  };
}

/** What is known of the sets, and samples as calibration draws them. */
async function judgements(
  all: readonly Measured[],
  { configs, data, signal, onProgress }: ExperimentContext,
  clearword: Clearword,
  reliability: Reliability,
  from: string,
): Promise<Map<string, Judgement[]>> {
  const { degradations = [] } = clearword.model;
  const value = merged(await readJson(resolve(configs, reliability.config)), reliability.overrides);
  const drawn: Map<string, Judgement[]> = await judgePictures(
    {
      degradations,
      inspect: (picture) => clearword.inspect(toBytes(picture), signal === undefined ? {} : { signal }),
    },
    { data: withRoots(checkOptions(dataConfigSchema, value), from, data), samples: reliability.samples, clean: [] },
    { signal, onProgress: (fraction) => onProgress(fraction, 'inspecting drawn samples') },
  );
  for (const { set, result } of all.filter(({ mode }) => mode === 'by itself')) {
    for (const { decided } of result.pictures) {
      for (const name of degradations.filter((own) => !set.may.includes(own))) {
        const probability = decided?.findings[name]?.probability;
        if (probability !== undefined) drawn.get(name)?.push({ probability, present: set.has.includes(name) });
      }
    }
  }
  return drawn;
}

export async function testPhotographs(config: PhotographsConfig, context: ExperimentContext): Promise<Outcome> {
  const missing: string[] = [];
  const all: Measured[] = [];
  const clearword = await context.load();
  try {
    for (const set of config.sets) {
      for (const mode of MODES) {
        throwIfCancelled(context.signal, config.title);
        const name = `${set.set.name}, ${mode}`;
        const one = await orMissing(name, missing, () => measureSet(set, mode, clearword, config, context));
        if (one) all.push(one);
      }
    }
    const { reliability, tolerance } = config;
    const judged =
      reliability &&
      (await orMissing('reliability of the controller', missing, () =>
        judgements(all, context, clearword, reliability, config.data),
      ));
    const { degradations = [] } = clearword.model;
    return {
      tables: [
        ...MODES.map((mode) => qualityTable(mode, all, degradations, tolerance)),
        findingsTable(all, degradations),
        worstTable(all),
        ...(judged ? [reliabilityTable(judged)] : []),
      ],
      charts: judged ? [reliabilityChart('Reliability of the controller', judged)] : [],
      results: all.map(({ result }) => result),
      worst: WORST,
      missing,
    };
  } finally {
    await clearword.dispose();
  }
}
