/**
 * `clearword evaluate`: restores a test set, or takes any system's results, and scores them.
 *
 * @module
 */
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import type { Clearword } from '../clearword.ts';
import { ClearwordError } from '../errors.ts';
import {
  contestSections,
  contestTable,
  differenceTable,
  type Entrant,
  pairedDifferences,
} from '../evaluate/contest.ts';
import { type EvaluationOptions, type EvaluationResult, evaluate as evaluateSet } from '../evaluate/evaluate.ts';
import { evaluationOptions, meterOptions, metersFor } from '../evaluate/options.ts';
import { meanTable, missingMetrics, resultJson, textTable } from '../evaluate/outputs.ts';
import { promptsFor } from '../evaluate/sets/captions.ts';
import { type CaseList, casesFor } from '../evaluate/sets/cases.ts';
import type { Meters } from '../evaluate/weights/meters.ts';
import { writeEvaluation } from '../evaluate/write.ts';
import { VERSION } from '../version.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import {
  descriptorOption,
  deviceOption,
  encodersOption,
  jsonOption,
  modelOption,
  precisionOption,
} from './common-options.ts';
import { type ProgressDisplay, progressDisplay, showDownload } from './progress.ts';
import { printError } from './report.ts';

const folder = (description: string) => z.string().min(1).optional().meta({ placeholder: 'folder', description });

const options = z.strictObject({
  data: folder(
    'data set in a known layout: rain/ and norain/, hazy/ and clear/, input/ and target/, clean pictures, ...',
  ),
  input: folder('degraded pictures to restore'),
  target: folder('clean pictures'),
  outputs: folder('results of any system to score, instead of restoring'),
  ...evaluationOptions,
  ...meterOptions,
  output: z.string().min(1).optional().meta({
    short: 'o',
    placeholder: 'folder',
    description: 'folder for report.html, results.json, results.csv, and what is needed to go on after a stop',
  }),
  ahead: z.int().min(1).max(64).default(3).meta({ placeholder: 'n', description: 'pictures decoded ahead' }),
  device: deviceOption,
  model: z
    .array(z.string().min(1))
    .optional()
    .meta({
      placeholder: 'source',
      description: `${modelOption.meta()?.description}; given several times: all of them, side by side`,
    }),
  encoders: encodersOption,
  descriptor: descriptorOption,
  precision: precisionOption,
  json: jsonOption.meta({ description: 'print one JSON object instead of a table' }),
});

type EvaluateOptions = z.output<typeof options>;

export const evaluate = defineCommand({
  name: 'evaluate',
  options,
  details: `Pictures belong together by their names: 001.png and 001.png, rain-001 and norain-001, 0001_0.8_0.1 and 0001.
PSNR (dB) and SSIM are those of 8-bit values, over R, G and B and over the luma (Y); equal pictures count as 100 dB.
LPIPS and FID need published weights (--lpips-weights, --fid-weights or --download; docs/evaluation.md); without them
they are left out, with the reason. The same command with the same -o goes on where it was stopped.

Exit codes: 0 all measured, 1 some failed, 2 wrong use, 130 stopped by Ctrl-C.

Examples:
  clearword evaluate --input rainy --target clean -o scores
  clearword evaluate --outputs their-results --target clean --json
  clearword evaluate --model lite --model scunet.onnx --data Kodak24 --task denoise --sigma 25 -o scores
  clearword evaluate --data Kodak24 --task denoise --sigma 50
  clearword evaluate --data Rain100L --prompts captions --captions captions.tsv --steps 5`,
  run,
});

async function run(_: readonly string[], given: EvaluateOptions, context: CommandContext): Promise<number> {
  const { stdout, stderr, signal } = context;
  const list = await casesFor(given);
  const { captions, task, seed, prompt, prompts: source } = given;
  const prompts = await promptsFor(list.cases, { source, prompt, captions, task, seed });
  const display = await progressDisplay(stderr);
  const meters = await metersFor(given, {
    signal,
    onDownload: (url, progress) => showDownload(display, basename(new URL(url).pathname), progress),
  });
  const evaluation = { given, list, prompts, meters, display, context };
  try {
    const measured: Measured[] = [];
    if (given.outputs !== undefined) measured.push(await measureSet(evaluation, undefined));
    else {
      for (const model of modelsOf(given)) {
        const clearword = await loadModel(given, model, context, display);
        try {
          measured.push(await measureSet(evaluation, clearword));
        } finally {
          await clearword.dispose();
        }
      }
    }
    const text = await report(measured, evaluation);
    display.around(() => {
      stdout.write(text);
      for (const { id, error } of measured.flatMap(({ result }) => result.failures)) {
        stderr.write(`${id}: `);
        printError(stderr, error, context.debug);
      }
    });
    const incomplete = ({ result }: Measured) => result.failures.length > 0 || result.pictures.length === 0;
    return measured.some(incomplete) ? EXIT.failed : EXIT.done;
  } finally {
    display.stop();
    await meters.close();
  }
}

