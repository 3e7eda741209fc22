/**
 * What the page does when it is asked to: take a photo, look at it, restore it, save it.
 *
 * @module
 */
import { batch } from '@preact/signals';
import { ClearwordError } from '../src/errors.ts';
import type { Compute, SaveFormat } from './compute/compute.ts';
import { loadDevice } from './compute/device.ts';
import { server } from './compute/server.ts';
import { found, labelOf, promptFor, withClause } from './prompt.ts';
import * as state from './state.ts';

/** Results that are kept; each holds its pixels. */
const MOST_RESULTS = 12;

let nextId = 1;
/** Aborted when another photo takes the place of the one being looked at. */
let looking = new AbortController();

function fail(error: unknown): void {
  if (error instanceof ClearwordError && error.code === 'CANCELLED') return;
  const known = error instanceof ClearwordError;
  state.failure.value = {
    message: known ? sentence(error.message) : `Something went wrong: ${String(error)}`,
    fix: known ? error.fix : 'Load the page anew.',
  };
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

async function compute(): Promise<Compute> {
  if (state.place.value === 'server') return server;
  try {
    const loaded = await loadDevice((progress) => {
      state.loading.value = progress;
    });
    state.model.value = loaded.model;
    return loaded.compute;
  } finally {
    state.loading.value = undefined;
  }
}

/** Takes a file, whether it is a photo or not: what is none is refused with its reason. */
export async function openPhoto(file: Blob, name: string): Promise<void> {
  state.job.value?.cancel();
  looking.abort();
  looking = new AbortController();
  const { signal } = looking;
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (signal.aborted) return;
  if (bitmap === undefined) {
    state.failure.value = {
      message: `“${name}” is not a photo that this browser can open.`,
      fix: 'Use a JPEG, PNG, WebP or AVIF file.',
    };
    return;
  }
  const { width, height } = bitmap;
  bitmap.close();
  batch(() => {
    state.failure.value = undefined;
    state.photo.value = { name, file, url: URL.createObjectURL(file), width, height };
    state.findings.value = undefined;
    state.chosen.value = [];
    state.prompt.value = '';
    state.shownId.value = undefined;
    state.announcement.value = `${name} opened, ${width} by ${height} pixels.`;
  });
  await inspect(file, signal);
}

/** Looks for what the model can remove in the photo that is open. */
async function inspect(file: Blob, signal: AbortSignal): Promise<void> {
  state.inspecting.value = true;
  try {
    const findings = await (await compute()).inspect(file, signal);
    if (signal.aborted) return;
    const names = found(findings);
    batch(() => {
      state.findings.value = findings;
      if (state.prompt.value === '') state.chosen.value = names;
      state.announcement.value =
        names.length > 0 ? `Found: ${names.map(labelOf).join(', ')}.` : 'Nothing to remove was found.';
    });
  } catch (error) {
    if (!signal.aborted) fail(error);
  } finally {
    if (!signal.aborted) state.inspecting.value = false;
  }
}

/** Looks again, after the place of the work changed or the model could not be loaded. */
export function lookAgain(): void {
  const open = state.photo.value;
  state.failure.value = undefined;
  if (open === undefined || state.findings.value !== undefined) return;
  looking.abort();
  looking = new AbortController();
  void inspect(open.file, looking.signal);
}

/** A chip removed or added: the prompt follows, someone's own words included. */
export function choose(name: string, wanted: boolean): void {
  const inPhoto = state.findings.value === undefined ? [] : found(state.findings.value);
  const before = state.chosen.value;
  const after = wanted ? [...before, name] : before.filter((other) => other !== name);
  const ownWords = state.prompt.value !== promptFor(before, inPhoto);
  batch(() => {
    state.chosen.value = after;
    state.prompt.value = ownWords
      ? withClause(state.prompt.value, wanted ? 'remove' : 'keep', name)
      : promptFor(after, inPhoto);
  });
}

/** Restores the open photo as the page's fields say. */
export async function restore(): Promise<void> {
  const photo = state.photo.value;
  if (photo === undefined || state.job.value !== undefined) return;
  const controller = new AbortController();
  const { signal } = controller;
  const report = (fraction: number) => {
    if (!signal.aborted) state.job.value = { fraction, cancel: () => controller.abort() };
  };
  const request = {
    prompt: state.prompt.value.trim(),
    steps: state.steps.value,
    seed: state.seed.value,
    samples: state.samples.value,
  };
  report(0);
  state.failure.value = undefined;
  state.announcement.value = 'Restoring.';
  signal.addEventListener('abort', () => {
    state.job.value = undefined;
    state.announcement.value = 'Cancelled.';
  });
  const start = performance.now();
  try {
    const work = await compute();
    signal.throwIfAborted();
    const result = await work.restore(photo.file, request, { onProgress: report, signal });
    if (signal.aborted) return;
    const uncertaintyUrl = result.uncertainty && URL.createObjectURL(result.uncertainty.image);
    const url = URL.createObjectURL(result.preview);
    const seconds = (performance.now() - start) / 1000;
    keep({ id: nextId++, photo, request, result, url, uncertaintyUrl, seconds });
  } catch (error) {
    if (!signal.aborted) fail(error);
  } finally {
    if (!signal.aborted) state.job.value = undefined;
  }
}

function keep(result: state.Restored): void {
  batch(() => {
    for (const old of state.results.value.slice(0, Math.max(0, state.results.value.length - MOST_RESULTS + 1))) {
      URL.revokeObjectURL(old.url);
      if (old.uncertaintyUrl !== undefined) URL.revokeObjectURL(old.uncertaintyUrl);
    }
    state.results.value = [...state.results.value.slice(-MOST_RESULTS + 1), result];
    state.shownId.value = result.id;
    state.against.value = 'photo';
    state.announcement.value = `Restored in ${result.seconds.toFixed(1)} seconds.`;
  });
}

/** Shows a result of the history, with the photo and the words that it came from. */
export function show(result: state.Restored): void {
  batch(() => {
    state.photo.value = result.photo;
    state.prompt.value = result.request.prompt;
    state.shownId.value = result.id;
    state.against.value = 'photo';
  });
}

const ENDINGS: Readonly<Record<string, string>> = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp' };

/** Hands the shown result to the browser's downloads. */
export async function save(format: SaveFormat, metadata: boolean): Promise<void> {
  const shown = state.shown.value;
  if (shown === undefined) return;
  try {
    const file = await shown.result.save(format, metadata);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = `${shown.photo.name.replace(/\.[^.]*$/, '')}-restored.${ENDINGS[file.type] ?? 'png'}`;
    link.click();
    // Not at once: some browsers read the address only after the click was handled.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    fail(error);
  }
}
