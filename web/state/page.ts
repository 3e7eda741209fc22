/**
 * Everything that the page knows, and how it changes: one state, one function. What is shown is derived from it.
 *
 * @module
 */
import type { LoadProgress, ModelSummary } from '../../src/browser.ts';
import type { Findings } from '../../src/models/model.ts';
import type { ComputedResult, RestoreRequest } from '../compute/compute.ts';

/** What is known of what disturbs a photo. */
export type Look =
  | { readonly kind: 'none' | 'looking' | 'failed' }
  | { readonly kind: 'known'; readonly degradations: Findings['degradations'] };

export interface Photo {
  readonly id: string;
  readonly name: string;
  readonly file: Blob;
  /** What is shown: the file, or another picture of it. Undefined: a format that this browser does not show. */
  readonly view: Blob | undefined;
  /** Address of `view`. */
  readonly url: string | undefined;
  /** Pixels; 0 where nobody knows yet. */
  readonly width: number;
  readonly height: number;
  readonly look: Look;
  /** What is asked for, in words: chips are read from them, and written into them. */
  readonly prompt: string;
  /** Strengths that somebody set, in the units of the option `strength`. */
  readonly strengths: Readonly<Record<string, number>>;
}

/** A finished restoration. */
export interface Restored {
  readonly id: string;
  /** Counted from 1, for people. */
  readonly number: number;
  readonly photoId: string;
  readonly request: RestoreRequest;
  readonly result: ComputedResult;
  readonly url: string;
  readonly uncertaintyUrl: string | undefined;
  readonly seconds: number;
  /** Percent of the change that is shown and saved. */
  readonly amount: number;
  /** Whether it is stored in this browser, so that it is there again after a reload. */
  readonly kept: boolean;
}

export interface Failure {
  readonly message: string;
  readonly fix: string;
}

export type Place = 'device' | 'server';

export interface Settings {
  /** Undefined: as many as the model does best. */
  readonly steps: number | undefined;
  readonly seed: number;
  readonly samples: number;
  readonly place: Place;
  /** Whether a smaller picture is restored first; undefined: where the whole takes long. */
  readonly preview: boolean | undefined;
}

export interface Job {
  readonly photoId: string;
  /** 0..1. */
  readonly fraction: number;
  /** Milliseconds, as of `performance.now()`. */
  readonly started: number;
  /** Seconds that it was thought to take. */
  readonly expected: number | undefined;
  readonly cancel: () => void;
}

/** What was taken away last, and can come back. */
export interface Removed {
  readonly photos: readonly Photo[];
  readonly results: readonly Restored[];
}

export interface PageState {
  /** In the order in which they were opened. */
  readonly photos: readonly Photo[];
  /** The photo that is looked at; undefined: the welcome. */
  readonly openId: string | undefined;
  readonly results: readonly Restored[];
  readonly shownId: string | undefined;
  /** What the shown result is compared with: the photo, or another result by its id. */
  readonly against: string;
  readonly settings: Settings;
  /** The model on this device. */
  readonly model: ModelSummary | undefined;
  /** Present while it is being loaded. */
  readonly loading: LoadProgress | undefined;
  readonly serverOffered: boolean;
  /** Name of the plain network that the server restores with; undefined: it reads words, or was not asked yet. */
  readonly serverNetwork: string | undefined;
  /** Photos that are to be restored, and the one that is being restored. */
  readonly waiting: readonly string[];
  readonly job: Job | undefined;
  /** Seconds that restoring the open photo will take on this device; undefined: not known. */
  readonly expected: number | undefined;
  readonly failure: Failure | undefined;
  /** What a screen reader is told. */
  readonly announcement: string;
  readonly removed: Removed | undefined;
}

/** `against` of a result that is compared with its photo. */
export const THE_PHOTO = 'photo';

export const EMPTY: PageState = {
  photos: [],
  openId: undefined,
  results: [],
  shownId: undefined,
  against: THE_PHOTO,
  settings: { steps: undefined, seed: 0, samples: 1, place: 'device', preview: undefined },
  model: undefined,
  loading: undefined,
  serverOffered: false,
  serverNetwork: undefined,
  waiting: [],
  job: undefined,
  expected: undefined,
  failure: undefined,
  announcement: '',
  removed: undefined,
};

/** Fields that come from outside and mean nothing for the others. */
type Plain = Pick<
  PageState,
  'model' | 'loading' | 'serverOffered' | 'serverNetwork' | 'expected' | 'failure' | 'announcement'
>;

export type Action =
  | { readonly type: 'set'; readonly values: Partial<Plain> }
  | { readonly type: 'settings'; readonly values: Partial<Settings> }
  | { readonly type: 'photosAdded'; readonly photos: readonly Photo[] }
  | { readonly type: 'photoShown'; readonly id: string | undefined }
  | { readonly type: 'photoChanged'; readonly id: string; readonly values: Partial<Omit<Photo, 'id' | 'file'>> }
  | { readonly type: 'photoRemoved'; readonly id: string }
  | { readonly type: 'queued'; readonly ids: readonly string[] }
  | { readonly type: 'started'; readonly job: Job }
  | { readonly type: 'progressed'; readonly fraction: number }
  | { readonly type: 'stopped' }
  | { readonly type: 'finished'; readonly result: Restored }
  | { readonly type: 'resultShown'; readonly id: string }
  | { readonly type: 'resultChanged'; readonly id: string; readonly values: Partial<Pick<Restored, 'amount' | 'kept'>> }
  | { readonly type: 'comparedWith'; readonly against: string }
  | { readonly type: 'resultRemoved'; readonly id: string }
  | { readonly type: 'undone' }
  | { readonly type: 'forgotten' }
  | { readonly type: 'revived'; readonly photos: readonly Photo[]; readonly results: readonly Restored[] }
  | { readonly type: 'cleared' };

