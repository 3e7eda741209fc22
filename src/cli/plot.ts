/**
 * `clearword plot`: the curves of a run as a picture.
 *
 * @module
 */
import { z } from 'zod';
import { writeFileAtomic } from '../atomic-file.ts';
import { ClearwordError } from '../errors.ts';
import { readLog } from '../train/log.ts';
import { plotLog } from '../train/plot.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';

const options = z.strictObject({
  output: z.string().min(1).meta({ short: 'o', placeholder: 'file', description: 'picture to write, .svg or .png' }),
});

export const plot = defineCommand({
  name: 'plot',
  argument: { name: 'run', description: 'folder of a training run' },
  options,
  details: 'Exit codes: 0 done, 1 failed, 2 wrong use.',
  run,
});

async function run(
  args: readonly string[],
  { output }: z.output<typeof options>,
  { stdout }: CommandContext,
): Promise<number> {
  const svg = plotLog(await readLog(args[0] ?? ''));
  await writeFileAtomic(output, await encode(svg, output), { overwrite: true });
  stdout.write(`${output}\n`);
  return EXIT.done;
}

async function encode(svg: string, path: string): Promise<string | Uint8Array> {
  if (/\.svg$/i.test(path)) return svg;
  if (!/\.png$/i.test(path)) {
    throw new ClearwordError('INVALID_OPTION', `--output: expected a name that ends in .svg or .png, received ${path}`);
  }
  const { default: sharp } = await import('sharp');
  return sharp(Buffer.from(svg), { density: 144 }).png().toBuffer();
}
