/**
 * What the page knows, as signals. Only work.ts changes most of it; components show it.
 *
 * @module
 */
import { computed, signal } from '@preact/signals';
import type { LoadProgress, ModelSummary } from '../src/browser.ts';
import type { Findings } from '../src/models/model.ts';
import type { ComputedResult, RestoreRequest } from './compute/compute.ts';

export interface Photo {
  readonly name: string;
  readonly file: Blob;
  readonly url: string;
  readonly width: number;
  readonly height: number;
}

/** A finished restoration in the history of this session. */
export interface Restored {
  readonly id: number;
  readonly photo: Photo;
  readonly request: RestoreRequest;
  readonly result: ComputedResult;
  readonly url: string;
  readonly uncertaintyUrl: string | undefined;
  readonly seconds: number;
}

export interface Failure {
  readonly message: string;
  readonly fix: string;
}

export type Place = 'device' | 'server';

/** The model on this device. */
export const model = signal<ModelSummary | undefined>(undefined);
/** Present while it is being loaded. */
export const loading = signal<LoadProgress | undefined>(undefined);

export const photo = signal<Photo | undefined>(undefined);
export const findings = signal<Pick<Findings, 'degradations'> | undefined>(undefined);
export const inspecting = signal(false);
/** What the chips say is to be removed. */
export const chosen = signal<readonly string[]>([]);

export const prompt = signal('');
/** Undefined: as many as the model does best. */
export const steps = signal<number | undefined>(undefined);
export const seed = signal(0);
export const samples = signal(1);
export const place = signal<Place>('device');
export const serverOffered = signal(false);

/** Present while a restoration is under way. */
export const job = signal<{ readonly fraction: number; readonly cancel: () => void } | undefined>(undefined);
export const failure = signal<Failure | undefined>(undefined);
/** What a screen reader is told. */
export const announcement = signal('');

export const results = signal<readonly Restored[]>([]);
export const shownId = signal<number | undefined>(undefined);
/** What the shown result is compared with: the photo, or another result by its number. */
export const against = signal<'photo' | number>('photo');

export const shown = computed(() => results.value.find(({ id }) => id === shownId.value));
/** The results that can stand beside the shown one: those of the same photo. */
export const comparable = computed(() =>
  results.value.filter(({ id, photo: of }) => id !== shownId.value && of === shown.value?.photo),
);
export const compared = computed(() => comparable.value.find(({ id }) => id === against.value));
