/**
 * `clearword evaluate`: restores a test set, or takes any system's results, and scores them.
 *
 * @module
 */
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import type { Clearword } from '../clearword.ts';
import { type EvaluationOptions, type EvaluationResult, evaluate as evaluateSet } from '../evaluate/evaluate.ts';
import { evaluationOptions, meterOptions, metersFor } from '../evaluate/options.ts';
import { meanTable, missingMetrics, resultJson, textTable } from '../evaluate/outputs.ts';
import { promptsFor } from '../evaluate/sets/captions.ts';
import { type CaseList, casesFor } from '../evaluate/sets/cases.ts';
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
  model: modelOption,
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
  let clearword: Clearword | undefined;
  try {
    clearword = given.outputs === undefined ? await loadModel(given, context, display) : undefined;
    const name = nameOf(given);
    const result = await evaluateSet(
      { name, cases: list.cases, prompts },
      {
        meters,
        ...(clearword && { restorer: restorerOf(clearword, given) }),
        folder: given.output,
        settings: settingsOf(given, clearword),
        ahead: given.ahead,
        signal,
        onProgress: (_done, fraction, text) => display.update(fraction, text),
      },
    );
    const about = aboutOf(given, list, clearword);
    const json = resultJson(result, about);
    if (given.output !== undefined)
      await writeEvaluation(
        given.output,
        { title: `Evaluation: ${name}`, about: asText(about), results: [result] },
        json,
      );
    display.around(() => {
      stdout.write(given.json ? `${JSON.stringify(json)}\n` : summaryOf(result, list, given.output));
      for (const { id, error } of result.failures) {
        stderr.write(`${id}: `);
        printError(stderr, error, context.debug);
      }
    });
    return result.failures.length > 0 || result.pictures.length === 0 ? EXIT.failed : EXIT.done;
  } finally {
    display.stop();
    await Promise.all([meters.close(), clearword?.dispose()]);
  }
}

async function loadModel(
  { device, precision, model, encoders, descriptor }: EvaluateOptions,
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
  const chosen = {
    ...(steps !== undefined && { steps }),
    ...(sampler !== undefined && { sampler }),
    ...(tile !== undefined && { tile }),
    seed,
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
  const notes = [
    ...missingMetrics([result]),
    ...(list.unused > 0 ? [`${list.unused} targets without a picture of theirs were not used`] : []),
    ...(result.resumed > 0 ? [`${result.resumed} pictures were measured before`] : []),
    ...(output === undefined ? [] : [`report: ${resolve(output)}/report.html`]),
  ];
  return `${textTable(titles, rows)}\n${notes.map((note) => `${note}\n`).join('')}`;
}
