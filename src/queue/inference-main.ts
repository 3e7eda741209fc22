/**
 * A process that loads the model once and does one job at a time. A picture or a driver that takes the process down takes
 * nothing else with it, and long computations never hold up whoever answers requests.
 *
 * @module
 */

import { removeUnfinishedFiles } from '../atomic-file.ts';
import { Clearword } from '../clearword.ts';
import { identityOf } from '../models/identity.ts';
import { loadModel } from '../models/load.ts';
import { openStore } from '../store/open-store.ts';
import {
  type FromProcess,
  type InferenceSettings,
  inferenceSettingsSchema,
  type ToProcess,
} from './inference-protocol.ts';
import { type JobRequest, jobErrorOf } from './job.ts';
import { performJob } from './perform.ts';

/** Shortest time in milliseconds between two messages about progress. */
const PROGRESS_INTERVAL = 100;

async function load({ loader, model, ...settings }: InferenceSettings): Promise<Clearword> {
  if (loader !== undefined) {
    const module = (await import(loader)) as { load(): Promise<Clearword> };
    return module.load();
  }
  const { encoders, descriptor, device, threads } = settings;
  const options = {
    ...(model !== undefined && { path: model }),
    ...(encoders !== undefined && { encoders }),
    ...(descriptor !== undefined && { descriptor }),
  };
  return new Clearword(await loadModel({ ...options, device, threads }));
}

function tell(message: FromProcess): void {
  // The other side may be gone, or go while this is written, which is no error of this process: it is about to end as well.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

async function main(settings: InferenceSettings): Promise<void> {
  const store = await openStore(settings.store);
  const clearword = await load(settings);
  let current: AbortController | undefined;
  let working = Promise.resolve();

  const perform = async (request: JobRequest): Promise<void> => {
    const controller = new AbortController();
    current = controller;
    let latest = 0;
    try {
      const result = await performJob(clearword, store, request, {
        signal: controller.signal,
        onProgress: (progress) => {
          if (performance.now() - latest < PROGRESS_INTERVAL) return;
          latest = performance.now();
          tell({ kind: 'progress', progress });
        },
      });
      tell({ kind: 'done', result });
    } catch (error) {
      tell({ kind: 'failed', error: jobErrorOf(error) });
    }
    current = undefined;
  };

  process.on('message', (message: ToProcess) => {
    if (message.kind === 'job') working = perform(message.request);
    else if (message.kind === 'cancel') current?.abort();
    else void working.then(() => clearword.dispose()).then(() => process.exit(0));
  });
  const { name, hash, defaults } = clearword.model;
  const identity = identityOf(clearword.model);
  tell({ kind: 'ready', model: { name, hash, identity, guided: defaults !== undefined } });
}

// Ctrl-C reaches the whole group of processes; when to stop is for the parent to say.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
// Without a parent there is nobody to work for: it was killed.
process.on('disconnect', () => {
  removeUnfinishedFiles();
  process.exit(0);
});

async function start(): Promise<void> {
  await main(inferenceSettingsSchema.parse(JSON.parse(process.argv[2] ?? '{}')));
}

start().catch((error: unknown) => {
  tell({ kind: 'unusable', error: jobErrorOf(error) });
  process.disconnect();
});
