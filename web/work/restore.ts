/**
 * Restoring the photos that wait for it, one after the other.
 *
 * @module
 */
import { batch } from '@preact/signals';
import { ClearwordError } from '../../src/errors.ts';
import { inWords, QUARTERS, secondsLeft } from '../clock.ts';
import type { Compute, ComputedResult, ComputeHooks, RestoreRequest } from '../compute/compute.ts';
import { resume } from '../compute/server.ts';
import { labelOf } from '../intent.ts';
import { RoughDrawing } from '../rough.ts';
import type { Job, Photo, Restored } from '../state/page.ts';
import { dispatch, network, noiseLevel, page, photo } from '../state/store.ts';
import { areaInView } from '../zoom.ts';
import { compute } from './compute.ts';
import { fail, say } from './failures.ts';
import { keepPhoto, keepResult } from './keep.ts';
import { foresee, newId } from './open.ts';
import { forgetJob, type SavedJob, saveJob } from './saved.ts';

/** Seconds from which a smaller picture is restored first, unless somebody chose. */
export const LONG = 5;

/** Restores the open photo as the page's fields say, when its turn comes. */
export function restore(): void {
  const open = photo.value;
  if (open !== undefined) enqueue([open.id]);
}

/** Restores every photo that has no result yet. */
export function restoreAll(): void {
  const { photos, results } = page.value;
  const done = new Set(results.map(({ photoId }) => photoId));
  enqueue(photos.map(({ id }) => id).filter((id) => !done.has(id)));
}

function enqueue(ids: readonly string[]): void {
  dispatch({ type: 'queued', ids });
  void run();
}

let running = false;

async function run(): Promise<void> {
  if (running) return;
  running = true;
  try {
    for (let next = page.value.waiting[0]; next !== undefined; next = page.value.waiting[0]) await restoreOne(next);
  } finally {
    running = false;
  }
}

function requestOf({ prompt, strengths }: Photo): RestoreRequest {
  const { steps, seed, samples } = page.value.settings;
  if (network.value !== undefined) {
    const { noise } = strengths;
    const told = noiseLevel.value === undefined || noise === undefined ? {} : { noise };
    return { network: network.value, prompt: '', steps: undefined, seed: 0, samples: 1, strengths: told };
  }
  return { prompt: prompt.trim(), steps, seed, samples, strengths };
}

async function restoreOne(id: string): Promise<void> {
  const from = page.value.photos.find((photo) => photo.id === id);
  if (from === undefined) return;
  const request = requestOf(from);
  await underWay(from, request, async (hooks) => {
    const work: Compute = await compute();
    if (from.url === undefined && page.value.settings.place === 'device') {
      const fix = 'Choose “This server” under Settings, or export it as a JPEG.';
      throw new ClearwordError('NOT_AN_IMAGE', 'this browser does not open TIFFs', { fix });
    }
    hooks.signal.throwIfAborted();
    return work.restore(from.file, request, hooks);
  });
}

/** Goes on with a job of a server that was begun before the page was loaded. */
export async function goOn({ photoId, jobId, request }: SavedJob): Promise<void> {
  const from = page.value.photos.find((photo) => photo.id === photoId);
  if (from === undefined) return;
  running = true;
  await underWay(from, request, (hooks) => resume(jobId, from.file, request, hooks));
  running = false;
  void run();
}

