/**
 * `clearword restore`: photos in, restored photos out.
 *
 * @module
 */
import type { Clearword, RestoreProgress } from '../clearword.ts';
import { ClearwordError } from '../errors.ts';
import { checkLossless } from '../image/image-encode.ts';
import { formatOfName } from '../image/image-signature.ts';
import { outputFormat } from '../restore/restored-image.ts';
import { AUTO, AutoPrompts } from './auto-prompts.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { expandInputs, leftOutText, STANDARD } from './inputs.ts';
import { type Job, planJobs, targetOf } from './outputs.ts';
import { type ProgressDisplay, progressDisplay, showDownload } from './progress.ts';
import { exitCodeOf, reportOf, visible } from './report.ts';
import { isDone, runJob } from './restore-job.ts';
import { type RestoreCommandOptions, restoreCommandOptions, restoreParameters } from './restore-options.ts';
import { shared, Tally, withoutExisting } from './restore-tally.ts';

export const restore = defineCommand({
  name: 'restore',
  argument: {
    name: 'inputs',
    description: 'photos, folders of photos, or patterns such as "trip/**/*.jpg"',
    variadic: true,
  },
  options: restoreCommandOptions,
  details: `Formats: JPEG, PNG, WebP, TIFF, AVIF, in and out; the extension of the result chooses, or --format.
- as an input is standard input, as the output standard output.
Two runs into one folder with --skip-existing share the work.
With --samples k: the mean as the result, and photo.restored.sample-1.jpg ..., photo.restored.uncertainty.png.
With --compare: photo.restored.compare.jpg. With --save-states: photo.restored.states.png.
With --json: one object a line on standard output for every input, as soon as it is done.
Exit codes: 0 all done, 1 some failed, 2 wrong use, 130 stopped by Ctrl-C (finished results stay, none is partial).

Examples:
  clearword restore rainy.jpg
  clearword restore rainy.jpg -o clear.png --prompt "remove the rain, keep the fog"
  clearword restore holiday -o restored --skip-existing
  clearword restore holiday -o small --format webp --quality 80
  clearword restore noisy.jpg --model scunet.onnx
  clearword restore - < rainy.jpg > clear.jpg`,
  run,
});

async function run(args: readonly string[], given: RestoreCommandOptions, context: CommandContext): Promise<number> {
  await checkArguments(args, given);
  const target = await targetOf(given.output, given.format);
  const inputs = await expandInputs(args, target.kind === 'folder' ? target.path : undefined);
  const jobs = planJobs(inputs.files, target, given.format);
  checkStandardOutput(jobs, given);
  for (const { output } of jobs) if (output !== STANDARD) checkLossless(outputFormat(output), given.lossless);
  const leftOut = leftOutText(inputs);
  if (leftOut !== undefined) context.stderr.write(`note: ${leftOut}\n`);
  const progress = await progressDisplay(context.stderr);
  const tally = new Tally(given.json, context, progress);
  let clearword: Clearword | undefined;
  const captions = given.prompt === AUTO ? new AutoPrompts(given, context.signal) : undefined;
  try {
    for (const error of inputs.errors) tally.add({ status: 'failed', error: reportOf(error), cause: error });
    const open = await withoutExisting(jobs, given, tally);
    for await (const job of shared(open, given, tally, context.signal)) {
      if (clearword === undefined) {
        clearword = await loadModel(given, context, progress);
        // What no picture can be restored with is wrong use, found before the first one.
        clearword.settings(restoreParameters(given));
      }
      const onProgress = ({ stage, fraction }: RestoreProgress) =>
        progress.update((tally.count + fraction) / jobs.length, `${visible(job.input)}: ${stage}`);
      const report = await runJob(job, { clearword, given, context, onProgress, promptFor: captions?.of });
      tally.add(report);
      if (report.status === 'failed' && exitCodeOf(report.cause) === EXIT.interrupted) {
        context.stderr.write(`stopped: ${tally.restored} of ${jobs.length} restored\n`);
        return EXIT.interrupted;
      }
    }
  } finally {
    progress.stop();
    await clearword?.dispose();
    await captions?.dispose();
  }
  if (jobs.length + inputs.errors.length > 1) context.stderr.write(`${tally.text()}\n`);
  return tally.failed > 0 ? EXIT.failed : EXIT.done;
}

/** Throws INVALID_OPTION for the commonest mistake: the result's name after the photo's, as with other programs. */
async function checkArguments(args: readonly string[], given: RestoreCommandOptions): Promise<void> {
  const [input, output, ...others] = args;
  if (input === undefined || output === undefined || others.length > 0 || given.output !== undefined) return;
  if (formatOfName(input) === undefined || formatOfName(output) === undefined) return;
  if (await isDone({ input, output })) return;
  if (!(await isDone({ input: '', output: input }))) return;
  throw new ClearwordError('INVALID_OPTION', `expected photos that exist, but ${output} does not`, {
    fix: `Results are named with -o: clearword restore ${input} -o ${output}`,
  });
}

function checkStandardOutput(jobs: readonly Job[], given: RestoreCommandOptions): void {
  const { json, samples, compare, saveStates } = given;
  if (!jobs.some(({ output }) => output === STANDARD) || !(json || samples > 1 || compare || saveStates)) return;
  const received = json ? '--json' : samples > 1 ? '--samples' : compare ? '--compare' : '--save-states';
  throw new ClearwordError('INVALID_OPTION', `expected a file for --output with ${received}, received -`, {
    fix: 'Give -o a file: standard output holds the picture and nothing else.',
  });
}

async function loadModel(
  given: RestoreCommandOptions,
  context: CommandContext,
  progress: ProgressDisplay,
): Promise<Clearword> {
  progress.update(0, 'loading the model');
  const { device, precision, threads, model, encoders, descriptor } = given;
  return context.loadModel({
    device,
    precision,
    threads,
    ...(model !== undefined && { model }),
    ...(encoders !== undefined && { encoders }),
    ...(descriptor !== undefined && { descriptor }),
    onDownload: (received) => showDownload(progress, 'the model', received),
    signal: context.signal,
  });
}
