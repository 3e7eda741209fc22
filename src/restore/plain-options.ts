/**
 * The options of a restoration by a plain network: those that it does not have are refused, never left out in silence.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import { type PlainModel, TILE_BLEND, type Tiling } from '../models/model.ts';
import { type StrengthOption, strengthsOf } from './strengths.ts';
import { MAX_TILE, MIN_TILE } from './tiles.ts';

/** Options of diffusion models, with the value that says nothing. */
const GUIDANCE: Readonly<Record<string, unknown>> = {
  prompt: '',
  steps: undefined,
  sampler: undefined,
  seed: 0,
  samples: 1,
  strength: '',
  saveStates: false,
};

/** Throws INVALID_OPTION for an option that only a diffusion model has. */
export function refuseGuidance(
  { name, takesNoiseLevel }: PlainModel,
  options: Readonly<Record<string, unknown>>,
): void {
  const says = (option: string) => {
    // The noise level is a strength like that of a diffusion model.
    if (option === 'strength' && takesNoiseLevel) return false;
    const value = options[option];
    return value !== GUIDANCE[option] && !(typeof value === 'object' && Object.keys(value ?? {}).length === 0);
  };
  const given = Object.keys(GUIDANCE).filter(says);
  if (given.length === 0) return;
  const message = `expected no ${given.join(', ')} for the plain network ${name}, received ${given.map((option) => JSON.stringify(options[option])).join(', ')}`;
  throw new ClearwordError('INVALID_OPTION', message, {
    fix: 'Leave these options out: a plain network takes neither words nor steps, and gives one result; diffusion models have them.',
  });
}

/** The noise level that somebody said, 0..1 of the most. Errors: INVALID_OPTION. */
export const plainStrengths = ({ name, takesNoiseLevel }: PlainModel, option: StrengthOption) =>
  strengthsOf({ name, degradations: ['noise'], takesStrengths: takesNoiseLevel }, option);

/** Side and overlap of the tiles. Errors: INVALID_OPTION, for a side that the network does not take. */
export function plainTile(
  { name, defaultTile, tiling: { multiple, halo, fixed } }: PlainModel,
  given: { readonly tile?: number | undefined; readonly overlap?: number | undefined; readonly ensemble: boolean },
): { readonly tile: number; readonly overlap: number } {
  const fail = (expected: string, option: string, received: unknown): never => {
    throw new ClearwordError('INVALID_OPTION', `expected ${expected} for ${option}, received ${received}`);
  };
  if (fixed !== undefined) {
    const size = `${fixed.width} x ${fixed.height}`;
    if (given.tile !== undefined) fail(`none, because ${name} takes tiles of ${size} only,`, 'tile', given.tile);
    if (given.ensemble && fixed.width !== fixed.height)
      fail(`false, because ${name} takes tiles of ${size} only,`, 'ensemble', true);
  }
  const least = Math.max(MIN_TILE, multiple);
  const tile = fixed ? Math.min(fixed.width, fixed.height) : (given.tile ?? Math.max(least, defaultTile));
  if (fixed === undefined && tile < least) fail(`an integer in ${least}..${MAX_TILE}`, 'tile', tile);
  const most = Math.floor(Math.max(tile, fixed?.width ?? 0, fixed?.height ?? 0) / 2);
  return { tile, overlap: given.overlap ?? Math.min(2 * halo + TILE_BLEND, most) };
}

/** Widest halo that tiles of at most this side have room for: half of a tile may be shared with a neighbour. */
export function widestHalo(tile: number, { multiple, fixed }: Pick<Tiling, 'multiple' | 'fixed'>): number {
  const side = fixed ? Math.min(fixed.width, fixed.height) : multiple * Math.floor(tile / multiple);
  return Math.floor(Math.min(side / 2, multiple * Math.floor((side - 1) / multiple)) / 2);
}
