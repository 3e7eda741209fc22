/**
 * Keeping what the page has, as far as this browser has room for it.
 *
 * @module
 */
import type { Photo, Restored } from '../state/page.ts';
import { dispatch } from '../state/store.ts';
import { removeEverything, removePhotos, removeResults, savePhoto, saveResult } from './saved.ts';

/** Writes one after the other: a photo is changed while it is still being written. */
let writing: Promise<void> = Promise.resolve();
function next(write: () => Promise<void>, otherwise: () => void = () => undefined): void {
  writing = writing.then(write).catch(otherwise);
}

export const keepPhoto = (photo: Photo): void => next(() => savePhoto(photo));

/** What could not be kept is asked about before the page is left. */
export function keepResult(result: Restored): void {
  next(async () => {
    await saveResult(result);
    dispatch({ type: 'resultChanged', id: result.id, values: { kept: true } });
  });
}

export const forgetPhotos = (ids: readonly string[]): void => next(() => removePhotos(ids));
export const forgetResults = (ids: readonly string[]): void => next(() => removeResults(ids));
export const forgetEverything = (): void => next(removeEverything);
