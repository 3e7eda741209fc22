/**
 * Requests to the server that the page came from: with a key where it wants one, again where it asks to wait.
 *
 * @module
 */
import { signal as createSignal } from '@preact/signals';
import { ClearwordError, catalogue, type ErrorCode, throwIfCancelled } from '../../src/errors.ts';

export const api = (path: string): URL => new URL(path, document.baseURI);

/** Problem details (RFC 9457) with the catalogue's code. */
export interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly fix?: string;
}

/** What visitors can do, where the server speaks to those who write programs. */
const FIXES: Partial<Readonly<Record<ErrorCode, string>>> = {
  UNAUTHENTICATED: 'Ask whoever runs this server for a key, or restore on this device.',
  ORIGIN_REFUSED: "Open this page at the server's own address, or restore on this device.",
  QUEUE_FULL: 'Try again in a few minutes, or restore on this device.',
  RATE_LIMITED: 'Try again in a few minutes, or restore on this device.',
  UNAVAILABLE: 'Try again in a few minutes, or restore on this device.',
  NOT_FOUND: 'Restore it again.',
};

export function errorOf({ code, detail, title, fix }: Problem, status?: number): ClearwordError {
  const known = code !== undefined && code in catalogue ? (code as ErrorCode) : codeOf(status);
  const text = detail ?? title ?? `the server answered ${status ?? 'nothing'}`;
  const advice = FIXES[known] ?? fix;
  return new ClearwordError(known, text, advice === undefined ? {} : { fix: advice });
}

/** Of an answer that is not the server's own, but of something between. */
function codeOf(status: number | undefined): ErrorCode {
  if (status === 429) return 'RATE_LIMITED';
  if (status === 403) return 'ORIGIN_REFUSED';
  return status !== undefined && status >= 500 ? 'UNAVAILABLE' : 'RUNTIME_FAILED';
}

/** Present while someone is asked for a key; undefined for an answer: none. */
export const keyQuestion = createSignal<
  { readonly again: boolean; readonly answer: (key: string | undefined) => void } | undefined
>(undefined);

const KEY = 'clearword-key';

/** The key for as long as the tab is open. Some private windows refuse storage by throwing. */
let held: string | undefined;
function keptKey(): string | undefined {
  try {
    return held ?? sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return held;
  }
}
function keepKey(key: string | undefined): void {
  held = key;
  try {
    if (key === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, key);
  } catch {
    // It then lasts as long as the page.
  }
}

/** Asks for a key, one question at a time. */
let asking: Promise<string | undefined> | undefined;
function askForKey(again: boolean): Promise<string | undefined> {
  asking ??= new Promise<string | undefined>((resolve) => {
    keyQuestion.value = {
      again,
      answer: (key) => {
        keyQuestion.value = undefined;
        asking = undefined;
        keepKey(key);
        resolve(key);
      },
    };
  });
  return asking;
}

export const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** Times that a request is sent again because the server asked to wait, and the longest wait that is done without asking, s. */
const MOST_WAITS = 5;
const LONGEST_WAIT = 60;

export interface AskHooks {
  readonly signal: AbortSignal;
  readonly onWait?: (seconds: number) => void;
}

/**
 * The answer to a request.
 *
 * @throws ClearwordError what the server answered; UNAVAILABLE if there is no answer; CANCELLED
 */
export async function ask(path: string, hooks: AskHooks, init: RequestInit = {}): Promise<Response> {
  const { signal } = hooks;
  let refused = false;
  for (let waits = 0; ; ) {
    const response = await send(path, signal, init);
    if (response.ok) return response;
    if (response.status === 401) {
      const key = await askForKey(refused);
      throwIfCancelled(signal, 'the request');
      refused = true;
      if (key !== undefined) continue;
    }
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    if ((response.status === 429 || response.status === 503) && seconds <= LONGEST_WAIT && waits++ < MOST_WAITS) {
      hooks.onWait?.(Math.ceil(seconds));
      await pause(1000 * seconds, signal);
      throwIfCancelled(signal, 'the request');
      continue;
    }
    throw errorOf(((await response.json().catch(() => ({}))) ?? {}) as Problem, response.status);
  }
}

/** The answer to a question that is not worth a key, nor waiting; undefined: none, or a refusal. */
export async function askBriefly(path: string, signal: AbortSignal): Promise<Response | undefined> {
  const response = await send(path, signal, {}).catch(() => undefined);
  return response?.ok ? response : undefined;
}

async function send(path: string, signal: AbortSignal, init: RequestInit): Promise<Response> {
  const key = keptKey();
  const headers = { ...init.headers, ...(key !== undefined && { Authorization: `Bearer ${key}` }) };
  try {
    return await fetch(api(path), { ...init, headers, signal });
  } catch (cause) {
    throwIfCancelled(signal, 'the request');
    const fix = 'Check the connection and try again, or restore on this device.';
    throw new ClearwordError('UNAVAILABLE', 'the server does not answer', { cause, fix });
  }
}
