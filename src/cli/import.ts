/**
 * `clearword import`: published weights as a model, or under other names.
 *
 * @module
 */
import { z } from 'zod';
import { NAMING_NAMES, type NamingName } from '../models/checkpoint-names.ts';
import { importWeights } from '../models/import.ts';
import type { Preset } from '../models/preset-schema.ts';
import { presets } from '../models/presets.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { progressDisplay, showDownload } from './progress.ts';
import { noteEncoders } from './report.ts';

const text = (description: string) => z.string().min(1).optional().meta({ placeholder: 'text', description });

const options = z.strictObject({
  output: z.string().min(1).meta({
    short: 'o',
    placeholder: 'file',
    description: 'weights to write (.safetensors); the card of a network goes beside them (.json)',
  }),
  preset: z
    .enum(Object.keys(presets) as [string, ...string[]])
    .default('paper')
    .meta({ placeholder: 'name', description: 'network that the weights are of, or whose encoders they are' }),
  precision: z.enum(['float16', 'float32']).default('float32').meta({
    placeholder: 'type',
    description: 'element type of the weights in the file',
  }),
  naming: z
    .enum(NAMING_NAMES as [NamingName, ...NamingName[]])
    .default('daclip')
    .meta({ placeholder: 'name', description: 'names of encoder weights in the file' }),
  encoders: text(
    "where the weights of the network's encoders are, for the card (which has a path as seen from the model): a path, hub:owner/name/file or an https address",
  ),
  name: text('name of the model on its card; default: that of its preset'),
  licence: text('terms of use, for the card'),
});

export const importModel = defineCommand({
  name: 'import',
  argument: {
    name: 'weights',
    description: 'file, hub:owner/name/file or https address; safetensors, PyTorch or ONNX',
  },
  options,
  details: `A checkpoint of the paper's network becomes a model for --model. Weights of CLIP and DA-CLIP in any naming become
one safetensors file in the naming asked for, and so back again. Files of PyTorch are read without executing anything.

Exit codes: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C.

Examples:
  clearword import etdiffir.pth -o paper.safetensors --encoders daclip.safetensors
  clearword import hub:openai/clip-vit-base-patch32/model.safetensors -o clip.safetensors --naming openclip`,
  run,
});

async function run(
  args: readonly string[],
  { output, preset, ...rest }: z.output<typeof options>,
  { stdout, stderr, signal }: CommandContext,
): Promise<number> {
  const source = args[0] ?? '';
  const display = await progressDisplay(stderr);
  try {
    const done = await importWeights(source, output, {
      ...rest,
      preset: presets[preset] as Preset,
      onDownload: (from, progress) => showDownload(display, from, progress),
      signal,
    });
    display.around(() => {
      noteEncoders(stderr, done.encoders);
      if (done.leftOut.length > 0)
        stderr.write(
          `note: left out, because the naming ${rest.naming} has no names for it: ${done.leftOut.join(', ')}\n`,
        );
      const what = done.naming === undefined ? 'a model' : `encoders, named as ${done.naming} before`;
      stdout.write(`${output}: ${what}, ${done.tensors} tensors, ${done.parameters} parameters\n`);
    });
    return EXIT.done;
  } finally {
    display.stop();
  }
}
