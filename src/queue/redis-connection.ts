/**
 * Coming back to Redis soon, and leaving it also while it is away, where BullMQ waits for its answer for as long as it takes.
 *
 * @module
 */
import { PACE, type Pace } from './redis-settings.ts';

/**
 * Milliseconds that Redis has for an answer that a client of the server waits for. One that is stopped keeps its connections:
 * without a limit, neither an error nor an answer would come.
 */
export const ANSWER = 1500;

/** The answer, or what `late` gives if there is none in time. */
export async function inTime<T>(answer: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ANSWER);
  });
  // What comes too late may be a failure.
  answer.catch(() => undefined);
  return Promise.race([answer, limit]).finally(() => clearTimeout(timer));
}

/** How all parts of a queue connect. */
export const connectionTo = (url: string, { retry }: Pace = PACE) => ({
  url,
  retryStrategy: (times: number) => Math.min(500 * times, retry),
});

interface Client {
  on(event: 'error', listener: () => void): unknown;
  disconnect(): unknown;
}

/** A queue, its events or a worker of BullMQ. */
export interface Part {
  close(): Promise<void>;
  getBackend(): {
    readonly client: Promise<Client>;
    readonly blockingClient: Promise<Client> | undefined;
  };
}

/** Seconds that closing takes at most where nothing is under way. */
export const FAREWELL = 2;

/**
 * Closes a part, and its connections whatever comes of that.
 *
 * @param patience settles when the part has had time enough
 * @returns whether the part has closed by itself
 */
export async function leave(part: Part, patience: Promise<unknown>): Promise<boolean> {
  const { client, blockingClient } = part.getBackend();
  const clients = [client, ...(blockingClient ? [blockingClient] : [])];
  // BullMQ takes its own listeners away first; an error without a listener is printed.
  for (const each of clients) each.then((found) => found.on('error', () => undefined)).catch(() => undefined);
  const closed = part.close().then(
    () => true,
    () => false,
  );
  const done = await Promise.race([closed, patience.then(() => false)]);
  // One that is waiting for Redis to come back would do so for ever, and keep the process alive.
  for (const each of clients) each.then((found) => found.disconnect()).catch(() => undefined);
  return done;
}
