/**
 * The page's state as a signal, and what is read from it.
 *
 * @module
 */
import { computed, signal } from '@preact/signals';
import { type Intent, intentOf } from '../intent.ts';
import { type Action, EMPTY, type PageState, type Photo, type Restored, reduce } from './page.ts';

export const page = signal<PageState>(EMPTY);

export function dispatch(action: Action): void {
  page.value = reduce(page.value, action);
}

/** A part of the state; components that read it are only drawn again when it changes. */
const part = <Name extends keyof PageState>(name: Name) => computed(() => page.value[name]);

export const photos = part('photos');
export const results = part('results');
export const settings = part('settings');
export const model = part('model');
export const loading = part('loading');
export const job = part('job');
export const waiting = part('waiting');
export const expected = part('expected');
export const failure = part('failure');
export const announcement = part('announcement');
export const removed = part('removed');
export const against = part('against');
export const serverOffered = part('serverOffered');
export const place = computed(() => settings.value.place);

export const photo = computed((): Photo | undefined => photos.value.find(({ id }) => id === page.value.openId));
export const shown = computed((): Restored | undefined => results.value.find(({ id }) => id === page.value.shownId));
/** The results that can stand beside the shown one: those of the same photo. */
export const comparable = computed(() =>
  results.value.filter(({ id, photoId }) => id !== shown.value?.id && photoId === shown.value?.photoId),
);
export const compared = computed(() => comparable.value.find(({ id }) => id === against.value));

/** Name of the plain network that restores in the place of a model that reads words, here or on the server. */
export const network = computed(() => {
  if (place.value === 'server') return page.value.serverNetwork;
  return model.value?.reading === undefined ? undefined : model.value.name;
});
/** What the network is told of the noise unless somebody says it; undefined: it cannot be told, or nobody knows. */
export const noiseLevel = computed(() => (place.value === 'device' ? model.value?.noiseLevel : undefined));

/** What is known of a photo and what its words ask for, as one; chips, texts and requests come from it. */
export const intent = computed((): Intent | undefined => {
  const open = photo.value;
  if (open === undefined) return undefined;
  const findings = open.look.kind === 'known' ? open.look.degradations : {};
  const own = place.value === 'device' ? model.value : undefined;
  // A server tells what it knows with what it finds; every bundled model is careful.
  const known = own?.degradations ?? Object.keys(findings);
  return intentOf(open.prompt, findings, { degradations: known, careful: own?.careful ?? true });
});

/** Whether the strengths of degradations can be set where the work is done. */
export const takesStrengths = computed(() => place.value === 'server' || model.value?.takesStrengths === true);

export const photoOf = (result: Restored): Photo | undefined => photos.value.find(({ id }) => id === result.photoId);
