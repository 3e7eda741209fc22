/**
 * Taking photos in, and looking at what disturbs them.
 *
 * @module
 */
import { batch } from '@preact/signals';
import { readSignature, type Signature } from '../../src/image/image-signature.ts';
import { modelThere } from '../compute/server.ts';
import { labelOf } from '../intent.ts';
import type { Failure, Photo } from '../state/page.ts';
import { dispatch, intent, network, page, photo, place, settings } from '../state/store.ts';
import { compute, estimate } from './compute.ts';
import { fail, say } from './failures.ts';
import { keepPhoto } from './keep.ts';

/** Bytes that tell formats apart, those of raw files among them. */
const HEAD = 2 ** 18;

/** Aborted when another photo is looked at. */
let looking = new AbortController();

let count = 0;
/** Unique in this browser: tabs share a database. */
export const newId = (): string =>
  `${Date.now().toString(36)}-${(count++).toString(36)}-${Math.random().toString(36).slice(2, 8)}`;

/** A file that has a name only where it was chosen or dropped. */
export interface NamedFile {
  readonly file: Blob;
  readonly name: string;
}

/** Takes files in, whether they are photos or not: what is none is refused with its reason. Nothing that runs is stopped. */
export async function openPhotos(files: readonly NamedFile[]): Promise<void> {
  const opened: Photo[] = [];
  const refused: Failure[] = [];
  for (const { file, name } of files) {
    const result = await read(file, name);
    if ('id' in result) opened.push(result);
    else refused.push(result);
  }
  const [failure] = refused;
  batch(() => {
    if (opened.length > 0) dispatch({ type: 'photosAdded', photos: opened });
    const others = refused.length > 1 ? ` (and ${refused.length - 1} more that cannot be opened)` : '';
    dispatch({
      type: 'set',
      values: { failure: failure && { message: `${failure.message}${others}`, fix: failure.fix } },
    });
    const [first] = opened;
    if (first === undefined) return;
    say(opened.length > 1 ? `${opened.length} photos opened.` : `${first.name} opened, ${sizeOf(first)}.`);
  });
  for (const photo of opened) keepPhoto(photo);
  if (opened.length > 0) await look();
}

const sizeOf = ({ width, height }: Photo): string =>
  width === 0 ? 'to be restored on the server' : `${width} by ${height} pixels`;

async function read(file: Blob, name: string): Promise<Photo | Failure> {
  const base = { id: newId(), name, file, look: { kind: 'none' }, prompt: '', strengths: {} } as const;
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap !== undefined) {
    const { width, height } = bitmap;
    bitmap.close();
    return { ...base, view: file, url: URL.createObjectURL(file), width, height };
  }
  const signature = readSignature(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));
  if (signature.format !== 'tiff' || !page.value.serverOffered) return refusal(name, file, signature);
  // Only the server reads it; whoever opens it is asked, because photos do not leave this device by themselves.
  return { ...base, view: undefined, url: undefined, width: 0, height: 0 };
}

const NAMES: Readonly<Record<string, string>> = { jpeg: 'JPEG', png: 'PNG', webp: 'WebP', avif: 'AVIF' };

function refusal(name: string, file: Blob, { format, description, fix }: Signature): Failure {
  if (file.size === 0) return { message: `“${name}” is empty.`, fix: 'Get another copy of it.' };
  const known = format === undefined ? undefined : NAMES[format];
  if (known !== undefined) {
    return { message: `“${name}”: this ${known} is damaged or incomplete.`, fix: 'Get another copy of it.' };
  }
  if (format === 'tiff') {
    return {
      message: `“${name}” is a TIFF, which this browser cannot open.`,
      fix: 'Export it as a JPEG or PNG; the command line restores TIFFs as they are.',
    };
  }
  const what = description.startsWith('a file that') ? 'not a photo' : description;
  return {
    message: `“${name}” is ${what}${what === 'not a photo' ? '' : ', which this browser cannot open'}.`,
    fix: fix ?? 'Use a JPEG, PNG, WebP or AVIF file.',
  };
}

/** Gives up looking at the photo that is open. */
export const stopLooking = (): void => looking.abort();

/** Looks for what disturbs the photo that is open, unless that is known, or nobody is there who could tell. */
export async function look(): Promise<void> {
  looking.abort();
  looking = new AbortController();
  const { signal } = looking;
  const open = photo.value;
  if (open === undefined) return;
  if (place.value === 'server') await askServer(signal);
  const only = open.url === undefined && place.value === 'device';
  if (open.look.kind !== 'known' && !only && network.value === undefined) {
    const { id } = open;
    dispatch({ type: 'photoChanged', id, values: { look: { kind: 'looking' } } });
    try {
      const { degradations } = await (await compute()).inspect(open.file, signal);
      dispatch({ type: 'photoChanged', id, values: { look: { kind: 'known', degradations } } });
      keepPhotoById(id);
      if (!signal.aborted) sayFindings();
    } catch (error) {
      const kind = signal.aborted ? 'none' : 'failed';
      dispatch({ type: 'photoChanged', id, values: { look: { kind } } });
      if (!signal.aborted) fail(error);
      return;
    }
  }
  if (!signal.aborted) await foresee(signal);
}

let answered = false;

/** Learns whether the server restores with a plain network, which could not look at photos; until it says so, it does not. */
async function askServer(signal: AbortSignal): Promise<void> {
  if (answered) return;
  const there = await modelThere(signal);
  if (there === undefined) return;
  answered = true;
  dispatch({ type: 'set', values: { serverNetwork: there.guided ? undefined : there.name } });
}

function keepPhotoById(id: string): void {
  const found = page.value.photos.find((photo) => photo.id === id);
  if (found !== undefined) keepPhoto(found);
}

function sayFindings(): void {
  const { found = [], perhaps = [] } = intent.value ?? {};
  const listed = (names: readonly string[]) => names.map(labelOf).join(', ');
  if (found.length > 0) say(`Found: ${listed(found)}.`);
  else say(perhaps.length > 0 ? `Perhaps there is ${listed(perhaps)}.` : 'Nothing to remove was found.');
}

/** Finds out how long the open photo will take here. */
export async function foresee(signal: AbortSignal = looking.signal): Promise<void> {
  const open = photo.value;
  if (open === undefined || open.width === 0 || place.value === 'server') {
    dispatch({ type: 'set', values: { expected: undefined } });
    return;
  }
  const { steps, samples } = settings.value;
  // A number that cannot be found out is left out; nobody waits for it.
  const work = network.value === undefined ? { samples, ...(steps !== undefined && { steps }) } : {};
  const expected = await estimate(open, work, signal).catch(() => undefined);
  if (!signal.aborted && photo.value?.id === open.id) dispatch({ type: 'set', values: { expected } });
}
