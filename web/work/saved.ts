/**
 * Photos and results in this browser's own database, so that a reload loses nothing; and the names of jobs that a server goes on
 * with. Everything here may fail (private windows, full disks): then the page works as long as it is open.
 *
 * @module
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Findings } from '../../src/models/model.ts';
import type { RestoreRequest, ResultFacts, StoredComputed } from '../compute/compute.ts';
import { deviceResult } from '../compute/device.ts';
import { serverResult } from '../compute/server.ts';
import type { Photo, Restored } from '../state/page.ts';

interface SavedPhoto extends Omit<Photo, 'url' | 'look' | 'view'> {
  /** Milliseconds since 1970, for the order. */
  readonly added: number;
  /** What is shown: the file itself, or another picture of it. */
  readonly view: 'file' | Blob | undefined;
  readonly degradations: Findings['degradations'] | undefined;
}

interface SavedResult extends Omit<Restored, 'result' | 'url' | 'uncertaintyUrl' | 'kept'> {
  readonly added: number;
  readonly facts: ResultFacts;
  readonly findings: Findings['degradations'] | undefined;
  readonly preview: Blob;
  readonly uncertainty: Blob | undefined;
}

/** A job of a server that was not finished when it was last heard of. */
export interface SavedJob {
  readonly photoId: string;
  readonly jobId: string;
  readonly request: RestoreRequest;
}

interface Schema extends DBSchema {
  photos: { key: string; value: SavedPhoto };
  results: { key: string; value: SavedResult };
  /** Pixels, apart from what is read at the start. */
  pixels: { key: string; value: { readonly id: string; readonly computed: StoredComputed } };
  jobs: { key: string; value: SavedJob };
}

const STORES = ['photos', 'results', 'pixels', 'jobs'] as const;

let opening: Promise<IDBPDatabase<Schema>> | undefined;

function database(): Promise<IDBPDatabase<Schema>> {
  opening ??= openDB<Schema>('clearword', 1, {
    upgrade: (db) => {
      for (const name of STORES) db.createObjectStore(name, { keyPath: name === 'jobs' ? 'photoId' : 'id' });
    },
  });
  return opening;
}

export async function savePhoto(photo: Photo): Promise<void> {
  const { url: _, look, view, ...rest } = photo;
  const degradations = look.kind === 'known' ? look.degradations : undefined;
  const db = await database();
  const added = (await db.get('photos', photo.id))?.added ?? Date.now();
  await db.put('photos', { ...rest, added, view: view === photo.file ? 'file' : view, degradations });
}

/** Keeps a result, which then need not hold its pixels. */
export async function saveResult(restored: Restored): Promise<void> {
  const { result, url: _, uncertaintyUrl: __, kept: ___, ...rest } = restored;
  const { kind, width, height, steps, seed, outcome, scale, preview, uncertainty, findings } = result;
  const facts = { kind, width, height, steps, seed, outcome, scale };
  const computed = await result.stored();
  const transaction = (await database()).transaction(['results', 'pixels'], 'readwrite');
  await Promise.all([
    transaction.objectStore('results').put({ ...rest, added: Date.now(), facts, findings, preview, uncertainty }),
    transaction.objectStore('pixels').put({ id: restored.id, computed }),
    transaction.done,
  ]);
  result.release(() => readPixels(restored.id));
}

async function readPixels(id: string): Promise<StoredComputed> {
  const found = await (await database()).get('pixels', id);
  if (found === undefined) throw new Error(`expected pixels of the result ${id} in this browser, found none`);
  return found.computed;
}

export async function removePhotos(ids: readonly string[]): Promise<void> {
  const db = await database();
  await Promise.all(ids.flatMap((id) => [db.delete('photos', id), db.delete('jobs', id)]));
}

export async function removeResults(ids: readonly string[]): Promise<void> {
  const db = await database();
  await Promise.all(ids.flatMap((id) => [db.delete('results', id), db.delete('pixels', id)]));
}

export async function removeEverything(): Promise<void> {
  const db = await database();
  await Promise.all(STORES.map((name) => db.clear(name)));
}

export async function saveJob(job: SavedJob): Promise<void> {
  await (await database()).put('jobs', job);
}

export async function forgetJob(photoId: string): Promise<void> {
  await (await database()).delete('jobs', photoId);
}

export interface Saved {
  readonly photos: readonly Photo[];
  readonly results: readonly Restored[];
  readonly jobs: readonly SavedJob[];
}

/** Everything that was kept, in its order. */
export async function readSaved(): Promise<Saved> {
  const db = await database();
  const [photos, results, jobs] = await Promise.all([db.getAll('photos'), db.getAll('results'), db.getAll('jobs')]);
  const files = new Map(photos.map(({ id, file }) => [id, file]));
  return {
    photos: inOrder(photos).map(revivePhoto),
    results: inOrder(results).map((saved) => revive(saved, files)),
    jobs,
  };
}

const inOrder = <T extends { readonly added: number }>(items: readonly T[]): T[] =>
  [...items].sort((a, b) => a.added - b.added);

function revivePhoto({ added: _, view: saved, degradations, ...rest }: SavedPhoto): Photo {
  const look: Photo['look'] = degradations ? { kind: 'known', degradations } : { kind: 'none' };
  const view = saved === 'file' ? rest.file : saved;
  return { ...rest, look, view, url: view && URL.createObjectURL(view) };
}

function revive(saved: SavedResult, files: ReadonlyMap<string, Blob>): Restored {
  const { added: _, facts, findings, preview, uncertainty, ...rest } = saved;
  const photo = files.get(rest.photoId);
  const seen = { preview, uncertainty, findings };
  const result =
    photo !== undefined && facts.kind === 'server'
      ? serverResult(facts, seen, preview, { photo, request: rest.request })
      : deviceResult(facts, seen, undefined);
  result.release(() => readPixels(rest.id));
  const url = URL.createObjectURL(preview);
  return { ...rest, result, url, uncertaintyUrl: uncertainty && URL.createObjectURL(uncertainty), kept: true };
}
