/**
 * Which parameters a run trains.
 *
 * @module
 */

/** @param only beginnings of the names of those that are; undefined: all are */
export const isTrained = (only: readonly string[] | undefined, name: string): boolean =>
  only === undefined || only.some((beginning) => name.startsWith(beginning));
