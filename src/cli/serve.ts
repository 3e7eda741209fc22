/**
 * `clearword serve`: restorations over HTTP.
 *
 * @module
 */
import { once } from 'node:events';
import type { z } from 'zod';
import { serverSettingsSchema } from '../server/settings.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { descriptorOption, deviceOption, encodersOption, modelOption } from './common-options.ts';
import { importService, inferenceOf } from './service.ts';

const options = serverSettingsSchema.extend({
  model: modelOption,
  encoders: encodersOption,
  descriptor: descriptorOption,
  device: deviceOption,
});

export const serve = defineCommand({
  name: 'serve',
  options,
  details: `The page is at /, the interface is described at /docs and /openapi.json, and docs/server.md has examples.
Without --api-keys anyone who reaches the server may use it: by default only this machine does.
SIGTERM and Ctrl-C let running jobs finish or give them back to the queue, where the next start finds them.

Exit codes: 0 or that of the signal when it is stopped, 1 it cannot start, 2 wrong use.`,
  run,
});

async function run(_: readonly string[], given: z.output<typeof options>, context: CommandContext): Promise<number> {
  const { model, encoders, descriptor, device, ...settings } = given;
  const { startServer, createLog } = await importService(async () => ({
    ...(await import('../server/serve.ts')),
    ...(await import('../server/log.ts')),
  }));
  const log = createLog(settings.logLevel, context.stdout);
  const server = await startServer({ settings, inference: inferenceOf({ model, encoders, descriptor, device }), log });
  const { queue, store } = settings;
  log.info(
    { url: server.url, processes: settings.processes, store, queue: queue.replace(/\/\/.*@/, '//') },
    'listening',
  );
  if (!context.signal.aborted) await once(context.signal, 'abort');
  log.info({ grace: settings.grace }, 'stopping');
  await server.close();
  log.info({}, 'stopped');
  return EXIT.done;
}
