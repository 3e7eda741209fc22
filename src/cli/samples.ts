/**
 * `clearword samples`: what a training configuration makes of its data, to look at.
 *
 * @module
 */
import { z } from 'zod';
import { writeFileAtomic } from '../atomic-file.ts';
import { sampleSheet } from '../evaluate/report/samples.ts';
import { readTrainConfig, trainConfigSchema } from '../train/config.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';

const tasks = trainConfigSchema.shape.data.shape.tasks;

const options = z.strictObject({
  output: z
    .string()
    .min(1)
    .meta({ short: 'o', placeholder: 'file', description: 'page to write, HTML with its pictures inside' }),
  count: z.int().min(1).max(2000).default(48).meta({ placeholder: 'n', description: 'samples' }),
  task: tasks.unwrap().keyof().optional().meta({ placeholder: 'name', description: 'only samples of this task' }),
  step: z.int().min(0).default(0).meta({ placeholder: 'n', description: 'step of the run whose samples to draw' }),
});

export const samples = defineCommand({
  name: 'samples',
  argument: { name: 'config', description: 'training configuration' },
  options,
  details: `For every sample the page shows its input, what the prompt asks for, what was drawn, and the strengths that the controller should report.

Exit codes: 0 done, 1 failed, 2 wrong use.

Examples:
  clearword samples configs/lite.json -o sheet.html
  clearword samples configs/life.json -o noise.html --task noise --count 96`,
  run,
});

async function run(
  args: readonly string[],
  { output, count, task, step }: z.output<typeof options>,
  { stdout }: CommandContext,
): Promise<number> {
  const config = await readTrainConfig(args[0] ?? '');
  const page = await sampleSheet(config, { count, step, ...(task !== undefined && { task }) });
  await writeFileAtomic(output, page, { overwrite: true });
  stdout.write(`${output}\n`);
  return EXIT.done;
}
