/**
 * A folder that one process has to itself.
 *
 * @module
 */
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ClearwordError } from '../errors.ts';

const NAME = '.lock';
/** Seconds between signs of life, and after how many without one a lock of another machine is void. */
const [SIGN, VOID] = [10, 60];

const holderSchema = z.object({ host: z.string(), pid: z.int() });

type Holder = Readonly<z.output<typeof holderSchema>>;

/**
 * Locks a folder until the returned function is called or this process ends.
 *
 * @throws ClearwordError STORE_FAILED if another process has it
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, NAME);
  const own = join(folder, `${NAME}-${hostname()}-${process.pid}`);
  const holder: Holder = { host: hostname(), pid: process.pid };
  await writeFile(own, JSON.stringify(holder));
  try {
    // A link is made whole or not at all, and never over another one.
    for (let tries = 0; ; tries++) {
      const taken = await link(own, path)
        .then(() => true)
        .catch(() => false);
      if (taken) break;
      const found = await readFile(path, 'utf8').catch(() => '');
      const other = await livingHolder(found, path);
      if (other || tries >= 3) throw heldBy(folder, other);
      await removeVoid(path, `${own}-void`, found);
    }
  } finally {
    await rm(own, { force: true });
  }
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, SIGN * 1000);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await rm(path, { force: true });
  };
}

/** Whoever holds the lock and is alive, as far as can be told. */
async function livingHolder(lock: string, path: string): Promise<Holder | undefined> {
  try {
    const { host, pid } = holderSchema.parse(JSON.parse(lock));
    if (host === hostname()) return pid !== process.pid && isAlive(pid) ? { host, pid } : undefined;
    const { mtimeMs } = await stat(path);
    return Date.now() - mtimeMs < VOID * 1000 ? { host, pid } : undefined;
  } catch {
    return undefined;
  }
}

/** Moves a void lock away before it is looked at again: another process may just have put its own in the place. */
async function removeVoid(path: string, aside: string, found: string): Promise<void> {
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) !== found) await link(aside, path);
  } catch {
    // Someone else has moved it, or has taken the place again: the next try tells.
  }
  await rm(aside, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function heldBy(folder: string, holder: Holder | undefined): ClearwordError {
  const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process';
  return new ClearwordError('STORE_FAILED', `expected ${folder} to be free, but ${who} keeps an embedded queue in it`, {
    fix: 'Give each server its own --store, or share one queue in Redis: --queue redis://host:6379.',
  });
}
