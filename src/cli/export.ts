/**
 * `clearword export`: a checkpoint as a model.
 *
 * @module
 */
import { z } from 'zod';
import { exportCheckpoint } from '../train/export.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { noteEncoders } from './report.ts';

const text = (description: string) => z.string().min(1).optional().meta({ placeholder: 'text', description });

const options = z.strictObject({
  output: z.string().min(1).meta({
    short: 'o',
    placeholder: 'file',
    description: 'weights to write (.safetensors); the card goes beside them (.json)',
  }),
  precision: z.enum(['float16', 'float32']).default('float16').meta({
    placeholder: 'type',
    description: 'element type of the weights in the file',
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
  { output, ...rest }: z.output<typeof options>,
  { stdout, stderr }: CommandContext,
): Promise<number> {
  const card = await exportCheckpoint(args[0] ?? '', output, rest);
  noteEncoders(stderr, card.encoders);
  stdout.write(`${output}: ${card.name}, ${card.parameters} parameters, SHA-256 ${card.sha256}\n`);
  return EXIT.done;
}
