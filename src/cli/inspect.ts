/**
 * `clearword inspect`: which degradations a photo has.
 *
 * @module
 */
import { z } from 'zod';
import type { Findings } from '../models/model.ts';
import { restoreOptionsSchema } from '../restore/options.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { deviceOption, encodersOption, jsonOption, modelOption, threadsOption } from './common-options.ts';
import { expandInputs, leftOutText, STANDARD } from './inputs.ts';
import { progressDisplay, showDownload } from './progress.ts';
import { exitCodeOf, printError, reportOf, visible } from './report.ts';
import { readPicture } from './restore-job.ts';

const options = z.strictObject({
  device: deviceOption,
  model: modelOption,
  encoders: encodersOption,
  threads: threadsOption,
  strict: restoreOptionsSchema.shape.strict,
  maxMegapixels: restoreOptionsSchema.shape.maxMegapixels,
  json: jsonOption,
});

export const inspect = defineCommand({
  name: 'inspect',
  argument: {
    name: 'inputs',
    description: 'photos, folders of photos, or patterns; - is standard input',
    variadic: true,
  },
  options,
  details: `For each degradation that the model knows: the probability that the photo has it, and its strength from 0 to 1
(noise: standard deviation of 8-bit values / 55; rain: brightness that the streaks add / 0.15; haze: share of the
scene's light lost; compression: 1 - quality / 100; darkness: stops of exposure lost / 4).

Exit codes: 0 all done, 1 some failed, 2 wrong use, 130 stopped by Ctrl-C.`,
  run,
});

async function run(args: readonly string[], given: z.output<typeof options>, context: CommandContext): Promise<number> {
  const inputs = await expandInputs(args);
  const { files, errors } = inputs;
  const leftOut = leftOutText(inputs);
  if (leftOut !== undefined) context.stderr.write(`note: ${leftOut}\n`);
  let failed = errors.length;
  let done = 0;
  const fail = (error: unknown, input?: string) => {
    if (given.json) context.stdout.write(`${JSON.stringify({ input, error: reportOf(error) })}\n`);
    printError(context.stderr, error, context.debug);
  };
  for (const error of errors) fail(error);
  if (files.length === 0) return EXIT.failed;
  const { device, model, encoders, threads, strict, maxMegapixels } = given;
  const { signal } = context;
  const display = await progressDisplay(context.stderr);
  const clearword = await context
    .loadModel({
      device,
      threads,
      ...(model !== undefined && { model }),
      ...(encoders !== undefined && { encoders }),
      onDownload: (progress) => showDownload(display, 'the model', progress),
      signal,
    })
    .finally(() => display.stop());
  try {
    for (const { path } of files) {
      try {
        const picture = path === STANDARD ? await readPicture(context, maxMegapixels) : path;
        const findings = await clearword.inspect(picture, { maxMegapixels, strict, signal });
        done++;
        context.stdout.write(given.json ? `${asJson(path, findings)}\n` : asText(path, findings));
      } catch (error) {
        fail(error, path);
        failed++;
        if (exitCodeOf(error) === EXIT.interrupted) {
          context.stderr.write(`stopped: ${done} of ${files.length} inspected\n`);
          return EXIT.interrupted;
        }
      }
    }
  } finally {
    await clearword.dispose();
  }
  return failed > 0 ? EXIT.failed : EXIT.done;
}

function asJson(input: string, { degradations }: Findings): string {
  return JSON.stringify({ input, degradations });
}

function asText(input: string, { degradations }: Findings): string {
  const longest = Math.max(...Object.keys(degradations).map(({ length }) => length));
  const lines = Object.entries(degradations).map(([name, { probability, strength }]) => {
    const percent = `${Math.round(100 * probability)} %`.padStart(6);
    return `  ${name.padEnd(longest)}${percent}   strength ${strength.toFixed(2)}\n`;
  });
  return `${visible(input)}\n${lines.join('')}`;
}
