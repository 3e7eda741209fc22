/**
 * The body of a request, as fast as it has to come and no longer than it may be.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { ClearwordError } from '../errors.ts';

export interface BodyLimits {
  readonly bytes: number;
  /** Least bytes a second, on the mean of each window. */
  readonly rate: number;
  /** In milliseconds. */
  readonly window: number;
}

/** What to fail with. */
export interface BodyFailures {
  readonly tooLong: () => Error;
  /** All of the body is there, and `read` has still not come to an end of it. */
  readonly stuck: () => Error;
}

/**
 * Does something with a request whose body is read within `read`; fails as soon as the body is too long or comes too slowly,
 * whatever `read` is waiting for. A reader that waits for more than there is fails within two windows.
 *
 * @throws ClearwordError REQUEST_TOO_SLOW, what `failures` make, and what `read` throws
 */
export async function readWithin<T>(
  body: IncomingMessage,
  { bytes, rate, window }: BodyLimits,
  read: () => Promise<T>,
  { tooLong, stuck }: BodyFailures,
): Promise<T> {
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  let [received, before, whole] = [0, 0, false];
  const count = (chunk: Buffer) => {
    received += chunk.length;
    if (received > bytes) fail(tooLong());
  };
  const look = setInterval(() => {
    const least = (rate * window) / 1000;
    if (received - before < least && !body.complete) {
      const message = `expected at least ${rate} bytes a second, received ${received - before} in ${window / 1000} s`;
      fail(new ClearwordError('REQUEST_TOO_SLOW', message));
    }
    // A window later than it was whole, as it may have become whole just now.
    if (whole) fail(stuck());
    whole = body.complete;
    before = received;
  }, window);
  try {
    const reading = read();
    // What fails first is told; the reading ends with the connection.
    reading.catch(() => undefined);
    // After the reader: the first listener makes the stream flow.
    body.on('data', count);
    return await Promise.race([reading, failed]);
  } finally {
    clearInterval(look);
    body.off('data', count);
  }
}
