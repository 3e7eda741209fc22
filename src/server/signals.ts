/**
 * Several reasons to stop at once.
 *
 * @module
 */

/**
 * Does something with a signal that is aborted as soon as one of several is. `AbortSignal.any` leaves something behind in a
 * signal that lives as long as the server does, for every request; this does not.
 */
export async function withAny<T>(
  signals: readonly AbortSignal[],
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  for (const signal of signals) {
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  }
  try {
    return await action(controller.signal);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', abort);
  }
}
