/**
 * Several degradations at once, in the order in which light and then the file meet them, and the picture that a request to
 * remove only some of them should give.
 *
 * @module
 */
import type { Raster } from '../../image/raster.ts';
import type { DegradationSet, Effect, Reading } from './record.ts';

/** A training pair with what the controller should report about its input. */
export interface DegradedPair {
  /** mu, values 0..1; whoever stores it rounds it to 8 bits. */
  readonly input: Raster;
  /** What the request asks for. */
  readonly target: Raster;
  /** Of each degradation that something happened of. */
  readonly readings: Readonly<Record<string, Reading>>;
}

/** How a degradation is read where its effects do not say. */
export type Measure = (name: string, without: Raster, after: Raster) => Reading | Promise<Reading>;

/** Effects in the order in which they happen. */
export function inOrder(effects: readonly Effect[]): readonly Effect[] {
  return [...effects].sort((a, b) => a.place - b.place);
}

/** A degradation may happen twice, as a file that is saved again. */
const stronger = (a: Reading | undefined, b: Reading): Reading => (a !== undefined && a.strength > b.strength ? a : b);

const without = (effect: Effect, image: Raster): Raster | Promise<Raster> => effect.without?.(image) ?? image;

/**
 * Input and target of one sample.
 *
 * The input has every effect. The target has only those that `asked` leaves, as the same realisation: the same haze, the same
 * streaks, the same noise, so that what is kept stays where it was. Where nothing that happened is asked for, the target is
 * the input itself.
 */
export async function degrade(
  clear: Raster,
  effects: readonly Effect[],
  asked: DegradationSet,
  measure: Measure,
): Promise<DegradedPair> {
  const ordered = inOrder(effects);
  const removes = ordered.some(({ of }) => asked.has(of));
  let input = clear;
  let target = clear;
  const readings: Record<string, Reading> = {};
  /** Of degradations whose effects do not say: the picture as it would be without it, and after its last effect. */
  const seen = new Map<string, { readonly without: Raster; readonly after: Raster }>();
  for (const effect of ordered) {
    const { of } = effect;
    const after = await effect.apply(input);
    const absent = await without(effect, input);
    if (effect.measure) readings[of] = stronger(readings[of], await effect.measure(absent, after));
    else seen.set(of, { without: seen.get(of)?.without ?? absent, after });
    if (removes) {
      const same = target === input;
      if (asked.has(of)) target = same ? absent : await without(effect, target);
      else target = same ? after : await effect.apply(target);
    }
    input = after;
  }
  for (const [name, { without: absent, after }] of seen) {
    if (readings[name] === undefined) readings[name] = await measure(name, absent, after);
  }
  return { input, target: removes ? target : input, readings };
}