/** What all models of one evaluation share. */
interface Evaluation {
  readonly given: EvaluateOptions;
  readonly list: CaseList;
  readonly prompts: readonly string[];
  readonly meters: Meters;
  readonly display: ProgressDisplay;
  readonly context: CommandContext;
}

/** A model on the set; without a model the results of another system. */
interface Measured {
  readonly model: { readonly name: string; readonly hash: string } | undefined;
  readonly about: ReturnType<typeof aboutOf>;
  readonly result: EvaluationResult;
}

/** The models to be measured, one after the other; undefined is the bundled one. */
function modelsOf({ model = [], descriptor, encoders }: EvaluateOptions): readonly (string | undefined)[] {
  if (model.length <= 1) return [model[0]];
  for (const [name, value] of Object.entries({ descriptor, encoders })) {
    if (value === undefined) continue;
    throw new ClearwordError('INVALID_OPTION', `expected no --${name} with several models, received ${value}`, {
      fix: 'It would be about all of them: put a descriptor beside each ONNX network (x.json), and encoders on the cards.',
    });
  }
  return model;
}

async function measureSet(evaluation: Evaluation, clearword: Clearword | undefined): Promise<Measured> {
  const { given, list, meters, display, context } = evaluation;
  const result = await evaluateSet(
    { name: nameOf(given), cases: list.cases, prompts: promptsOf(evaluation, clearword) },
    {
      meters,
      ...(clearword && { restorer: restorerOf(clearword, given) }),
      folder: given.output,
      settings: settingsOf(given, clearword),
      ahead: given.ahead,
      signal: context.signal,
      onProgress: (_done, fraction, text) => display.update(fraction, text),
    },
  );
  return { model: clearword?.model, about: aboutOf(given, list, clearword), result };
}

/** What a plain network does not have is left out where other models have it, and is an error where none has. */
const isAlone = ({ model = [] }: EvaluateOptions): boolean => model.length <= 1;
const isGuided = ({ model }: Clearword): boolean => model.defaults !== undefined;

function promptsOf({ given, prompts }: Evaluation, clearword: Clearword | undefined): readonly string[] {
  return clearword === undefined || isGuided(clearword) || isAlone(given) ? prompts : prompts.map(() => '');
}

/** Writes the report, if there is a folder for it; the text that is printed. */
async function report(measured: readonly Measured[], { given, list }: Evaluation): Promise<string> {
  const name = nameOf(given);
  const results = measured.map(({ result, about }) => resultJson(result, about));
  const [first] = measured;
  if (first === undefined) return '';
  if (measured.length === 1) {
    const [json = {}] = results;
    if (given.output !== undefined) {
      const page = { title: `Evaluation: ${name}`, about: asText(first.about), results: [first.result] };
      await writeEvaluation(given.output, page, json);
    }
    return given.json ? `${JSON.stringify(json)}\n` : summaryOf(first.result, list, given.output);
  }
  const entrants = entrantsOf(measured);
  const json = { name, models: results, differences: pairedDifferences(entrants) };
  if (given.output !== undefined) {
    const { model: _, hash: __, ...common } = first.about;
    const models = entrants.map(({ name: own, hash }) => [own, hash.slice(0, 12)]);
    await writeEvaluation(
      given.output,
      {
        title: `Evaluation: ${name}`,
        about: asText({ ...common, ...Object.fromEntries(models) }),
        folder: given.output,
        results: entrants.map((entrant) => ({ ...entrant.result, name: entrant.name })),
        extra: await contestSections(entrants, given.output),
      },
      json,
    );
  }
  return given.json ? `${JSON.stringify(json)}\n` : contestText(entrants, list, given.output);
}

