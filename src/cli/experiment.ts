/**
 * `clearword experiment`: the measurements of the documentation, one command each.
 *
 * @module
 */
import { readdirSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ClearwordError } from '../errors.ts';
import { limitedTo, parseExperiment, readJson } from '../evaluate/experiments/config.ts';
import { runExperiment } from '../evaluate/experiments/index.ts';
import { outcomeText, writeOutcome } from '../evaluate/experiments/outcome.ts';
import { meterOptions, metersFor } from '../evaluate/options.ts';
import { modelSource } from '../models/load.ts';
import { VERSION } from '../version.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { deviceOption, encodersOption, modelOption } from './common-options.ts';
import { progressDisplay, showDownload } from './progress.ts';

/** The configurations that come with the package; sources and build lie equally deep. */
const CONFIGS = fileURLToPath(new URL('../../configs/experiments', import.meta.url));

const { metrics: _, ...weights } = meterOptions;

const options = z.strictObject({
  output: z.string().min(1).meta({
    short: 'o',
    placeholder: 'folder',
    description:
      'folder for report.html, tables.md, results.json, the curves, trained models, and what is needed to go on',
  }),
  data: z.string().min(1).optional().meta({
    placeholder: 'folder',
    description: "folder of the data sets; default: the configuration's",
  }),
  limit: z.int().min(1).optional().meta({
    placeholder: 'n',
    description: 'at most this many pictures of each set, for a quick look; the report says so',
  }),
  model: modelOption,
  encoders: encodersOption,
  device: deviceOption,
  ...weights,
});

export const experiment = defineCommand({
  name: 'experiment',
  argument: { name: 'experiment', description: 'name of a configuration in configs/experiments, or a path' },
  options,
  details: `Experiments: ${readdirSync(CONFIGS)
    .filter((name) => name.endsWith('.json'))
    .map((name) => basename(name, '.json'))
    .join(', ')}; docs/evaluation.md says what each measures.
The same command with the same -o goes on where it was stopped; a model that it trained is kept there.

Exit codes: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C.

Examples:
  clearword experiment steps -o results/steps
  clearword experiment table1 -o results/table1 --data datasets --model my-model.safetensors`,
  run,
});

/** The path of a configuration given by its name or its path. */
function configPath(given: string): string {
  if (/\.json$/i.test(given)) return given;
  if (/^[\w-]+$/.test(given)) return join(CONFIGS, `${given}.json`);
  throw new ClearwordError(
    'INVALID_OPTION',
    `expected the name of an experiment, or a path that ends in .json, received ${given}`,
  );
}

async function run(args: readonly string[], given: z.output<typeof options>, context: CommandContext): Promise<number> {
  const { stdout, stderr, signal } = context;
  const path = configPath(args[0] ?? '');
  const whole = parseExperiment(await readJson(path), path);
  const config = given.limit === undefined ? whole : limitedTo(whole, given.limit);
  const data = resolve(given.data ?? config.data);
  const display = await progressDisplay(stderr);
  const weights = new Set<string>();
  const meters = await metersFor(
    { ...given, metrics: config.metrics },
    {
      signal,
      onDownload: (url, progress) => showDownload(display, basename(new URL(url).pathname), progress),
    },
  );
  try {
    const outcome = await runExperiment(config, {
      data,
      configs: dirname(path),
      folder: resolve(given.output),
      meters,
      load: async (model = given.model) => {
        const clearword = await context.loadModel({
          device: given.device,
          ...(model !== undefined && { model }),
          ...(given.encoders !== undefined && { encoders: given.encoders }),
          onDownload: (progress) => showDownload(display, 'the model', progress),
          signal,
        });
        weights.add(`${clearword.model.name} ${clearword.model.hash.slice(0, 12)}`);
        return clearword;
      },
      pathOf: (model = given.model) => modelSource(model),
      device: given.device,
      signal,
      onProgress: (fraction, text) => display.update(fraction, text),
    });
    const about = {
      experiment: basename(path, '.json'),
      data: config.data,
      model: given.model ?? 'bundled',
      ...(given.limit !== undefined && { limit: given.limit }),
      weights: [...weights].join(', '),
      version: VERSION,
      machine: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} threads`,
      date: new Date().toISOString().slice(0, 10),
    };
    const report = await writeOutcome(config, outcome, about, resolve(given.output));
    display.around(() => stdout.write(`${outcomeText(outcome)}\nreport: ${report}\n`));
    return outcome.results.some(({ failures }) => failures.length > 0) ? EXIT.failed : EXIT.done;
  } finally {
    display.stop();
    await meters.close();
  }
}
