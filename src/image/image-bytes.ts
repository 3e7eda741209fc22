/**
 * The bytes of an input, from a path or from memory, with every way in which that can fail told apart.
 *
 * @module
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ClearwordError, type ErrorCode, throwIfCancelled } from '../errors.ts';
import type { ImageLimits } from './limits.ts';

/** Name of an input for messages: its path, or "the given buffer". */
export function nameOfInput(input: string | Uint8Array): string {
  return typeof input === 'string' ? input : 'the given buffer';
}

/**
 * Reads the whole input. The file is read once into memory, so that header and pixels come from the same bytes even when
 * another program replaces it meanwhile.
 *
 * Errors: INPUT_NOT_FOUND, INPUT_UNREADABLE, IMAGE_TOO_LARGE (bytes), NOT_AN_IMAGE (empty), CANCELLED.
 */
export async function readBytes(
  input: string | Uint8Array,
  limits: ImageLimits,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const name = nameOfInput(input);
  throwIfCancelled(signal, `reading ${name}`);
  if (typeof input !== 'string') return checkedSize(input, input.length, limits, name);
  // Opening a FIFO without O_NONBLOCK (which Windows lacks) would wait for a writer for ever.
  const file = await open(input, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: unknown) => {
    throw readFailure(name, cause);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) {
      const kind = stat.isDirectory() ? 'a folder' : 'a device or pipe';
      throw new ClearwordError('INPUT_UNREADABLE', `expected a file for ${name}, received ${kind}`);
    }
    checkedSize(undefined, stat.size, limits, name);
    return await file.readFile(signal === undefined ? {} : { signal });
  } catch (cause) {
    if (cause instanceof ClearwordError) throw cause;
    throwIfCancelled(signal, `reading ${name}`);
    throw readFailure(name, cause);
  } finally {
    await file.close();
  }
}

function checkedSize<T>(bytes: T, size: number, limits: ImageLimits, name: string): T {
  if (size === 0) {
    throw new ClearwordError('NOT_AN_IMAGE', `expected a picture for ${name}, received an empty file`, {
      fix: 'Get the file again: its contents were lost, perhaps in an interrupted copy.',
    });
  }
  if (size > limits.bytes) {
    throw new ClearwordError(
      'IMAGE_TOO_LARGE',
      `expected at most ${limits.bytes} bytes for ${name}, received ${size} bytes`,
    );
  }
  return bytes;
}

function readFailure(name: string, cause: unknown): ClearwordError {
  const systemCode = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  const code: ErrorCode = ['ENOENT', 'ENOTDIR'].includes(systemCode) ? 'INPUT_NOT_FOUND' : 'INPUT_UNREADABLE';
  const problem =
    {
      ENOENT: 'no such file',
      ENOTDIR: 'a part of the path is not a folder',
      EACCES: 'permission denied',
      EPERM: 'permission denied',
      EISDIR: 'it is a folder',
      ENAMETOOLONG: 'the path is too long',
      ELOOP: 'its links go in a circle',
    }[systemCode] ?? (cause instanceof Error ? cause.message : String(cause));
  return new ClearwordError(code, `expected a readable file for ${name}: ${problem}`, { cause });
}