/** The frame of a restoration: progress, cancelling, what is said, and what is kept of it. */
async function underWay(
  from: Photo,
  request: RestoreRequest,
  work: (hooks: ComputeHooks) => Promise<ComputedResult>,
): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const { openId, expected, settings } = page.value;
  const onDevice = settings.place === 'device';
  const foreseen = openId === from.id && onDevice ? expected : undefined;
  const job: Job = {
    photoId: from.id,
    fraction: 0,
    started: performance.now(),
    expected: foreseen,
    cancel: () => controller.abort(),
  };
  const drawing = onDevice && from.width > 0 ? new RoughDrawing(from) : undefined;
  batch(() => {
    dispatch({ type: 'started', job });
    say(foreseen === undefined || foreseen < LONG ? 'Restoring.' : `Restoring, ${inWords(foreseen)}.`);
  });
  signal.addEventListener('abort', () => {
    batch(() => {
      dispatch({ type: 'stopped' });
      say('Cancelled.');
    });
  });
  const hooks: ComputeHooks = {
    signal,
    preview: settings.preview ?? (foreseen !== undefined && foreseen >= LONG),
    first: openId === from.id ? areaInView() : undefined,
    onProgress: (fraction) => !signal.aborted && progress(job, fraction),
    ...(drawing && { onPartial: drawing.add }),
    onJob: (jobId) => void saveJob({ photoId: from.id, jobId, request }).catch(() => undefined),
    onWait: (seconds) => say(`The server is busy; trying again in ${seconds} seconds.`),
  };
  try {
    const result = await work(hooks);
    if (!signal.aborted) finish(from, request, result, (performance.now() - job.started) / 1000);
    await forgetJob(from.id).catch(() => undefined);
  } catch (error) {
    if (signal.aborted || !isLost(error)) await forgetJob(from.id).catch(() => undefined);
    if (!signal.aborted) {
      batch(() => {
        dispatch({ type: 'stopped' });
        say('Not restored.');
        fail(error);
      });
    }
  } finally {
    drawing?.end();
  }
}

/** Whether the server may still be at work. */
const isLost = (error: unknown): boolean => error instanceof ClearwordError && error.code === 'UNAVAILABLE';

/** A screen reader is told of quarters, and how long the rest takes. */
function progress({ started, expected }: Job, fraction: number): void {
  const before = page.value.job?.fraction ?? 0;
  dispatch({ type: 'progressed', fraction });
  const quarter = Math.floor(4 * fraction);
  const words = QUARTERS[quarter];
  if (quarter === Math.floor(4 * before) || quarter === 0 || words === undefined) return;
  const left = secondsLeft((performance.now() - started) / 1000, fraction, expected);
  say(`Restoring: ${words}${left === undefined || left < LONG ? '' : `, ${inWords(left)} left`}.`);
}

function finish(from: Photo, request: RestoreRequest, result: ComputedResult, seconds: number): void {
  const number = 1 + Math.max(0, ...page.value.results.map((other) => other.number));
  const restored: Restored = {
    id: newId(),
    number,
    photoId: from.id,
    request,
    result,
    url: URL.createObjectURL(result.preview),
    uncertaintyUrl: result.uncertainty && URL.createObjectURL(result.uncertainty),
    seconds,
    amount: 100,
    kept: false,
  };
  batch(() => {
    dispatch({ type: 'finished', result: restored });
    dispatch({ type: 'photoChanged', id: from.id, values: learned(from, result) });
    dispatch({ type: 'stopped' });
    say(saidOf(result, seconds));
  });
  const changed = page.value.photos.find(({ id }) => id === from.id);
  if (changed !== undefined) keepPhoto(changed);
  keepResult(restored);
  // The next one is foreseen by this one's pace.
  void foresee();
}

/** What a restoration tells of the photo: what was found in it, and how it looks where the browser could not say. */
function learned(from: Photo, { findings, before, width, height }: ComputedResult): Partial<Photo> {
  return {
    ...(findings !== undefined && { look: { kind: 'known', degradations: findings } }),
    ...(from.width === 0 && { width, height }),
    ...(from.view === undefined && before && { view: before, url: URL.createObjectURL(before) }),
  };
}

function saidOf({ outcome }: ComputedResult, seconds: number): string {
  if (outcome.status === 'restored') return `Restored in ${seconds.toFixed(1)} seconds.`;
  const perhaps = outcome.perhaps.map(labelOf).join(', ');
  return perhaps === '' ? 'Left unchanged.' : `Left unchanged; perhaps there is ${perhaps}.`;
}
