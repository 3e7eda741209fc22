/**
 * How the photo is looked at; lasts from photo to photo.
 *
 * @module
 */
import { signal } from '@preact/signals';

export type Mode = 'slider' | 'side';

export const mode = signal<Mode>('slider');
export const uncertain = signal(false);
export const loupe = signal(false);
/** While the photo before is shown in place of the result. */
export const holding = signal(false);
/** Percent of the width that shows the photo before. */
export const position = signal(50);
