/**
 * The place that was chosen for the work, made ready when it is first needed.
 *
 * @module
 */
import type { Clearword } from '../../src/browser.ts';
import type { Compute } from '../compute/compute.ts';
import { loadDevice } from '../compute/device.ts';
import { server } from '../compute/server.ts';
import { dispatch, model, place } from '../state/store.ts';

async function device() {
  try {
    const loaded = await loadDevice((loading) => dispatch({ type: 'set', values: { loading } }));
    dispatch({ type: 'set', values: { model: loaded.model } });
    return loaded;
  } finally {
    dispatch({ type: 'set', values: { loading: undefined } });
  }
}

export async function compute(): Promise<Compute> {
  return place.value === 'server' ? server : (await device()).compute;
}

/** Seconds that a photo will take on this device; undefined while there is no model. */
export async function estimate(
  size: Parameters<Clearword['estimate']>[0],
  options: { readonly steps?: number; readonly samples?: number },
  signal: AbortSignal,
): Promise<number | undefined> {
  if (model.value === undefined) return undefined;
  return (await device()).clearword.estimate(size, { ...options, signal });
}
