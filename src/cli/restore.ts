/**
 * `clearword restore`: photos in, restored photos out.
 *
 * @module
 */
import type { Clearword, RestoreProgress } from '../clearword.ts';
import { AUTO, AutoPrompts } from './auto-prompts.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { expandInputs } from './inputs.ts';
import { planJobs, targetOf } from './outputs.ts';
import { type ProgressDisplay, progressDisplay, showDownload } from './progress.ts';
import { exitCodeOf, printError, reportOf } from './report.ts';
import { type JobReport, runJob, shouldSkip } from './restore-job.ts';
import { type RestoreCommandOptions, restoreCommandOptions, restoreParameters } from './restore-options.ts';

export const restore = defineCommand({
  name: 'restore',
  argument: {
    name: 'inputs',
    description: 'photos, folders of photos, or patterns such as "trip/**/*.jpg"',
    variadic: true,
  },
  options: restoreCommandOptions,
  details: `Formats: JPEG, PNG, WebP, TIFF, AVIF, in and out; the extension of the result chooses.
With --samples k: the mean as the result, and photo.restored.sample-1.jpg ..., photo.restored.uncertainty.png.
With --compare: photo.restored.compare.jpg. With --save-states: photo.restored.states.png.
With --json: one object a line on standard output for every input, as soon as it is done.
Exit codes: 0 all done, 1 some failed, 2 wrong use, 130 stopped by Ctrl-C (finished results stay, none is partial).

Examples:
  clearword restore rainy.jpg
  clearword restore rainy.jpg -o clear.png --prompt "remove the rain, keep the fog"
  clearword restore holiday -o restored --skip-existing`,
  run,
});

async function run(args: readonly string[], given: RestoreCommandOptions, context: CommandContext): Promise<number> {
  const target = await targetOf(given.output);
  const inputs = await expandInputs(args, target.kind === 'folder' ? target.path : undefined);
  const jobs = planJobs(inputs.files, target);
  const tally = { restored: 0, skipped: 0, failed: 0 };
  const progress = await progressDisplay(context.stderr);
  const print = (report: JobReport) => {
    tally[report.status]++;
    progress.around(() => printReport(report, given.json, context));
  };
  let clearword: Clearword | undefined;
  const captions = given.prompt === AUTO ? new AutoPrompts(given, context.signal) : undefined;
  try {
    for (const error of inputs.errors) print({ status: 'failed', error: reportOf(error), cause: error });
    for (const [index, job] of jobs.entries()) {
      if (given.skipExisting && (await shouldSkip(job))) {
        print({ status: 'skipped', input: job.input, output: job.output });
        continue;
      }
      if (clearword === undefined) {
        clearword = await loadModel(given, context, progress);
        // What no picture can be restored with is wrong use, found before the first one.
        clearword.settings(restoreParameters(given));
      }
      const onProgress = ({ stage, fraction }: RestoreProgress) =>
        progress.update((index + fraction) / jobs.length, `${job.input}: ${stage}`);
      const report = await runJob(clearword, job, given, context.signal, onProgress, captions?.of);
      print(report);
      if (report.status === 'failed' && exitCodeOf(report.cause) === EXIT.interrupted) return EXIT.interrupted;
    }
  } finally {
    progress.stop();
    await clearword?.dispose();
    await captions?.dispose();
  }
  if (jobs.length + inputs.errors.length > 1) {
    context.stderr.write(`${tally.restored} restored, ${tally.skipped} skipped, ${tally.failed} failed\n`);
  }
  return tally.failed > 0 ? EXIT.failed : EXIT.done;
}

async function loadModel(
  given: RestoreCommandOptions,
  context: CommandContext,
  progress: ProgressDisplay,
): Promise<Clearword> {
  progress.update(0, 'loading the model');
  const { device, precision, model, encoders } = given;
  return context.loadModel({
    device,
    precision,
    ...(model !== undefined && { model }),
    ...(encoders !== undefined && { encoders }),
    onDownload: (received) => showDownload(progress, 'the model', received),
    signal: context.signal,
  });
}

function printReport(report: JobReport, json: boolean, { stdout, stderr, debug }: CommandContext): void {
  const { cause, ...fields } = report;
  if (json) stdout.write(`${JSON.stringify(fields)}\n`);
  if (report.status === 'failed') printError(stderr, cause, debug);
  else if (!json) stdout.write(`${textOf(report)}\n`);
}

function textOf(report: JobReport): string {
  if (report.status === 'skipped') return `${report.input} -> ${report.output}  exists, skipped`;
  const found = Object.entries(report.findings?.degradations ?? {})
    .filter(([, { verdict }]) => verdict === 'found')
    .map(([name, { strength }]) => `${name} ${strength.toFixed(2)}`);
  return `${report.input} -> ${report.output}  ${report.seconds?.toFixed(1)} s  found: ${found.join(', ') || 'nothing'}`;
}
