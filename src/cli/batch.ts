/**
 * `clearword batch`: a folder or bucket of photos through a queue.
 *
 * @module
 */
import { z } from 'zod';
import { modelIdentity } from '../models/load.ts';
import { type BatchReport, type BatchSettings, runBatch } from '../queue/batch.ts';
import { SET_ASIDE } from '../queue/batch-ledger.ts';
import type { JobQueue, QueueWorker } from '../queue/job-queue.ts';
import type { Log } from '../queue/log.ts';
import { openQueue } from '../queue/open-queue.ts';
import { ProcessPool } from '../queue/process-pool.ts';
import { threadsFor } from '../queue/threads.ts';
import { restoreOptionsSchema } from '../restore/options.ts';
import { BACK_OFF, queueSettings, serverSettingsSchema, workSettings } from '../server/settings.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { openStore } from '../store/open-store.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { descriptorOption, deviceOption, encodersOption, jsonOption, modelOption } from './common-options.ts';
import { progressDisplay } from './progress.ts';
import { inferenceOf } from './service.ts';

const { maxMegapixels, ...parameterShape } = restoreOptionsSchema.shape;
const { logLevel: _, ...work } = workSettings;

const options = z.strictObject({
  output: z.string().min(1).meta({
    short: 'o',
    placeholder: 'place',
    description: 'folder, or s3://bucket/prefix, for the results; new, empty, or that of an earlier batch',
  }),
  ...parameterShape,
  model: modelOption,
  encoders: encodersOption,
  descriptor: descriptorOption,
  device: deviceOption,
  maxMegapixels,
  ...queueSettings,
  ...work,
  timeout: serverSettingsSchema.shape.timeout,
  inFlight: z.int().min(1).max(10_000).default(32).meta({
    placeholder: 'n',
    description: 'photos that are in the queue at a time',
  }),
  overwrite: z.boolean().default(false).meta({ description: 'also write into a place that holds something else' }),
  retrySetAside: z.boolean().default(false).meta({ description: 'try those again that were set aside' }),
  json: jsonOption,
});

/** Queue and stores may be away for two minutes before a photo is reported as failed. */
const PERSISTENCE = { attempts: 8, backOff: BACK_OFF } as const;

type BatchOptions = z.output<typeof options>;

export const batch = defineCommand({
  name: 'batch',
  argument: { name: 'source', description: 'folder, or s3://bucket/prefix, of photos' },
  options,
  details: `With the embedded queue the photos are restored here, by --processes processes; with --queue redis://... by the
workers of that queue, which share --store. The same command again goes on where it stopped: finished photos are skipped.
Photos that cannot be restored are set aside and listed in ${SET_ASIDE} of the results.

Exit codes: 0 all done, 1 some set aside or failed, 2 wrong use, 130 stopped by Ctrl-C (what is queued stays queued).

Examples:
  clearword batch holiday -o restored
  clearword batch s3://photos/2024 -o s3://photos/restored --queue redis://queue:6379 --store s3://photos/work`,
  run,
});

async function run(args: readonly string[], given: BatchOptions, context: CommandContext): Promise<number> {
  const closing: (() => Promise<unknown>)[] = [];
  const opened = async (address: string): Promise<ObjectStore> => {
    const store = await openStore(address);
    closing.push(() => store.close());
    return store;
  };
  const progress = await progressDisplay(context.stderr);
  try {
    const [source, target, store] = [
      await opened(args[0] ?? ''),
      await opened(given.output),
      await opened(given.store),
    ];
    const { queue, model } = await startQueue(given, store, context, closing);
    let done = 0;
    const onReport = (report: BatchReport) => {
      progress.around(() => print(report, given.json, context));
      // How many there are is not known before the last one is listed.
      progress.update(0, `${++done} done, latest ${report.input}`);
    };
    const { inFlight, overwrite, retrySetAside, timeout } = given;
    const summary = await runBatch({
      ...{ queue, store, source, target, model, inFlight, overwrite, retrySetAside, onReport },
      retry: PERSISTENCE,
      parameters: parametersOf(given),
      limits: { maxMegapixels: given.maxMegapixels, seconds: timeout },
      signal: context.signal,
    });
    const { restored, unchanged, skipped, failed, 'set-aside': setAside } = summary;
    const finished = `${restored} restored, ${unchanged} unchanged, ${skipped} skipped`;
    const text = `${finished}, ${setAside} set aside, ${failed} failed\n`;
    progress.around(() => context.stderr.write(text));
    return setAside + failed > 0 ? EXIT.failed : EXIT.done;
  } finally {
    progress.stop();
    for (const close of closing.reverse()) await close();
  }
}

/** The queue, and the identity of the model that its workers have to have. */
async function startQueue(
  given: BatchOptions,
  store: ObjectStore,
  { stderr }: CommandContext,
  closing: (() => Promise<unknown>)[],
): Promise<{ queue: JobQueue; model: string }> {
  const { queue: address, queueName, attempts, lease, keepHours, processes, threads, grace, model } = given;
  const log = logTo(stderr);
  const common = { attempts, lease, backOff: BACK_OFF, keepSeconds: keepHours * 3600, log };
  const queue = await openQueue({ ...common, address, name: queueName, store });
  closing.push(() => queue.close());
  if (address !== 'embedded') return { queue, model: await modelIdentity(model, given.descriptor) };
  const count = Math.max(1, processes);
  const inference = { ...inferenceOf(given), store: store.address, threads: threadsFor(threads, count) };
  const pool = await ProcessPool.start({ ...inference, processes: count, log });
  closing.push(() => pool.close());
  const worker: QueueWorker = await queue.work(pool.run, { concurrency: count });
  closing.push(() => worker.close(grace));
  return { queue, model: pool.model.identity };
}

/** The options that are the library's. */
function parametersOf(given: BatchOptions): BatchSettings['parameters'] {
  const own = Object.entries(given).filter(([name, value]) => name in parameterShape && value !== undefined);
  return Object.fromEntries(own);
}

/** Warnings and errors as lines for people. */
function logTo(stderr: CommandContext['stderr']): Log {
  const write = (fields: Readonly<Record<string, unknown>>, message: string) => {
    const { err, ...rest } = fields;
    const details = { ...rest, ...(err instanceof Error && { error: err.message }) };
    stderr.write(`${message} ${JSON.stringify(details)}\n`);
  };
  return { debug() {}, info() {}, warn: write, error: write };
}

function print(report: BatchReport, json: boolean, { stdout, stderr }: CommandContext): void {
  const { status, input, output, seconds, error } = report;
  if (json) stdout.write(`${JSON.stringify(report)}\n`);
  else if (status === 'restored' || status === 'unchanged') {
    const note = status === 'unchanged' ? '  unchanged, nothing found or asked for' : '';
    stdout.write(`${input} -> ${output}  ${seconds?.toFixed(1)} s${note}\n`);
  } else if (status === 'skipped') stdout.write(`${input} -> ${output}  exists, skipped\n`);
  if (error) stderr.write(`${status} ${input}: error ${error.code}: ${error.message}\nfix: ${error.fix}\n`);
}
