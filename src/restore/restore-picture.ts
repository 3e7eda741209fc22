/**
 * The restoration of one picture: condition once, sample tile by tile, blend.
 *
 * @module
 */

import { samplerNamed } from '../diffusion/samplers/index.ts';
import { MeanRevertingSde } from '../diffusion/sde.ts';
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import type { Picture } from '../image/picture.ts';
import type { Findings, RestorationModel } from '../models/model.ts';
import { condition } from './conditioning.ts';
import { ENSEMBLE_PASSES } from './ensemble.ts';
import { FeatherBand } from './feather-band.ts';
import { coverHiddenColours } from './hidden-colours.ts';
import { inOrder } from './in-order.ts';
import type { RestoreSettings } from './options.ts';
import type { Decision } from './policy.ts';
import { SampleCollector, type SamplePictures, unchanged } from './sample-statistics.ts';
import { isVisible, readTile, sourceIndices } from './tile-pixels.ts';
import { type SamplingPlan, sampleTile } from './tile-sampler.ts';
import { planTiles, type TilePlan } from './tiles.ts';

/** While the network computes one tile, the next one is prepared and the one before is added to the picture. */
const TILES_UNDER_WAY = 2;

/** How far the work is. */
export interface Progress {
  readonly stage: 'inspect' | 'restore';
  /** 0..1 of the whole restoration. */
  readonly fraction: number;
}

export interface Hooks {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Restoration extends SamplePictures {
  readonly findings: Findings;
  /** What was done, and why. */
  readonly decision: Decision;
  /** Sides of the tiles, in pixels. */
  readonly tile: { readonly width: number; readonly height: number };
}

/** What the steps of a sampler need, with the model's defaults filled in and checked against its process. */
export function planSampling(
  model: RestorationModel,
  settings: Pick<RestoreSettings, 'steps' | 'sampler'>,
): Pick<SamplingPlan, 'model' | 'sde' | 'sampler' | 'steps'> {
  const sde = new MeanRevertingSde(model.sde);
  const { steps } = settings;
  if (steps > sde.T) {
    throw new ClearwordError('INVALID_OPTION', `expected an integer in 1..${sde.T} for steps, received ${steps}`, {
      fix: `The model ${model.name} was trained with ${sde.T} steps; more do not exist.`,
    });
  }
  return { model, sde, sampler: samplerNamed(settings.sampler), steps };
}

/**
 * Restores a picture of any size. Tiles go through all steps, two at a time, so memory holds the picture in and out at its own
 * depth, two tiles and one band of rows. Sample k is the one that seed + k gives alone.
 *
 * Errors: INVALID_OPTION, NON_FINITE, RUNTIME_FAILED, CANCELLED.
 */
export async function restorePicture(
  model: RestorationModel,
  picture: Picture,
  settings: RestoreSettings,
  { onProgress, signal }: Hooks = {},
): Promise<Restoration> {
  const sampling = planSampling(model, settings);
  const tiles = planTiles(picture.width, picture.height, settings.tile, settings.overlap);
  onProgress?.({ stage: 'inspect', fraction: 0 });
  const covered = coverHiddenColours(picture);
  const conditioning = await condition(model, covered, settings, signal);
  const { findings, decision } = conditioning;
  const tile = { width: tiles.x.side, height: tiles.y.side };
  if (decision.status === 'unchanged' || settings.amount === 0) {
    onProgress?.({ stage: 'restore', fraction: 1 });
    return { ...unchanged(picture, settings.samples), findings, decision: { ...decision, status: 'unchanged' }, tile };
  }

  const collector = new SampleCollector(picture, settings.samples, settings.amount);
  const band = new FeatherBand(tiles, picture.channels, settings.samples, (y, rows) => collector.addRow(y, rows));
  const plan = { ...sampling, conditioning, signal, ensemble: settings.ensemble };
  const passes = sampling.steps * (settings.ensemble ? ENSEMBLE_PASSES : 1);
  const total = tiles.x.starts.length * tiles.y.starts.length * settings.samples * passes;
  let done = 0;
  const onStep = () => onProgress?.({ stage: 'restore', fraction: ++done / total });
  /** Each sample of each tile. */
  function* tasks() {
    for (let ty = 0; ty < tiles.y.starts.length; ty++) {
      for (let tx = 0; tx < tiles.x.starts.length; tx++) {
        const { columns, rows } = tileAt(tiles, tx, ty);
        const mu = readTile(covered, columns, rows);
        const visible = isVisible(picture, columns, rows);
        const place = { columns, rows, imageWidth: picture.width };
        for (let sample = 0; sample < settings.samples; sample++) {
          yield async () => {
            throwIfCancelled(signal, 'the restoration');
            const restored = visible ? await sampleTile(plan, mu, place, settings.seed + sample, onStep) : mu.data;
            if (!visible) done += passes;
            return { sample, tx, ty, restored };
          };
        }
      }
    }
  }
  for await (const { sample, tx, ty, restored } of inOrder(tasks(), TILES_UNDER_WAY)) {
    band.moveTo(ty);
    band.add(sample, tx, ty, restored);
  }
  band.finish();
  return { ...collector.pictures(), findings, decision, tile };
}

function tileAt(tiles: TilePlan, tx: number, ty: number): { columns: Int32Array; rows: Int32Array } {
  return { columns: sourceIndices(tiles.x, tx), rows: sourceIndices(tiles.y, ty) };
}
