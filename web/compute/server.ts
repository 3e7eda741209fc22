/**
 * Restoring on the server that the page came from, over its HTTP interface. Only used when someone chooses it.
 *
 * @module
 */
import { ClearwordError } from '../../src/errors.ts';
import { readSignature } from '../../src/image/image-signature.ts';
import type { Findings } from '../../src/models/model.ts';
import type {
  Compute,
  ComputedResult,
  ComputeHooks,
  Outcome,
  RestoreRequest,
  ResultFacts,
  StoredComputed,
} from './compute.ts';
import { api, ask, askBriefly, errorOf, type Problem, pause } from './requests.ts';

/** Time between two questions about a job, and the longest that it grows to while the server does not answer, ms. */
const POLL = 500;
const LONGEST_POLL = 10_000;
/** Time after which a server that does not answer is given up, ms. */
const GIVE_UP = 120_000;

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
  readonly degradations?: Findings['degradations'];
  readonly decision?: Outcome;
  readonly results?: readonly { readonly part: string; readonly scale?: number }[];
  readonly provenance?: { readonly steps: number; readonly seed: number };
  readonly error?: Problem;
}

type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

function form(photo: Blob, fields: Fields): FormData {
  const data = new FormData();
  // Fields before the file, so that a server can check them before it reads the photo.
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) data.append(name, String(value));
  data.append('image', photo, 'photo');
  return data;
}

const pathOf = (id: string): string => `v1/restorations/${encodeURIComponent(id)}`;

/** The state of a job; lost questions are asked again, more and more rarely. */
async function stateOf(id: string, hooks: ComputeHooks): Promise<Job> {
  const started = performance.now();
  for (let wait = POLL; ; wait = Math.min(2 * wait, LONGEST_POLL)) {
    try {
      return (await (await ask(pathOf(id), hooks)).json()) as Job;
    } catch (error) {
      const lost = error instanceof ClearwordError && error.code === 'UNAVAILABLE';
      if (!lost || performance.now() - started > GIVE_UP) throw error;
      await pause(wait, hooks.signal);
    }
  }
}

const isUnderWay = ({ status }: Job): boolean => status === 'queued' || status === 'running';

/** Follows a job to its end; a cancellation is passed on to the server. */
async function follow(id: string, hooks: ComputeHooks): Promise<Job> {
  const { onProgress, signal } = hooks;
  try {
    let now = await stateOf(id, hooks);
    while (isUnderWay(now)) {
      onProgress(now.fraction);
      await pause(POLL, signal);
      now = await stateOf(id, hooks);
    }
    if (now.status !== 'failed' && now.status !== 'cancelled') return now;
    throw errorOf(now.error ?? { code: 'RUNTIME_FAILED', detail: 'the server cancelled the restoration' });
  } catch (error) {
    // The work is of no use to anyone any more. Whether the server hears of it changes nothing for the page.
    if (signal.aborted) {
      void ask(pathOf(id), { signal: new AbortController().signal }, { method: 'DELETE' }).catch(() => undefined);
    }
    throw error;
  }
}

/** Whether this browser shows files like this one; TIFFs it does not, so that the result is asked for as a PNG. */
async function isTiff(photo: Blob): Promise<boolean> {
  return readSignature(new Uint8Array(await photo.slice(0, 2 ** 16).arrayBuffer())).format === 'tiff';
}

async function submit(photo: Blob, request: RestoreRequest, hooks: ComputeHooks, more: Fields): Promise<string> {
  const { prompt, steps, seed, samples, strengths } = request;
  const strength = Object.entries(strengths)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
  const body = form(photo, { prompt, steps, seed, samples, ...(strength !== '' && { strength }), ...more });
  // A job, also for a small photo, because it tells how far it is.
  const headers = { Prefer: 'respond-async', 'Idempotency-Key': crypto.getRandomValues(new Uint32Array(4)).join('-') };
  const posted = await ask('v1/restorations', hooks, { method: 'POST', body, headers });
  return ((await posted.json()) as Job).id;
}

/** What the job with this id gives, when it is done. */
export async function resume(
  id: string,
  photo: Blob,
  request: RestoreRequest,
  hooks: ComputeHooks,
): Promise<ComputedResult> {
  const job = await follow(id, hooks);
  const part = async (query: string) => (await ask(`${pathOf(id)}/result${query}`, hooks)).blob();
  const file = await part('');
  const has = (name: string) => job.results?.find((result) => result.part === name);
  const unsure = has('uncertainty');
  const { width = 0, height = 0 } = job;
  const facts: ResultFacts = {
    kind: 'server',
    width,
    height,
    steps: job.provenance?.steps ?? request.steps,
    seed: job.provenance?.seed ?? request.seed,
    outcome: job.decision ?? { status: 'restored', removing: [], perhaps: [] },
    scale: unsure?.scale ?? 1,
  };
  const seen = {
    preview: file,
    findings: job.degradations,
    uncertainty: unsure && (await part('?part=uncertainty')),
    ...(has('comparison') && { before: await leftOf(await part('?part=comparison'), width, height) }),
  };
  return serverResult(facts, seen, file, { photo, request });
}

/** The photo before out of a picture of before and after, for formats that the browser does not show. */
async function leftOf(comparison: Blob, width: number, height: number): Promise<Blob | undefined> {
  const bitmap = await createImageBitmap(comparison, 0, 0, width, height).catch(() => undefined);
  if (bitmap === undefined) return undefined;
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob({ type: 'image/png' });
}

/** @param from what the server is asked again for where only a part of the change is wanted */
export function serverResult(
  facts: ResultFacts,
  seen: Pick<ComputedResult, 'preview' | 'uncertainty' | 'findings' | 'before'>,
  file: Blob,
  from: { readonly photo: Blob; readonly request: RestoreRequest },
): ComputedResult {
  const stored: StoredComputed = { kind: 'server', file };
  return {
    ...facts,
    ...seen,
    formats: ['original'],
    save: async (_, __, amount) => {
      if (amount === 100) return file;
      if (amount === 0) return from.photo;
      const hooks = { onProgress: () => undefined, signal: new AbortController().signal };
      const id = await submit(from.photo, from.request, hooks, { amount, ...(await extra(from.photo)) });
      await follow(id, hooks);
      return (await ask(`${pathOf(id)}/result`, hooks)).blob();
    },
    stored: async () => stored,
    // A file that came over the network is the browser's to keep on its disk.
    release: () => undefined,
  };
}

const extra = async (photo: Blob): Promise<Fields> => ((await isTiff(photo)) ? { format: 'png', compare: true } : {});

/** The model that the server restores with, and whether it reads words; undefined where nobody says. */
export async function modelThere(
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly guided: boolean } | undefined> {
  const response = await askBriefly('v1/models', signal);
  if (response === undefined) return undefined;
  const { models = [] } = (await response.json().catch(() => ({}))) as {
    readonly models?: readonly { readonly name: string; readonly guided: boolean }[];
  };
  return models[0];
}

export const server: Compute = {
  inspect: async (photo, signal) => {
    const response = await ask('v1/inspections', { signal }, { method: 'POST', body: form(photo, {}) });
    return (await response.json()) as Pick<Findings, 'degradations'>;
  },
  restore: async (photo, request, hooks) => {
    const id = await submit(photo, request, hooks, await extra(photo));
    hooks.onJob?.(id);
    return resume(id, photo, request, hooks);
  },
};
