/**
 * Sets of degradations.
 *
 * @module
 */

/** Every combination of names, from none to all: bit i of a combination's place says whether it has names[i]. */
export function combinationsOf<Name extends string>(names: readonly Name[]): readonly (readonly Name[])[] {
  return Array.from({ length: 2 ** names.length }, (_, bits) => names.filter((__, i) => bits & (1 << i)));
}
