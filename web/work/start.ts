/**
 * What happens when the page is opened and before it is left.
 *
 * @module
 */
import { effect } from '@preact/signals';
import { hasServer } from '../compute/server.ts';
import { startOffline } from '../offline.ts';
import { dispatch, page } from '../state/store.ts';
import { look } from './open.ts';
import { goOn } from './restore.ts';
import { readSaved } from './saved.ts';

/** Where a tab remembers what it looked at; another visit starts with the welcome. */
const OPEN = 'clearword-open';

function remembered(): string | undefined {
  // Some private windows refuse storage by throwing.
  try {
    return sessionStorage.getItem(OPEN) ?? undefined;
  } catch {
    return undefined;
  }
}

function remember(id: string | undefined): void {
  try {
    if (id === undefined) sessionStorage.removeItem(OPEN);
    else sessionStorage.setItem(OPEN, id);
  } catch {
    // The welcome then comes first.
  }
}

/** Reads what was kept, and finds out what there is. */
export async function start(): Promise<void> {
  startOffline();
  addEventListener('beforeunload', (event) => {
    const { job, waiting, results } = page.value;
    if (job !== undefined || waiting.length > 0 || results.some(({ kept }) => !kept)) event.preventDefault();
  });
  const before = remembered();
  await Promise.all([revive(before), findServer()]);
  effect(() => remember(page.value.openId));
}

async function findServer(): Promise<void> {
  dispatch({ type: 'set', values: { serverOffered: await hasServer() } });
}

async function revive(openId: string | undefined): Promise<void> {
  const saved = await readSaved().catch(() => undefined);
  if (saved === undefined || saved.photos.length === 0) return;
  dispatch({ type: 'revived', photos: saved.photos, results: saved.results });
  const jobs = saved.jobs.filter(({ photoId }) => saved.photos.some(({ id }) => id === photoId));
  if (jobs.length > 0) dispatch({ type: 'settings', values: { place: 'server' } });
  const open = jobs[0]?.photoId ?? openId;
  // Someone may have opened a photo meanwhile.
  if (page.value.openId === undefined && saved.photos.some(({ id }) => id === open)) {
    dispatch({ type: 'photoShown', id: open });
    void look();
  }
  for (const job of jobs) await goOn(job);
}
