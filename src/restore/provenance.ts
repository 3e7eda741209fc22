/**
 * What was done to a picture, so that it can be told apart from the original and made again.
 *
 * @module
 */
import { wordsFor } from '../degradations/index.ts';
import { type AnyModel, isPlain } from '../models/model.ts';
import { VERSION } from '../version.ts';
import type { RestoreSettings } from './options.ts';
import type { TileShape } from './tiles.ts';

/** Written into the XMP of every result (namespace https://clearword.dev/ns/1.0/) and given as JSON. */
export interface Provenance {
  readonly software: 'Clearword';
  readonly version: string;
  readonly model: string;
  /** SHA-256 of the weights, hex. */
  readonly modelHash: string;
  readonly prompt: string;
  readonly seed: number;
  /** 1 for a plain network, which works in one. */
  readonly steps: number;
  /** `none` for a plain network. */
  readonly sampler: string;
  readonly samples: number;
  /** Width x height of the tiles in pixels, such as "512x384"; with `overlap` part of what decides the bytes. */
  readonly tile: string;
  readonly overlap: number;
  /** Present where the result is the mean over flips and turns. */
  readonly ensemble?: 'yes';
  /** Percent of the change that was made, where not all of it was. */
  readonly amount?: number;
  /** Strengths that somebody said, in the units of the option, such as "noise=12,haze=40". */
  readonly strength?: string;
  /** Of a plain network: how its input was made and its output read, such as "rgb, 0..1, halo 32". */
  readonly reading?: string;
}

/** Strengths 0..1 as the option has them. */
const strengthText = (strengths: RestoreSettings['strengths']): string =>
  Object.entries(strengths)
    // Six digits: dividing by the full strength and multiplying again leaves rounding errors behind them.
    .map(([name, value]) => `${name}=${Number((value * wordsFor(name).strength.full).toPrecision(6))}`)
    .join(',');

export function provenanceOf(model: AnyModel, settings: RestoreSettings, tile: TileShape): Provenance {
  return {
    software: 'Clearword',
    version: VERSION,
    model: model.name,
    modelHash: model.hash,
    prompt: settings.prompt,
    seed: settings.seed,
    steps: settings.steps,
    sampler: settings.sampler,
    samples: settings.samples,
    tile: `${tile.width}x${tile.height}`,
    overlap: tile.overlap,
    ...(settings.ensemble && { ensemble: 'yes' as const }),
    ...(settings.amount !== 1 && { amount: Number((100 * settings.amount).toPrecision(6)) }),
    ...(Object.keys(settings.strengths).length > 0 && { strength: strengthText(settings.strengths) }),
    ...(isPlain(model) && { reading: model.reading }),
  };
}
