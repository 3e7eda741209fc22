/**
 * Which of several runs into one folder makes a result: the one that puts a small file beside it first.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { unfinished } from '../atomic-file.ts';

export interface Claim {
  release(): Promise<void>;
}

const claimSchema = z.object({ pid: z.int().positive(), host: z.string() });

/** A claim's file is touched this often, so that other machines see that its run is alive. Milliseconds. */
const HEARTBEAT = 20_000;
/** A claim untouched for this long belongs to a run that has ended. Milliseconds. */
const STALE = 6 * HEARTBEAT;

/** Undefined when another run that is still alive has it. A folder that cannot be written to is that of no other run. */
export async function claimOutput(output: string): Promise<Claim | undefined> {
  const path = pathFor(output);
  for (let attempt = 0; attempt < 2; attempt++) {
    if (await create(path)) return held(path);
    if (await isAlive(path)) return undefined;
    await rm(path, { force: true });
  }
  return undefined;
}

/** Hidden, and not derived from the result's name as it is, which may be as long as the file system allows. */
function pathFor(output: string): string {
  const name = createHash('sha256')
    .update(basename(resolve(output)))
    .digest('hex')
    .slice(0, 16);
  return join(dirname(output), `.clearword-${name}.claim`);
}

async function create(path: string): Promise<boolean> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'wx');
    await file.writeFile(JSON.stringify({ pid: process.pid, host: hostname() }));
    await file.close();
    return true;
  } catch (error) {
    // Whatever else is wrong with the folder is said when the result is written.
    return !(error instanceof Error && 'code' in error && error.code === 'EEXIST');
  }
}

function held(path: string): Claim {
  unfinished.add(path);
  const timer = setInterval(() => {
    utimes(path, new Date(), new Date()).catch(() => {});
  }, HEARTBEAT);
  timer.unref();
  return {
    async release() {
      clearInterval(timer);
      await rm(path, { force: true });
      unfinished.delete(path);
    },
  };
}

async function isAlive(path: string): Promise<boolean> {
  try {
    const age = Date.now() - (await stat(path)).mtimeMs;
    if (age > STALE) return false;
    const { pid, host } = claimSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return host !== hostname() || isRunning(pid);
  } catch (error) {
    // Gone: free. Empty or half written: just being made.
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
