/**
 * How the cores are shared.
 *
 * @module
 */
import { availableParallelism } from 'node:os';

/** Threads for each of several processes. */
export function threadsFor(threads: number, processes: number): number {
  return threads > 0 ? threads : Math.max(1, Math.floor(availableParallelism() / Math.max(1, processes)));
}
