/**
 * What can be done with results and photos that are there: change, save, remove, get back.
 *
 * @module
 */
import { downloadZip } from 'client-zip';
import type { SaveFormat } from '../compute/compute.ts';
import { promptWith } from '../intent.ts';
import type { Photo, Restored } from '../state/page.ts';
import { dispatch, intent, model, page, photo, place, shown } from '../state/store.ts';
import { fail, say } from './failures.ts';
import { forgetEverything, forgetPhotos, forgetResults, keepPhoto, keepResult } from './keep.ts';
import { look } from './open.ts';

/** Time in which what was removed can come back, ms. */
const UNDO = 15_000;
/** Pause in typing or sliding after which a change is kept, ms. */
const SETTLED = 600;

function later(): (act: () => void) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (act) => {
    clearTimeout(timer);
    timer = setTimeout(act, SETTLED);
  };
}
const keepPhotoLater = later();
const keepResultLater = later();

function changePhoto(values: Partial<Pick<Photo, 'prompt' | 'strengths'>>): void {
  const open = photo.value;
  if (open === undefined) return;
  dispatch({ type: 'photoChanged', id: open.id, values });
  keepPhotoLater(() => photo.value?.id === open.id && keepPhoto(photo.value));
}

export const setPrompt = (prompt: string): void => changePhoto({ prompt });

/** A chip that is pressed changes the words, someone's own included. */
export function choose(name: string, wanted: boolean): void {
  const open = photo.value;
  if (open === undefined || intent.value === undefined) return;
  const findings = open.look.kind === 'known' ? open.look.degradations : {};
  const careful = place.value === 'server' || (model.value?.careful ?? true);
  const rules = { degradations: intent.value.known, careful };
  changePhoto({ prompt: promptWith(open.prompt, { name, wanted }, findings, rules) });
}

/** @param value in the unit of the option; undefined: as the model estimates it */
export function setStrength(name: string, value: number | undefined): void {
  const { [name]: _, ...others } = photo.value?.strengths ?? {};
  changePhoto({ strengths: value === undefined ? others : { ...others, [name]: value } });
}

/** @param amount percent, 0..100 */
export function setAmount(amount: number): void {
  const result = shown.value;
  if (result === undefined) return;
  dispatch({ type: 'resultChanged', id: result.id, values: { amount } });
  keepResultLater(() => {
    const now = page.value.results.find(({ id }) => id === result.id);
    if (now !== undefined) keepResult(now);
  });
}

const ENDINGS: Readonly<Record<string, string>> = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp' };

const stemOf = (result: Restored): string =>
  (page.value.photos.find(({ id }) => id === result.photoId)?.name ?? 'photo').replace(/\.[^.]*$/, '');

function fileName(result: Restored, file: Blob): string {
  const ending = ENDINGS[file.type] ?? file.type.replace(/^image\//, '');
  return `${stemOf(result)}-restored.${ending === '' ? 'png' : ending}`;
}

function handOver(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // Not at once: some browsers read the address only after the click was handled.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Hands the shown result to the browser's downloads. */
export async function save(format: SaveFormat, metadata: boolean): Promise<void> {
  const result = shown.value;
  if (result === undefined) return;
  try {
    // Where the server makes a part of the change, this takes as long as a restoration.
    if (result.result.kind === 'server' && result.amount < 100) say('Making the file on the server.');
    const file = await result.result.save(format, metadata, result.amount);
    handOver(file, fileName(result, file));
  } catch (error) {
    fail(error);
  }
}

/** The newest result of every photo, in one file. */
export async function saveAll(): Promise<void> {
  const newest = new Map(page.value.results.map((result) => [result.photoId, result]));
  try {
    const names = new Map<string, number>();
    const files: { name: string; input: Blob }[] = [];
    for (const result of newest.values()) {
      const input = await result.result.save('original', true, result.amount);
      const name = fileName(result, input);
      const same = names.get(name) ?? 0;
      names.set(name, same + 1);
      files.push({ name: same === 0 ? name : name.replace(/(\.[^.]*)$/, `-${same + 1}$1`), input });
    }
    handOver(await downloadZip(files).blob(), 'clearword.zip');
    say(`${files.length} ${files.length === 1 ? 'result' : 'results'} in clearword.zip.`);
  } catch (error) {
    fail(error);
  }
}

let forgetting: ReturnType<typeof setTimeout> | undefined;

/** What was removed before can no longer come back. */
function forget(): void {
  clearTimeout(forgetting);
  const { removed } = page.value;
  if (removed === undefined) return;
  for (const { url } of removed.photos) if (url !== undefined) URL.revokeObjectURL(url);
  for (const { url } of removed.results) URL.revokeObjectURL(url);
  dispatch({ type: 'forgotten' });
}

function remove(act: () => void): void {
  forget();
  act();
  forgetting = setTimeout(forget, UNDO);
}

export function removeResult(id: string): void {
  remove(() => dispatch({ type: 'resultRemoved', id }));
  forgetResults([id]);
}

export function removePhoto(id: string): void {
  if (page.value.job?.photoId === id) page.value.job.cancel();
  const results = page.value.results.filter(({ photoId }) => photoId === id);
  remove(() => dispatch({ type: 'photoRemoved', id }));
  forgetPhotos([id]);
  forgetResults(results.map((result) => result.id));
  void look();
}

export function undoRemoval(): void {
  const { removed } = page.value;
  if (removed === undefined) return;
  clearTimeout(forgetting);
  dispatch({ type: 'undone' });
  for (const photo of removed.photos) keepPhoto(photo);
  for (const result of removed.results) keepResult(result);
  void look();
}

/** Clears the page and what this browser kept of it. */
export function clearEverything(): void {
  page.value.job?.cancel();
  forget();
  dispatch({ type: 'cleared' });
  forgetEverything();
}
