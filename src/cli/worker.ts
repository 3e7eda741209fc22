/**
 * `clearword worker`: does the jobs of a queue, on any machine.
 *
 * @module
 */
import { once } from 'node:events';
import { z } from 'zod';
import { queueSettings, workSettings } from '../server/settings.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { descriptorOption, deviceOption, encodersOption, modelOption } from './common-options.ts';
import { importService, inferenceOf } from './service.ts';

const options = z.strictObject({
  queue: z
    .string()
    .min(1)
    .meta({ placeholder: 'url', description: 'the queue: redis://host:6379, or rediss:// with TLS' }),
  queueName: queueSettings.queueName,
  store: queueSettings.store,
  attempts: queueSettings.attempts,
  lease: queueSettings.lease,
  keepHours: queueSettings.keepHours,
  processes: workSettings.processes
    .unwrap()
    .min(1)
    .default(1)
    .meta(workSettings.processes.meta() ?? {}),
  threads: workSettings.threads,
  grace: workSettings.grace,
  model: modelOption,
  encoders: encodersOption,
  descriptor: descriptorOption,
  device: deviceOption,
  metricsPort: z.int().min(1).max(65535).optional().meta({
    placeholder: 'n',
    description: 'port for /healthz and /metrics; default: neither',
  }),
  metricsHost: z.string().min(1).default('127.0.0.1').meta({
    placeholder: 'address',
    description: 'address to listen at for these',
  }),
  logLevel: workSettings.logLevel,
});

export const worker = defineCommand({
  name: 'worker',
  options,
  details: `Any number of workers share a queue. The job of one that vanishes goes back to the queue after --lease seconds.
SIGTERM and Ctrl-C let running jobs finish or give them back to the queue.

Exit codes: 0 or that of the signal when it is stopped, 1 it cannot start, 2 wrong use.`,
  run,
});

async function run(_: readonly string[], given: z.output<typeof options>, context: CommandContext): Promise<number> {
  const { model, encoders, descriptor, device, logLevel, ...settings } = given;
  const { startWorker, createLog } = await importService(async () => ({
    ...(await import('../server/work.ts')),
    ...(await import('../server/log.ts')),
  }));
  const log = createLog(logLevel, context.stdout);
  const stop = await startWorker({ settings, inference: inferenceOf({ model, encoders, descriptor, device }), log });
  if (!context.signal.aborted) await once(context.signal, 'abort');
  log.info({ grace: settings.grace }, 'stopping');
  await stop();
  log.info({}, 'stopped');
  return EXIT.done;
}
