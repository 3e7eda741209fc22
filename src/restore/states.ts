/**
 * The states of the diffusion as a strip: Figure 1 of the paper, for one's own picture.
 *
 * @module
 */

import { weightedSum } from '../diffusion/weighted-sum.ts';
import type { Picture } from '../image/picture.ts';
import type { RestorationModel } from '../models/model.ts';
import { reduce, sideBySide } from './comparison.ts';
import { condition } from './conditioning.ts';
import { coverHiddenColours } from './hidden-colours.ts';
import type { RestoreSettings } from './options.ts';
import { overlapFor } from './overlap.ts';
import { readTile, sourceIndices, writeTile } from './tile-pixels.ts';
import { planSampling, sampleTile, tileNoise } from './tile-sampler.ts';
import { planTiles } from './tiles.ts';

/** States in a strip, first and last included. */
const MOST_STATES = 8;
/** Pixels of white between two states. */
const LINE = 2;

export interface StatesStrip {
  /** 8-bit RGB: the degraded picture, then the states from t = T to t = 0. */
  readonly picture: Picture;
  /** The times of the states, falling from T to 0. */
  readonly times: readonly number[];
}

/**
 * Restores a view of the picture that fits in one tile (reduced by a whole factor where it is larger) and shows the
 * states x_t at up to eight times.
 */
export async function statesStrip(
  model: RestorationModel,
  picture: Picture,
  settings: RestoreSettings,
  signal?: AbortSignal,
): Promise<StatesStrip> {
  const side = settings.tile;
  const factor = Math.ceil(Math.max(picture.width, picture.height) / side);
  const view = reduce(coverHiddenColours(picture), factor);
  const sampling = planSampling(model, settings);
  const conditioning = await condition(model, view, settings, signal);
  const tiles = planTiles(view.width, view.height, side, overlapFor(settings), model);
  const place = { columns: sourceIndices(tiles.x, 0), rows: sourceIndices(tiles.y, 0), imageWidth: view.width };
  const mu = readTile(view, place.columns, place.rows);

  const z = tileNoise(place, settings.seed, 0);
  const states = [{ t: sampling.sde.T, x: weightedSum(sampling.sde.initialState(), { mu: mu.data, z }) }];
  const wanted = new Set(
    Array.from({ length: MOST_STATES - 1 }, (_, i) => Math.round(((i + 1) * sampling.steps) / (MOST_STATES - 1))),
  );
  await sampleTile({ ...sampling, conditioning, signal }, mu, place, settings.seed, ({ step, t, x }) => {
    if (wanted.has(step)) states.push({ t, x: new Float32Array(x) });
  });
  const shown = [mu.data, ...states.map(({ x }) => x)].map((x) => writeTile(x, mu, view));
  return { picture: sideBySide(shown as [Picture, ...Picture[]], LINE), times: states.map(({ t }) => t) };
}
