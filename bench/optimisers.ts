/**
 * Which optimiser gets there first, by the clock.
 *
 *   npx tsx bench/optimisers.ts [configs/optimisers/adamw.json configs/optimisers/muon.json] [--output runs/optimisers]
 *     [--minutes 20] [--every 250] [--resume] [--table]
 *
 * Trains each configuration for the same time. They run side by side in one process, each with its own engine thread
 * (`threads` of the configurations), so that whatever else the machine does meets all of them; what differs between them is
 * what the configurations say, and seed, data and validation should be equal. Then, or with `--table` from what is there,
 * prints the validation PSNR by step with the minutes that each took, and when each first had what the first one ended
 * with. `--minutes` and `--every` (steps between validations) replace those of the configurations.
 */
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { readTrainConfig, type TrainConfig } from '../src/train/config.ts';
import { readLog, type ValidationEntry } from '../src/train/log.ts';
import { train } from '../src/train/trainer.ts';
import { describeMachine, machine } from './machine.ts';
import { markdownTable } from './table.ts';

const { values, positionals } = parseArgs({
  options: {
    output: { type: 'string', default: 'runs/optimisers' },
    minutes: { type: 'string' },
    every: { type: 'string' },
    resume: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const files = positionals.length > 0 ? positionals : ['configs/optimisers/adamw.json', 'configs/optimisers/muon.json'];

interface Contender {
  readonly name: string;
  readonly folder: string;
  readonly config: TrainConfig;
}

/** A positive number, or undefined where the option was not given. */
function numberOf(option: 'minutes' | 'every'): number | undefined {
  const text = values[option];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${option}: expected a number above 0, received ${text}`);
  return value;
}

async function contender(file: string): Promise<Contender> {
  const config = await readTrainConfig(file);
  const { validation } = config;
  if (!validation) throw new Error(`${file}: expected a validation to compare by, received none`);
  const minutes = numberOf('minutes');
  const name = basename(file, '.json');
  return {
    name,
    folder: join(values.output, name),
    config: {
      ...config,
      ...(minutes === undefined ? {} : { minutes, steps: undefined }),
      validation: { ...validation, every: numberOf('every') ?? validation.every },
    },
  };
}

async function run({ name, folder, config }: Contender): Promise<void> {
  await train(config, folder, values.resume, {
    onProgress: ({ step, loss, stepsPerSecond }) =>
      console.error(`${name}: step ${step}, loss ${loss.toFixed(4)}, ${stepsPerSecond.toFixed(2)} steps/s`),
  });
}

type Row = ValidationEntry['rows'][number];

/** PSNR of `all`, and of everything that is in every contender's validation. */
function tableOf(
  contenders: readonly { readonly name: string; readonly entries: readonly ValidationEntry[] }[],
): string {
  const psnr = (entry: ValidationEntry | undefined, what: string) =>
    entry?.rows.find((row: Row) => row.name === what)?.output.toFixed(2) ?? '-';
  const [first] = contenders;
  const kinds = (first?.entries[0]?.rows ?? []).map((row) => row.name);
  const steps = [...new Set(contenders.flatMap(({ entries }) => entries.map(({ step }) => step)))].sort(
    (a, b) => a - b,
  );
  const rows = steps.map((step) => {
    const at = contenders.map(({ entries }) => entries.find((entry) => entry.step === step));
    const each = (of: (entry: ValidationEntry | undefined) => string) => at.map(of).join(' / ');
    return [
      String(step),
      each((entry) => entry?.minutes.toFixed(1) ?? '-'),
      ...kinds.map((kind) => each((entry) => psnr(entry, kind))),
    ];
  });
  return markdownTable(['Step', 'Minutes', ...kinds], rows);
}

/** When each contender first had the last PSNR of the first one. */
function whenEqual(
  contenders: readonly { readonly name: string; readonly entries: readonly ValidationEntry[] }[],
): string {
  const overall = (entry: ValidationEntry | undefined) => entry?.rows.find(({ name }) => name === 'all')?.output;
  const [first] = contenders;
  const goal = overall(first?.entries.at(-1));
  if (!first || goal === undefined) return 'No validation yet.';
  const lines = contenders.map(({ name, entries }) => {
    const reached = entries.find((entry) => (overall(entry) ?? Number.NEGATIVE_INFINITY) >= goal);
    const when = reached ? `after ${reached.minutes.toFixed(1)} minutes, ${reached.step} steps` : 'not yet';
    return `- ${name}: ${when}`;
  });
  return [`${goal.toFixed(2)} dB, the last of ${first.name}, was first there:`, ...lines].join('\n');
}

const contenders = await Promise.all(files.map(contender));
if (!values.table) await Promise.all(contenders.map(run));
const results = await Promise.all(
  contenders.map(async ({ name, folder }) => {
    const entries = (await readLog(folder)).filter((entry) => entry.kind === 'validation');
    return { name, entries };
  }),
);
console.log(describeMachine(machine()));
console.log(`PSNR in dB on held-back patches, ${contenders.map(({ name }) => name).join(' / ')}\n`);
console.log(tableOf(results));
console.log(`\n${whenEqual(results)}`);
