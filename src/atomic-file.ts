/**
 * Files that appear whole or not at all.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { link, mkdir, open, readlink, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ClearwordError, throwIfCancelled } from './errors.ts';

export interface AtomicWriteOptions {
  /** Replace an existing file. Default false: OUTPUT_EXISTS. */
  readonly overwrite?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Unfinished files of this process, and marks beside them, for `removeUnfinishedFiles`. */
export const unfinished = new Set<string>();

/**
 * Writes `data` beside `path` under a hidden temporary name, flushes it to the disk and renames it; missing folders are
 * made; a link is followed. On any failure, and when `signal` is aborted, the temporary file is removed and `path` is as it was.
 *
 * Errors: OUTPUT_EXISTS, OUTPUT_UNWRITABLE, CANCELLED.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const { overwrite = false, signal } = options;
  throwIfCancelled(signal, `writing ${path}`);
  const target = await followed(path);
  // Not derived from the target's name, which may already be as long as the file system allows.
  const temporary = join(dirname(target), `.clearword-${randomUUID()}.tmp`);
  unfinished.add(temporary);
  try {
    await makeFolder(target, path);
    const file = await open(temporary, 'wx').catch(async (cause: unknown) => {
      if (errorCode(cause) !== 'ENOENT') throw cause;
      // Another process has removed the folder, which was still empty.
      await makeFolder(target, path);
      return open(temporary, 'wx');
    });
    try {
      await file.writeFile(data, signal === undefined ? {} : { signal });
      await file.sync();
    } finally {
      await file.close();
    }
    throwIfCancelled(signal, `writing ${path}`);
    if (overwrite) await rename(temporary, target);
    else await moveToNew(temporary, target);
  } catch (cause) {
    if (cause instanceof ClearwordError) throw cause;
    throwIfCancelled(signal, `writing ${path}`);
    throw writeFailure(path, cause);
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
    unfinished.delete(temporary);
  }
}

/** Makes the folder of a file. @param path the name of the file in errors */
async function makeFolder(target: string, path: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true }).catch((cause: unknown) => {
    // EEXIST here means that a file has the name of the folder.
    throw writeFailure(path, cause, errorCode(cause) === 'EEXIST' ? 'ENOTDIR' : undefined);
  });
}

/** What a link leads to, which need not exist, so that a result replaces the file and not the link. */
async function followed(path: string): Promise<string> {
  let target = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    const next = await readlink(target).catch(() => undefined);
    if (next === undefined) return target;
    target = resolve(dirname(target), next);
  }
  return path;
}

/** As many as Linux follows. */
const MOST_LINKS = 40;

/** Removes what is in `unfinished`; for a process that must end at once. */
export function removeUnfinishedFiles(): void {
  for (const path of unfinished) rmSync(path, { force: true });
}

/** A hard link fails when the name is taken, where a rename would replace the file. */
async function moveToNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw error;
    // File systems without hard links (FAT): take the name first, then replace the empty file.
    await (await open(to, 'wx')).close();
    await rename(from, to);
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'the folder does not exist',
  ENOTDIR: 'a part of the path is not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENAMETOOLONG: 'the name is too long',
};

/** What a failure of the file system means for the user: OUTPUT_UNWRITABLE, or OUTPUT_EXISTS. */
export function writeFailure(path: string, cause: unknown, code = errorCode(cause)): ClearwordError {
  if (code === 'EEXIST') {
    return new ClearwordError('OUTPUT_EXISTS', `expected a new name for ${path}, but the file exists`, { cause });
  }
  const problem = PROBLEMS[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new ClearwordError('OUTPUT_UNWRITABLE', `expected to write ${path}: ${problem}`, { cause });
}
