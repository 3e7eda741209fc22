/**
 * `clearword export`: a checkpoint as a model, or as an ONNX file.
 *
 * @module
 */
import { z } from 'zod';
import { exportCheckpoint } from '../train/export.ts';
import { exportOnnx } from '../train/export-onnx.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { noteEncoders } from './report.ts';

const text = (description: string) => z.string().min(1).optional().meta({ placeholder: 'text', description });

const options = z.strictObject({
  output: z.string().min(1).meta({
    short: 'o',
    placeholder: 'file',
    description:
      'weights to write (.safetensors), with the card beside them (.json); with --onnx a file that ends in .onnx',
  }),
  onnx: z.boolean().default(false).meta({
    description: 'write an ONNX file with its descriptor inside, of a plain network (preset ffdnet or prenet)',
  }),
  precision: z.enum(['float16', 'float32']).default('float16').meta({
    placeholder: 'type',
    description: 'element type of the weights in the file; an ONNX file has float32',
  }),
  name: text('name of the model on its card; default: that of its preset'),
  licence: text('terms of use, for the card'),
  data: text('what it was trained on, for the card'),
});

export const exportModel = defineCommand({
  name: 'export',
  argument: { name: 'checkpoint', description: 'checkpoint of a training run' },
  options,
  details: 'The model takes the averaged parameters.\n\nExit codes: 0 done, 1 failed, 2 wrong use.',
  run,
});

async function run(
  args: readonly string[],
  { output, onnx, ...rest }: z.output<typeof options>,
  { stdout, stderr }: CommandContext,
): Promise<number> {
  if (onnx) {
    const { name, parameters, sha256 } = await exportOnnx(args[0] ?? '', output, rest);
    stdout.write(`${output}: ${name}, ${parameters} parameters, SHA-256 ${sha256}\n`);
    return EXIT.done;
  }
  const card = await exportCheckpoint(args[0] ?? '', output, rest);
  noteEncoders(stderr, card.encoders);
  stdout.write(`${output}: ${card.name}, ${card.parameters} parameters, SHA-256 ${card.sha256}\n`);
  return EXIT.done;
}
