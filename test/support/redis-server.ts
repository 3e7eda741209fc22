/**
 * A real Redis for tests, on a port of its own.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { afterAll } from 'vitest';
import { required } from './required.ts';

const { missing, note } = required('redis');
export const hasRedis = !missing;
/** In the name of what is skipped without it. */
export const REDIS_NOTE = note;

/** Milliseconds that it has for writing down what it keeps. */
const PATIENCE = 5000;

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it in the middle: connections stay, answers do not come. */
  freeze(): void;
  thaw(): void;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return address.port;
}

/** Starts a server that keeps what it has in a folder, so that it can be stopped and started again. */
export async function startRedis(folder: string): Promise<RedisServer> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async () => {
    const options = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
    ];
    const started = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] });
    child = started;
    await new Promise<void>((resolve, reject) => {
      started.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
      started.stdout.on('data', (data: Buffer) => {
        if (data.toString().includes('Ready to accept connections')) resolve();
      });
    });
  };
  const stop = async () => {
    const stopping = child;
    child = undefined;
    if (!stopping) return;
    const ended = new Promise((resolve) => stopping.once('exit', resolve));
    // Only this one: by then another may have been started in its place.
    const patience = setTimeout(() => stopping.kill('SIGKILL'), PATIENCE);
    stopping.kill('SIGTERM');
    await ended;
    clearTimeout(patience);
  };
  await start();
  afterAll(stop);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    start,
    stop,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
  };
}
