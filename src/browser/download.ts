/**
 * The model over HTTP: downloaded once, kept in the browser's cache under its hash, checked every time.
 *
 * @module
 */
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { type ModelFile, parseCard, parseModel } from '../models/card.ts';

/** Called with the bytes so far and, where the server says it, how many there will be. */
export type OnBytes = (loaded: number, total: number | undefined) => void;

const CACHE = 'clearword-models-1';

/** The cache, or undefined where the browser keeps none (private windows, plain http). */
async function openCache(): Promise<Cache | undefined> {
  return 'caches' in globalThis ? caches.open(CACHE).catch(() => undefined) : undefined;
}

/**
 * The bytes of a URL.
 *
 * @throws ClearwordError MODEL_NOT_FOUND if there is no such file or no way to it, CANCELLED
 */
export async function fetchBytes(
  url: string,
  what: string,
  signal: AbortSignal,
  onBytes: OnBytes = () => undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
    // The length of a compressed transfer is not that of the file.
    const length = response.headers.has('content-encoding') ? 0 : Number(response.headers.get('content-length'));
    return await collect(response.body, length || undefined, onBytes);
  } catch (cause) {
    throwIfCancelled(signal, `downloading ${what}`);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ClearwordError('MODEL_NOT_FOUND', `${what} ${url}: expected a file to download, received: ${reason}`, {
      cause,
      fix: 'Check the address, and that its server allows this page to read it.',
    });
  }
}

async function collect(stream: ReadableStream<Uint8Array>, total: number | undefined, onBytes: OnBytes) {
  const parts: Uint8Array[] = [];
  let loaded = 0;
  onBytes(0, total);
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    loaded += part.value.length;
    onBytes(loaded, total);
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * SHA-256, hex. Undefined on plain http, where browsers offer no hashing; there the transport protects neither the page nor
 * its model, and what remains is the check that the file is whole.
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string | undefined> {
  if (globalThis.crypto.subtle === undefined) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Answers from the network; without one, with what it answered last. */
async function fetchCard(url: string, cache: Cache | undefined, signal: AbortSignal): Promise<string> {
  try {
    const text = new TextDecoder().decode(await fetchBytes(url, 'model card', signal));
    await cache?.put(url, new Response(text)).catch(() => undefined);
    return text;
  } catch (error) {
    const kept = error instanceof ClearwordError && error.code === 'CANCELLED' ? undefined : await cache?.match(url);
    if (kept === undefined) throw error;
    return kept.text();
  }
}

/**
 * The model at two URLs.
 *
 * @throws ClearwordError MODEL_NOT_FOUND, MODEL_INVALID, CANCELLED
 */
export async function fetchModel(
  urls: { readonly weights: string; readonly card: string },
  signal: AbortSignal,
  onBytes: OnBytes,
): Promise<ModelFile> {
  const cache = await openCache();
  const card = await fetchCard(urls.card, cache, signal);
  // The hash is part of the key, so that another version of the model is another entry.
  const key = `${keyStem(urls.weights)}${parseCard(card, urls.card).sha256}`;
  const model = async (weights: Uint8Array<ArrayBuffer>) =>
    parseModel({ weights, hash: await sha256(weights), card, source: urls.weights });

  const kept = await cache?.match(key);
  if (kept !== undefined) {
    const weights = new Uint8Array(await kept.arrayBuffer());
    onBytes(weights.length, weights.length);
    // A damaged entry is downloaded anew.
    const parsed = await model(weights).catch(() => undefined);
    if (parsed !== undefined) return parsed;
  }
  const weights = await fetchBytes(urls.weights, 'model', signal, onBytes);
  const parsed = await model(weights);
  // A full disk must not keep anyone from restoring.
  await keepOnly(cache, key, urls.weights, weights).catch(() => undefined);
  return parsed;
}

/** What the keys of all versions of a model begin with. */
const keyStem = (url: string): string => `${url}${url.includes('?') ? '&' : '?'}sha256=`;

/** Keeps this version of the model and no other. */
async function keepOnly(cache: Cache | undefined, key: string, url: string, weights: Uint8Array<ArrayBuffer>) {
  for (const { url: old } of (await cache?.keys()) ?? []) {
    if (old !== key && old.startsWith(keyStem(url))) await cache?.delete(old);
  }
  await cache?.put(key, new Response(weights));
}
