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
    // Servers of single pages answer every address with the page, which is no JSON.
    return response.ok && ((await response.json()) as { status?: string }).status === 'ready';
  } catch {
    return false;
  }
}

/** A restoration as the server describes it. */
interface Job {
  readonly id: string;
  readonly status: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly fraction: number;
  readonly width?: number;
  readonly height?: number;
  readonly results?: readonly { readonly part: string; readonly scale?: number }[];
  readonly provenance?: { readonly steps: number; readonly seed: number };
  readonly error?: Problem;
}

/** Problem details (RFC 9457) with the catalogue's code. */
interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly fix?: string;
}

function errorOf({ code, detail, title, fix }: Problem, status?: number): ClearwordError {
  const known = code !== undefined && code in catalogue ? (code as ErrorCode) : 'RUNTIME_FAILED';
  const text = detail ?? title ?? `the server answered ${status ?? 'nothing'}`;
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

const pathOf = ({ id }: Job): string => `v1/restorations/${encodeURIComponent(id)}`;

/** Follows a job to its end; a cancellation is passed on to the server. */
async function follow(job: Job, { onProgress, signal }: ComputeHooks): Promise<Job> {
  let now = job;
  try {
    while (now.status === 'queued' || now.status === 'running') {
      await pause(signal);
      now = (await (await ask(pathOf(job), signal)).json()) as Job;
      onProgress(now.fraction);
    }
  } catch (error) {
    // The work is of no use to anyone any more. Whether the server hears of it changes nothing for the page.
    if (signal.aborted) void fetch(api(pathOf(job)), { method: 'DELETE' }).catch(() => undefined);
    throw error;
  }
  if (now.status === 'done') return now;
  throw errorOf(now.error ?? { code: 'RUNTIME_FAILED', detail: 'the server cancelled the restoration' });
}

async function restore(photo: Blob, request: RestoreRequest, hooks: ComputeHooks): Promise<ComputedResult> {
  const { prompt, steps, seed, samples } = request;
  const body = form(photo, { prompt, steps, seed, samples });
  // A job, also for a small photo, because it tells how far it is.
  const headers = { Prefer: 'respond-async' };
  const posted = await ask('v1/restorations', hooks.signal, { method: 'POST', body, headers });
  const job = await follow((await posted.json()) as Job, hooks);
  const part = async (query: string) => (await ask(`${pathOf(job)}/result${query}`, hooks.signal)).blob();
  const file = await part('');
  const unsure = job.results?.find((result) => result.part === 'uncertainty');
  return {
    width: job.width ?? 0,
    height: job.height ?? 0,
    preview: file,
    uncertainty: unsure && { image: await part('?part=uncertainty'), scale: unsure.scale ?? 1 },
    steps: job.provenance?.steps ?? steps,
    seed: job.provenance?.seed ?? seed,
    formats: ['original'],
    save: async () => file,
  };
}

export const server: Compute = {
  inspect: async (photo, signal) => {
    const response = await ask('v1/inspections', signal, { method: 'POST', body: form(photo, {}) });
    return (await response.json()) as Pick<Findings, 'degradations'>;
  },
  restore,
};
