/**
 * The page without a network: its service worker keeps its files, the library keeps the model.
 *
 * @module
 */

/** Longest wait for the service worker before the model is loaded without it, ms. */
const PATIENCE = 4000;

let controlled: Promise<void> | undefined;

/** Starts the service worker, where the browser has one for this page (https or localhost). Never throws. */
export function startOffline(): void {
  if (!('serviceWorker' in navigator)) return;
  // While the page is worked on there is none, because its files change all the time.
  controlled = takeOver().catch(() => undefined);
}

async function takeOver(): Promise<void> {
  const { serviceWorker } = navigator;
  await serviceWorker.register('service-worker.js');
  if (serviceWorker.controller !== null) return;
  await new Promise((resolve) => serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
}

/** Settles when what the page fetches is kept, or when that would take too long. */
export async function offlineReady(): Promise<void> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE));
  await Promise.race([controlled, late]);
}
