/**
 * How each degradation is drawn, applied and measured: a line for each that this version has words for.
 *
 * @module
 */
import { type Degradation, isKnown } from '../../degradations/index.ts';
import type { Raster } from '../../image/raster.ts';
import type { Random } from '../../random/random.ts';
import { compression } from './compression.ts';
import { darkness } from './darkness.ts';
import { haze } from './haze-record.ts';
import { noise } from './noise-record.ts';
import { rain } from './rain-record.ts';
import type { DegradationRecord, DrawContext, Drawn, Reading } from './record.ts';

const LINES = { noise, rain, haze, compression, darkness };

/** The sections that the degradations have in the data configuration. */
export type Sections = {
  readonly [Name in Degradation]: (typeof LINES)[Name] extends DegradationRecord<infer Options> ? Options : never;
};

/** A name that has words and no line here, or the other way round, does not compile. */
export const RECORDS: { readonly [Name in Degradation]: DegradationRecord<Sections[Name]> } = LINES;

/** One realisation of a degradation, as the configuration says. */
export async function drawDegradation<Name extends Degradation>(
  name: Name,
  random: Random,
  sections: Sections,
  context: DrawContext,
): Promise<Drawn> {
  const record: DegradationRecord<Sections[Name]> = RECORDS[name];
  return record.draw(random, sections[name], context);
}

/** Reads a degradation from a pair of pictures; one without a record cannot be measured: full where it is named. */
export async function measure(name: string, without: Raster, after: Raster): Promise<Reading> {
  return isKnown(name) ? RECORDS[name].measure(without, after) : { strength: 1, present: true };
}

/** The sections for validation, where there should be little that is made up. */
export function genuineSections(sections: Sections): Sections {
  const of = <Name extends Degradation>(name: Name): Sections[Name] => {
    const record: DegradationRecord<Sections[Name]> = RECORDS[name];
    return record.genuine?.(sections[name]) ?? sections[name];
  };
  const names = Object.keys(RECORDS) as Degradation[];
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Sections;
}
