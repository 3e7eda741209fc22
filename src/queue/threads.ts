/**
 * How the cores are shared.
 *
 * @module
 */
import { processors } from '../runtime/processors.ts';

/** Threads for each of several processes that share the processors of this machine or container. */
export function threadsFor(threads: number, processes: number): number {
  return threads > 0 ? threads : Math.max(1, Math.floor(processors() / Math.max(1, processes)));
}
