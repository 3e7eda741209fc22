/**
 * What Clearword removes: the one list that data, networks and everything around them share.
 *
 * @module
 */

/** The degradations, in the order of every per-degradation array. */
export const DEGRADATIONS = ['noise', 'rain', 'haze'] as const;
export type Degradation = (typeof DEGRADATIONS)[number];
