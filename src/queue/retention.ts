/**
 * Forgetting what is old.
 *
 * @module
 */
import { type ObjectStore, removeAll } from '../store/object-store.ts';
import { isFinished, jobPrefix, REQUEST_KEYS } from './job.ts';
import type { JobQueue } from './job-queue.ts';
import type { Log } from './log.ts';

/** Seconds between two looks at the store. */
const INTERVAL = 600;

/**
 * Removes jobs of which nothing was written for `keepSeconds`, with their pictures; never one that is not finished. So it does
 * with clients' names for their requests, which only say that a job is theirs.
 *
 * @returns how many
 */
export async function forgetOld(
  queue: JobQueue,
  store: ObjectStore,
  keepSeconds: number,
  now: number = Date.now(),
): Promise<number> {
  const latest = new Map<string, number>();
  for await (const { key, modified } of store.list('jobs/')) {
    const id = key.split('/')[1];
    if (id !== undefined) latest.set(id, Math.max(latest.get(id) ?? 0, modified.getTime()));
  }
  let removed = 0;
  for (const [id, written] of latest) {
    if (now - written < keepSeconds * 1000) continue;
    const job = await queue.get(id);
    // Its pictures may have waited longer than results are kept.
    if (job && (!isFinished(job) || now - (job.finished ?? now) < keepSeconds * 1000)) continue;
    await queue.remove(id);
    await removeAll(store, jobPrefix(id));
    removed++;
  }
  for await (const { key, modified } of store.list(REQUEST_KEYS)) {
    if (now - modified.getTime() >= keepSeconds * 1000) await store.remove(key);
  }
  return removed;
}

/** Does this now and then, until the returned function is called. */
export function keepTidy(queue: JobQueue, store: ObjectStore, keepSeconds: number, log: Log): () => void {
  const timer = setInterval(() => {
    forgetOld(queue, store, keepSeconds).then(
      (removed) => removed > 0 && log.info({ removed }, 'old jobs forgotten'),
      (error: unknown) => log.error({ err: error }, 'old jobs cannot be forgotten'),
    );
  }, INTERVAL * 1000);
  timer.unref();
  return () => clearInterval(timer);
}
