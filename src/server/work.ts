/**
 * A worker: takes jobs from a queue on Redis, on any machine that reaches it and the store.
 *
 * @module
 */
import { createServer, type Server } from 'node:http';
import type { Logger } from 'pino';
import { ClearwordError } from '../errors.ts';
import type { ProcessPool } from '../queue/process-pool.ts';
import { openStore } from '../store/open-store.ts';
import { Metrics } from './metrics.ts';
import { Closing, type ModelSettings, openQueueOf, startPool } from './parts.ts';

export interface WorkOptions {
  readonly settings: {
    readonly queue: string;
    readonly queueName: string;
    readonly store: string;
    readonly attempts: number;
    readonly lease: number;
    readonly keepHours: number;
    readonly processes: number;
    readonly threads: number;
    readonly grace: number;
    /** For /healthz and /metrics; undefined: neither. */
    readonly metricsPort?: number | undefined;
    readonly metricsHost: string;
  };
  readonly inference: ModelSettings;
  readonly log: Logger;
}

/**
 * Starts a worker; it takes jobs when this resolves.
 *
 * Errors: INVALID_OPTION, those of loading the model, STORE_FAILED, UNAVAILABLE, PACKAGE_MISSING.
 *
 * @returns what stops it: running jobs finish within `grace` seconds or go back to the queue
 */
export async function startWorker({ settings, inference, log }: WorkOptions): Promise<() => Promise<void>> {
  const { queue: address, queueName, processes, grace } = settings;
  if (address === 'embedded') {
    throw new ClearwordError('INVALID_OPTION', 'expected redis://... for --queue, received embedded', {
      fix: 'Start the server with the same --queue redis://host:6379; an embedded queue is inside its server.',
    });
  }
  const closing = new Closing();
  try {
    const store = await openStore(settings.store);
    closing.push(() => store.close());
    const queue = await openQueueOf(settings, store, log);
    closing.push(() => queue.close());
    const pool = await startPool(settings, inference, store, log);
    closing.push(() => pool.close());
    const metrics = new Metrics();
    metrics.observeProcesses(pool);
    const server = await serveMetrics(metrics, pool, settings);
    closing.push(() => closeServer(server));
    const worker = await queue.work(metrics.observed(pool.run), { concurrency: processes });
    closing.push(() => worker.close(grace));
    log.info({ model: pool.model.name, processes, queue: queueName, store: store.address }, 'working');
    return () => closing.closeAll();
  } catch (error) {
    await closing.closeAll();
    throw error;
  }
}

function serveMetrics(
  { registry }: Metrics,
  pool: ProcessPool,
  { metricsPort, metricsHost }: WorkOptions['settings'],
): Promise<Server | undefined> {
  if (metricsPort === undefined) return Promise.resolve(undefined);
  const server = createServer(async ({ url }, response) => {
    if (url === '/metrics') {
      response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics());
    } else if (url === '/healthz') {
      // Without a process it takes jobs and never does them.
      response.writeHead(pool.usable > 0 ? 200 : 503).end();
    } else {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `expected a free --metrics-port, received ${metricsPort}: ${cause.message}`;
      reject(new ClearwordError('INVALID_OPTION', message, { cause }));
    });
    server.listen(metricsPort, metricsHost, () => resolve(server));
  });
}

async function closeServer(server: Server | undefined): Promise<void> {
  if (!server) return;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
