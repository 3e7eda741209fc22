/**
 * A running server, from its parts to its end.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { ClearwordError } from '../errors.ts';
import type { QueueWorker } from '../queue/job-queue.ts';
import { keepTidy } from '../queue/retention.ts';
import { openStore } from '../store/open-store.ts';
import { Access } from './access.ts';
import { ApiKeys } from './api-keys.ts';
import { buildApp } from './app.ts';
import { Metrics } from './metrics.ts';
import { Closing, type ModelSettings, openQueueOf, startPool } from './parts.ts';
import { Service } from './service.ts';
import { acceptedFormats, type ServerSettings } from './settings.ts';

/** Milliseconds between two looks, while shutting down, for connections on which nothing happens. */
const HANG_UP_INTERVAL = 50;
/** Milliseconds for the last answers; a client that sends its request slowly would otherwise keep the server alive. */
const LAST_WORDS = 3000;

export interface ServeOptions {
  readonly settings: ServerSettings;
  readonly inference: ModelSettings;
  readonly log: Logger;
}

export interface RunningServer {
  /** Such as http://127.0.0.1:8080. */
  readonly url: string;
  readonly app: FastifyInstance;
  readonly service: Service;
  /**
   * Takes no more requests in; running jobs finish within `grace` seconds or go back to the queue; who waits for a result
   * that does not come gets the address of the job.
   */
  close(): Promise<void>;
}

/**
 * Starts a server; it listens when this resolves.
 *
 * Errors: INVALID_OPTION, those of loading the model, STORE_FAILED, UNAVAILABLE, PACKAGE_MISSING.
 */
export async function startServer({ settings, inference, log }: ServeOptions): Promise<RunningServer> {
  const formats = acceptedFormats(settings.formats);
  const access = new Access(settings);
  const keys = settings.apiKeys === undefined ? undefined : await ApiKeys.read(settings.apiKeys);
  if (settings.queue === 'embedded' && settings.processes === 0) {
    throw new ClearwordError(
      'INVALID_OPTION',
      'expected at least 1 for --processes with the embedded queue, received 0',
    );
  }
  const closing = new Closing();
  try {
    const store = await openStore(settings.store);
    closing.push(() => store.close());
    const queue = await openQueueOf(settings, store, log);
    closing.push(() => queue.close());
    const metrics = new Metrics();
    metrics.observeQueue(() => queue.counts());
    const pool = settings.processes === 0 ? undefined : await startPool(settings, inference, store, log);
    if (pool) metrics.observeProcesses(pool);
    closing.push(() => pool?.close());
    const worker = pool && (await queue.work(metrics.observed(pool.run), { concurrency: settings.processes }));
    closing.push(() => worker?.close(0));
    const service = new Service({ settings, formats, queue, store, metrics, keys, pool });
    const app = await buildApp(service, access, log);
    const url = await listen(app, settings);
    const stopTidying = keepTidy(queue, store, settings.keepHours * 3600, log);
    let closed: Promise<void> | undefined;
    const close = async () => {
      stopTidying();
      await drain(service, app, worker);
      await closing.closeAll();
    };
    return {
      url,
      app,
      service,
      close() {
        closed ??= close();
        return closed;
      },
    };
  } catch (error) {
    await closing.closeAll();
    throw error;
  }
}

async function listen(app: FastifyInstance, { host, port }: ServerSettings): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected a free --port on --host, received ${host}:${port}: ${reason}`,
      {
        cause,
      },
    );
  }
}

async function drain(service: Service, app: FastifyInstance, worker: QueueWorker | undefined): Promise<void> {
  const { grace } = service.settings;
  // From here on nothing is taken in, and /readyz says so to whoever sends requests, for as long as jobs finish.
  service.draining.abort();
  const leave = setTimeout(() => service.leaving.abort(), grace * 1000);
  await (worker ? worker.close(grace) : service.waitedFor());
  // Whoever still waits does so for a job that has gone back to the queue, or that another machine has.
  service.leaving.abort();
  clearTimeout(leave);
  // New connections are refused from here on; requests that are being answered go on.
  const answered = app.close();
  // Connections that are kept open after their last answer would hold it up.
  const hangUp = setInterval(() => app.server.closeIdleConnections(), HANG_UP_INTERVAL);
  const hung = setTimeout(() => app.server.closeAllConnections(), LAST_WORDS);
  await answered;
  clearInterval(hangUp);
  clearTimeout(hung);
}