const changed = <T extends { readonly id: string }>(
  items: readonly T[],
  id: string,
  values: Partial<NoInfer<T>>,
): readonly T[] => items.map((item) => (item.id === id ? { ...item, ...values } : item));

const newestOf = (results: readonly Restored[], photoId: string | undefined): string | undefined =>
  results.findLast((result) => result.photoId === photoId)?.id;

/** The photo that takes the place of one that is gone. */
function neighbourOf(photos: readonly Photo[], id: string): string | undefined {
  const at = photos.findIndex((photo) => photo.id === id);
  return (photos[at + 1] ?? photos[at - 1])?.id;
}

function showPhoto(state: PageState, id: string | undefined): PageState {
  if (id === state.openId) return state;
  const shownId = newestOf(state.results, id);
  return { ...state, openId: id, shownId, against: THE_PHOTO, expected: undefined };
}

function removePhoto(state: PageState, id: string): PageState {
  const photos = state.photos.filter((photo) => photo.id !== id);
  const results = state.results.filter(({ photoId }) => photoId !== id);
  const removed = {
    photos: state.photos.filter((photo) => photo.id === id),
    results: state.results.filter(({ photoId }) => photoId === id),
  };
  const next = state.openId === id ? neighbourOf(state.photos, id) : state.openId;
  const rest = { ...state, photos, results, removed, waiting: state.waiting.filter((other) => other !== id) };
  return { ...showPhoto(rest, next), announcement: 'Photo removed.' };
}

function removeResult(state: PageState, id: string): PageState {
  const results = state.results.filter((result) => result.id !== id);
  const removed = { photos: [], results: state.results.filter((result) => result.id === id) };
  const shownId = state.shownId === id ? newestOf(results, state.openId) : state.shownId;
  const against = state.against === id ? THE_PHOTO : state.against;
  return { ...state, results, removed, shownId, against, announcement: 'Result removed.' };
}

/** What was taken away comes back to its old place. */
function undo(state: PageState): PageState {
  const { removed } = state;
  if (removed === undefined) return state;
  const photos = [...state.photos, ...removed.photos];
  const results = [...state.results, ...removed.results].sort((a, b) => a.number - b.number);
  const shown = removed.results.at(-1);
  const openId = removed.photos[0]?.id ?? shown?.photoId ?? state.openId;
  const shownId = shown?.id ?? newestOf(results, openId);
  return { ...state, photos, results, openId, shownId, removed: undefined, announcement: 'Brought back.' };
}

export function reduce(state: PageState, action: Action): PageState {
  switch (action.type) {
    case 'set':
      return { ...state, ...action.values };
    case 'settings':
      return { ...state, settings: { ...state.settings, ...action.values } };
    case 'photosAdded': {
      const photos = [...state.photos, ...action.photos];
      return showPhoto({ ...state, photos }, action.photos[0]?.id ?? state.openId);
    }
    case 'photoShown':
      return showPhoto(state, action.id);
    case 'photoChanged':
      return { ...state, photos: changed(state.photos, action.id, action.values) };
    case 'photoRemoved':
      return removePhoto(state, action.id);
    case 'queued': {
      const known = (id: string) => state.waiting.includes(id) || state.job?.photoId === id;
      return { ...state, waiting: [...state.waiting, ...action.ids.filter((id) => !known(id))], failure: undefined };
    }
    case 'started':
      return { ...state, job: action.job, waiting: state.waiting.filter((id) => id !== action.job.photoId) };
    case 'progressed':
      return state.job === undefined ? state : { ...state, job: { ...state.job, fraction: action.fraction } };
    case 'stopped':
      return { ...state, job: undefined };
    case 'finished': {
      const { result } = action;
      const results = [...state.results, result];
      // Someone who looks at another photo goes on looking at it.
      if (state.openId !== result.photoId) return { ...state, results };
      return { ...state, results, shownId: result.id, against: THE_PHOTO };
    }
    case 'resultShown': {
      const result = state.results.find(({ id }) => id === action.id);
      if (result === undefined) return state;
      const { network, prompt, strengths } = result.request;
      // Words that nobody was asked to follow stay the photo's own.
      const asked = network === undefined ? { prompt, strengths } : { strengths };
      const photos = changed(state.photos, result.photoId, asked);
      const opened = showPhoto({ ...state, photos }, result.photoId);
      return { ...opened, shownId: result.id, against: THE_PHOTO };
    }
    case 'resultChanged':
      return { ...state, results: changed(state.results, action.id, action.values) };
    case 'comparedWith':
      return { ...state, against: action.against };
    case 'resultRemoved':
      return removeResult(state, action.id);
    case 'undone':
      return undo(state);
    case 'forgotten':
      return { ...state, removed: undefined };
    case 'revived':
      return { ...state, photos: [...action.photos, ...state.photos], results: [...action.results, ...state.results] };
    case 'cleared': {
      const { settings, model, serverOffered, serverNetwork } = state;
      return { ...EMPTY, settings, model, serverOffered, serverNetwork, announcement: 'Everything was cleared.' };
    }
  }
}
