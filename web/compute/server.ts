/**
 * Restoring on the server that the page came from, over its HTTP interface. Only used when someone chooses it.
 *
 * @module
 */
import { ClearwordError, catalogue, type ErrorCode, throwIfCancelled } from '../../src/errors.ts';
import type { Findings } from '../../src/models/model.ts';
import type { Compute, ComputedResult, ComputeHooks, RestoreRequest } from './compute.ts';

/** Time between two questions about a job, ms. */
const POLL = 500;

const api = (path: string): URL => new URL(path, document.baseURI);

/** Whether the server that the page came from restores photos; a server of plain files does not. */
export async function hasServer(): Promise<boolean> {
  try {
    const response = await fetch(api('readyz'), { cache: 'no-store' });
    // Servers of single pages answer every address with the page.
    return response.ok && !response.headers.get('content-type')?.includes('text/html');
  } catch {
    return false;
  }
}

/** A job as the server tells of it. */
interface Job {
  readonly id: string;
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly progress?: { readonly fraction: number };
  readonly error?: Problem;
}

/** Problem details (RFC 9457) with the catalogue's code. */
interface Problem {
  readonly code?: string;
  readonly message?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly fix?: string;
}

function errorOf({ code, message, detail, title, fix }: Problem, status: number): ClearwordError {
  const known = code !== undefined && code in catalogue ? (code as ErrorCode) : 'RUNTIME_FAILED';
  const text = message ?? detail ?? title ?? `the server answered ${status}`;
  return new ClearwordError(known, text, fix === undefined ? {} : { fix });
}

async function ask(path: string | URL, signal: AbortSignal, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(typeof path === 'string' ? api(path) : path, { ...init, signal }).catch(
    (cause: unknown) => {
      throwIfCancelled(signal, 'the request');
      throw new ClearwordError('RUNTIME_FAILED', 'the server does not answer', {
        cause,
        fix: 'Restore on this device.',
      });
    },
  );
  if (response.ok) return response;
  throw errorOf(((await response.json().catch(() => ({}))) ?? {}) as Problem, response.status);
}

function form(photo: Blob, fields: Readonly<Record<string, string | number | undefined>>): FormData {
  const data = new FormData();
  // Fields before the file, so that a server can check them before it reads the photo.
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) data.append(name, String(value));
  data.append('image', photo, 'photo');
  return data;
}

const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, POLL);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** Follows a job to its end; a cancellation is passed on to the server. */
async function follow(job: Job, { onProgress, signal }: ComputeHooks): Promise<Response> {
  const path = `v1/restorations/${encodeURIComponent(job.id)}`;
  try {
    let now = job;
    while (now.state === 'queued' || now.state === 'running') {
      await pause(signal);
      now = (await (await ask(path, signal)).json()) as Job;
      onProgress(now.progress?.fraction ?? 0);
    }
    if (now.state === 'done') return await ask(`${path}/result`, signal);
    throw errorOf(now.error ?? { code: 'CANCELLED', message: 'the server cancelled the restoration' }, 500);
  } catch (error) {
    // The work is of no use to anyone any more. Whether the server hears of it changes nothing for the page.
    if (signal.aborted) void fetch(api(path), { method: 'DELETE' }).catch(() => undefined);
    throw error;
  }
}

async function restore(photo: Blob, request: RestoreRequest, hooks: ComputeHooks): Promise<ComputedResult> {
  const { prompt, steps, seed, samples } = request;
  const body = form(photo, { prompt, steps, seed, samples });
  const first = await ask('v1/restorations', hooks.signal, { method: 'POST', body });
  const isJob = first.headers.get('content-type')?.includes('json') === true;
  const response = isJob ? await follow((await first.json()) as Job, hooks) : first;
  const file = await response.blob();
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height, preview: file, uncertainty: undefined, steps, seed, save: async () => file };
}

export const server: Compute = {
  inspect: async (photo, signal) => {
    const response = await ask('v1/inspections', signal, { method: 'POST', body: form(photo, {}) });
    return (await response.json()) as Pick<Findings, 'degradations'>;
  },
  restore,
};
