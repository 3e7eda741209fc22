/**
 * How many processors this process may keep busy.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Where Linux says what a container may use: the quota and its period in microseconds, in versions 2 and 1. */
const UNIFIED = '/sys/fs/cgroup/cpu.max';
const [QUOTA, PERIOD] = ['/sys/fs/cgroup/cpu/cpu.cfs_quota_us', '/sys/fs/cgroup/cpu/cpu.cfs_period_us'];

type Read = (path: string) => string | undefined;

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Processors that the container's quota is worth, rounded up; undefined without a quota. A runtime that starts a thread for
 * each of the host's cores under a quota of two is stopped for most of each period.
 */
export function quota(read: Read = readText): number | undefined {
  const [most, period] = (read(UNIFIED) ?? `${read(QUOTA)} ${read(PERIOD)}`).trim().split(/\s+/).map(Number);
  // `max`, -1 and missing files all mean that there is none.
  if (most === undefined || period === undefined || !(most > 0) || !(period > 0)) return undefined;
  return Math.ceil(most / period);
}

/** The processors of the machine, or fewer where a quota allows fewer. */
export function processors(read?: Read): number {
  return Math.min(availableParallelism(), quota(read) ?? Number.POSITIVE_INFINITY);
}

/** Threads for the runtime: as asked; where nobody asked, 0 (its own choice, a thread for each core) or what a quota allows. */
export function runtimeThreads(asked: number, read?: Read): number {
  if (asked > 0) return asked;
  const allowed = processors(read);
  return allowed < availableParallelism() ? allowed : 0;
}

/** Up to so many processors, those of the runtime's threads are the ones that everything else needs, too. */
const FEW = 4;

/**
 * Whether threads of the runtime may spin while they wait for work. It saves waking them, but where there are few processors and
 * the runtime has a thread on each, it takes them from the thread that decodes pictures and prepares tiles: with two, a photo
 * of 512 x 512 took 16 % longer (docs/performance.md). With more than four this was not measured, and the runtime's default stays.
 */
export function maySpin(asked: number, read?: Read): boolean {
  const all = processors(read);
  return all > FEW || (asked > 0 && asked < all);
}