/** Names that differ: of two networks with one name the second gets a number. */
function entrantsOf(measured: readonly Measured[]): readonly Entrant[] {
  const seen = new Map<string, number>();
  return measured.map(({ model, result }) => {
    const name = model?.name ?? 'results';
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return { name: count === 1 ? name : `${name} (${count})`, hash: model?.hash ?? '', result };
  });
}

function contestText(entrants: readonly Entrant[], list: CaseList, output: string | undefined): string {
  const tables = [contestTable(entrants), differenceTable(entrants)].filter(({ rows }) => rows.length > 0);
  const texts = tables.map(({ titles, rows }) => `${textTable(titles, rows)}\n`);
  return `${texts.join('\n')}${notesOf(
    entrants.map(({ result }) => result),
    list,
    output,
  )}`;
}

async function loadModel(
  { device, precision, encoders, descriptor }: EvaluateOptions,
  model: string | undefined,
  context: CommandContext,
  display: ProgressDisplay,
): Promise<Clearword> {
  return context.loadModel({
    device,
    precision,
    ...(model !== undefined && { model }),
    ...(encoders !== undefined && { encoders }),
    ...(descriptor !== undefined && { descriptor }),
    onDownload: (progress) => showDownload(display, 'the model', progress),
    signal: context.signal,
  });
}

function restorerOf(clearword: Clearword, given: EvaluateOptions): NonNullable<EvaluationOptions['restorer']> {
  const { steps, sampler, seed, tile, ensemble } = given;
  const sampling = isGuided(clearword) || isAlone(given);
  const chosen = {
    ...(sampling && steps !== undefined && { steps }),
    ...(sampling && sampler !== undefined && { sampler }),
    ...(tile !== undefined && { tile }),
    // A plain network has no noise of its own: the seed is that of added noise alone.
    ...(isGuided(clearword) && { seed }),
    ensemble,
  };
  return { clearword, parameters: chosen };
}

const nameOf = ({ data, input, target, outputs, sigma }: EvaluateOptions): string => {
  const source = basename(resolve(data ?? outputs ?? input ?? target ?? ''));
  return sigma === undefined ? source : `${source}, sigma ${sigma}`;
};

/** What decides the numbers of a picture beside the model. */
function settingsOf(given: EvaluateOptions, clearword: Clearword | undefined) {
  const { crop, sigma, seed, metrics, lpips, lpipsWeights, fidWeights, niqeModel, device, precision } = given;
  const measured = { crop, sigma, seed, metrics, lpips, lpipsWeights, fidWeights, niqeModel };
  // With the model's defaults filled in: another version may have others.
  const restored = clearword && { ...clearword.settings(restorerOf(clearword, given).parameters), device, precision };
  return { version: VERSION, measured, restored };
}

/** What the report and the JSON say about a measurement. */
function aboutOf(given: EvaluateOptions, list: CaseList, clearword: Clearword | undefined) {
  const { task, crop, sigma, prompts, prompt, captions, seed, device, precision } = given;
  const { steps, sampler, tile, overlap, ensemble } =
    clearword?.settings(restorerOf(clearword, given).parameters) ?? {};
  return {
    layout: list.layout,
    task,
    crop,
    ...(sigma !== undefined && { sigma }),
    seed,
    ...(list.unused > 0 && { unusedTargets: list.unused }),
    ...(clearword && {
      model: clearword.model.name,
      hash: clearword.model.hash,
      ...{ device, precision, steps, sampler, tile, overlap, ensemble },
      prompts,
      ...(prompts === 'constant' && { prompt }),
      ...(captions !== undefined && { captions }),
    }),
    version: VERSION,
  };
}

const asText = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));

function summaryOf(result: EvaluationResult, list: CaseList, output: string | undefined): string {
  const { titles, rows } = meanTable([result]);
  return `${textTable(titles, rows)}\n${notesOf([result], list, output)}`;
}

function notesOf(results: readonly EvaluationResult[], list: CaseList, output: string | undefined): string {
  const resumed = results.reduce((sum, result) => sum + result.resumed, 0);
  const notes = [
    ...missingMetrics(results),
    ...(list.unused > 0 ? [`${list.unused} targets without a picture of theirs were not used`] : []),
    ...(resumed > 0 ? [`${resumed} pictures were measured before`] : []),
    ...(output === undefined ? [] : [`report: ${resolve(output)}/report.html`]),
  ];
  return notes.map((note) => `${note}\n`).join('');
}
