/**
 * `clearword train`: trains a model, or goes on with a run.
 *
 * @module
 */
import { z } from 'zod';
import { DEVICES } from '../runtime/protocol.ts';
import { ENGINES, readTrainConfig } from '../train/config.ts';
import { type TrainProgress, train as trainModel } from '../train/trainer.ts';
import type { ValidationRow } from '../train/validation.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { progressDisplay, showDownload } from './progress.ts';

const options = z.strictObject({
  output: z.string().min(1).meta({
    short: 'o',
    placeholder: 'folder',
    description: 'folder of the run: its checkpoints and its log',
  }),
  engine: z
    .enum(ENGINES)
    .optional()
    .meta({ placeholder: 'name', description: "what computes the steps, in place of the configuration's" }),
  python: z.string().min(1).optional().meta({
    placeholder: 'path',
    description: "interpreter with PyTorch, in place of the configuration's",
  }),
  device: z
    .enum([...DEVICES, 'auto'])
    .optional()
    .meta({ placeholder: 'name', description: "device, in place of the configuration's" }),
  minutes: z
    .number()
    .positive()
    .optional()
    .meta({ placeholder: 'number', description: "length of the run in minutes, in place of the configuration's" }),
  resume: z.boolean().default(false).meta({ description: 'go on from the newest checkpoint in the folder' }),
});

export const train = defineCommand({
  name: 'train',
  argument: { name: 'config', description: 'configuration of the run, JSON' },
  options,
  details: `Ctrl-C saves a checkpoint and ends; --resume goes on from there as if nothing had happened.
configs/life.json trains a model like the bundled one, configs/lite.json one for noise, rain and haze, which needs less data;
docs/training.md explains every key.

Exit codes: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C.`,
  run,
});

/** What was given of the options that stand for keys of the configuration. */
function given(changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const named = Object.entries(changes).filter(([, value]) => value !== undefined);
  // A run is limited by one of the two.
  return { ...Object.fromEntries(named), ...(changes.minutes !== undefined && { steps: undefined }) };
}

/** Lines printed when the output is no terminal: one for this many reports. */
const LINE_EVERY = 5;

const duration = (seconds: number): string => {
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

function lineOf({ step, loss, stepsPerSecond, remaining, busyShare }: TrainProgress): string {
  const engine = `engine busy ${(100 * busyShare).toFixed(0)} %`;
  return `step ${step}  loss ${loss.toFixed(4)}  ${stepsPerSecond.toFixed(2)} steps/s  ${engine}  ${duration(remaining)} left`;
}

function validationLines(step: number, rows: readonly ValidationRow[]): string {
  const body = rows.map(({ name, samples, input, output }) => {
    const gain = `${input.toFixed(2)} -> ${output.toFixed(2)} dB`;
    return `  ${name.padEnd(16)} ${gain.padStart(20)}  (${samples} ${samples === 1 ? 'sample' : 'samples'})\n`;
  });
  return `validation at step ${step}\n${body.join('')}`;
}

async function run(
  args: readonly string[],
  { output, resume, ...changes }: z.output<typeof options>,
  { stdout, stderr, signal }: CommandContext,
): Promise<number> {
  const config = await readTrainConfig(args[0] ?? '', given(changes));
  const display = await progressDisplay(stderr);
  const interactive = stderr.isTTY === true;
  let reports = 0;
  let warned = '';
  try {
    const result = await trainModel(config, output, resume, {
      signal,
      onProgress: (progress) => {
        display.update(progress.fraction, lineOf(progress));
        if (!interactive && reports++ % LINE_EVERY === 0) stderr.write(`${lineOf(progress)}\n`);
      },
      onNote: (note) => display.around(() => stderr.write(`${note}\n`)),
      onDownload: (progress) => showDownload(display, 'the encoders', progress),
      onUnwritable: ({ message }) => {
        // Tried every few steps, said once.
        if (message !== warned) display.around(() => stderr.write(`${message}; the run goes on and tries again\n`));
        warned = message;
      },
      onValidation: (step, rows) => display.around(() => stderr.write(validationLines(step, rows))),
    });
    const busy = `the engine was busy ${(100 * result.busyShare).toFixed(1)} % of the time`;
    stdout.write(`${result.finished ? 'done' : 'stopped'} at step ${result.step}: ${result.checkpoint}; ${busy}\n`);
    return result.finished ? EXIT.done : EXIT.interrupted;
  } finally {
    display.stop();
  }
}
