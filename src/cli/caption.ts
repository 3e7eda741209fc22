/**
 * `clearword caption`: what photos show, in words, as a table for training.
 *
 * @module
 */
import { z } from 'zod';
import { captionFiles } from '../captions/caption-files.ts';
import { openCaptioner } from '../captions/open.ts';
import { limitsFor, restoreOptionsSchema } from '../restore/options.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { jsonOption } from './common-options.ts';
import { expandInputs } from './inputs.ts';
import { progressDisplay } from './progress.ts';
import { printError, printJsonError, reportOf } from './report.ts';

const text = (placeholder: string, description: string) =>
  z.string().min(1).optional().meta({ placeholder, description });

const options = z.strictObject({
  output: z.string().min(1).meta({
    short: 'o',
    placeholder: 'table',
    description: 'table to write: file<TAB>caption, files relative to it; files that it has are left out',
  }),
  endpoint: text(
    'address',
    "service with OpenAI's chat interface, such as http://localhost:11434/v1; default: CLEARWORD_CAPTION_ENDPOINT, or a model on this machine",
  ),
  model: text(
    'name',
    'model of the service, or of this machine: a name on the Hugging Face hub or a folder; default: CLEARWORD_CAPTION_MODEL, or a small one on this machine',
  ),
  prompt: text(
    'text',
    'what the model is asked; default: CLEARWORD_CAPTION_PROMPT, or for one sentence about the content, not the quality',
  ),
  concurrency: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .meta({ placeholder: 'n', description: 'photos asked about at a time' }),
  tries: z
    .int()
    .min(1)
    .max(20)
    .default(4)
    .meta({ placeholder: 'n', description: 'tries for a photo before it counts as failed' }),
  precision: z.enum(['fp32', 'fp16', 'q8', 'q4']).default('q8').meta({
    placeholder: 'type',
    description: 'weights of a model on this machine',
  }),
  maxMegapixels: restoreOptionsSchema.shape.maxMegapixels,
  json: jsonOption,
});

export const caption = defineCommand({
  name: 'caption',
  argument: { name: 'inputs', description: 'photos, folders of photos, or patterns', variadic: true },
  options,
  details: `For a model on this machine install @huggingface/transformers beside Clearword. --model is a name on the hub, which is
downloaded once into the user's cache (CLEARWORD_OFFLINE=1 forbids it, HF_ENDPOINT names a mirror), or a folder with
the same files: config.json, preprocessor_config.json, processor_config.json, tokenizer.json, tokenizer_config.json
with a chat template, and onnx/ with the networks in the precision (q8: *_quantized.onnx, q4: *_q4.onnx).
A service's key is taken from CLEARWORD_CAPTION_KEY.
Degraded photos are captioned as they are. Run the same command again to go on.

Exit codes: 0 all done, 1 some failed, 2 wrong use, 130 stopped by Ctrl-C (captions made so far are in the table).

Examples:
  clearword caption photos -o captions.tsv
  clearword caption photos -o captions.tsv --model models/SmolVLM-256M-Instruct
  clearword caption photos -o captions.tsv --endpoint http://localhost:11434/v1 --model qwen2.5vl:3b --concurrency 4`,
  run,
});

async function run(args: readonly string[], given: z.output<typeof options>, context: CommandContext): Promise<number> {
  const { output, concurrency, maxMegapixels, json, ...rest } = given;
  const { stdout, stderr, signal, debug } = context;
  const { files, errors } = await expandInputs(args);
  for (const error of errors) {
    if (json) printJsonError(stdout, error);
    printError(stderr, error, debug);
  }
  if (files.length === 0) return EXIT.failed;
  const progress = await progressDisplay(stderr);
  progress.update(0, 'loading the model');
  let done = 0;
  const step = (file: string, write: () => void) => {
    progress.around(write);
    progress.update(++done / files.length, file);
  };
  try {
    const captioner = await openCaptioner({ ...rest, signal });
    try {
      const tally = await captionFiles(
        files.map(({ path }) => path),
        output,
        {
          captioner,
          limits: limitsFor(maxMegapixels),
          concurrency,
          signal,
          onCaption: (file, words) =>
            step(file, () =>
              stdout.write(json ? `${JSON.stringify({ file, caption: words })}\n` : `${file}\t${words}\n`),
            ),
          onFailure: (file, error) =>
            step(file, () => {
              if (json) stdout.write(`${JSON.stringify({ file, error: reportOf(error) })}\n`);
              printError(stderr, error, debug);
            }),
        },
      );
      stderr.write(`${tally.captioned} captioned, ${tally.present} present, ${tally.failed} failed\n`);
      return tally.failed + errors.length > 0 ? EXIT.failed : EXIT.done;
    } finally {
      await captioner.dispose();
    }
  } finally {
    progress.stop();
  }
}
