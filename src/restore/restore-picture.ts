/**
 * The restoration of one picture: condition once, sample tile by tile, blend.
 *
 * @module
 */
import { throwIfCancelled } from '../errors.ts';
import type { Picture } from '../image/picture.ts';
import { type AnyModel, type Findings, isPlain } from '../models/model.ts';
import { FeatherBand } from './feather-band.ts';
import { coverHiddenColours } from './hidden-colours.ts';
import type { RestoreSettings } from './options.ts';
import type { Decision } from './policy.ts';
import { SampleCollector, type SamplePictures, unchanged } from './sample-statistics.ts';
import { isVisible, readTile, sourceIndices } from './tile-pixels.ts';
import { restorerFor } from './tile-restorer.ts';
import { planSampling } from './tile-sampler.ts';
import { planTiles, type TilePlan } from './tiles.ts';

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

/** Whether a picture can be restored so at all, before one is read. Errors: INVALID_OPTION. */
export function checkSettings(model: AnyModel, settings: RestoreSettings): void {
  if (!isPlain(model)) planSampling(model, settings);
  planTiles(1, 1, settings.tile, settings.overlap, model.tiling);
}

/**
 * Restores a picture of any size. Every tile goes through all steps before the next one, so memory holds the picture in
 * and out at its own depth, one tile and one band of rows. Sample k is the one that seed + k gives alone.
 *
 * Errors: INVALID_OPTION, NON_FINITE, RUNTIME_FAILED, CANCELLED.
 */
export async function restorePicture(
  model: AnyModel,
  picture: Picture,
  settings: RestoreSettings,
  { onProgress, signal }: Hooks = {},
): Promise<Restoration> {
  const tiles = planTiles(picture.width, picture.height, settings.tile, settings.overlap, model.tiling);
  onProgress?.({ stage: 'inspect', fraction: 0 });
  const covered = coverHiddenColours(picture);
  const restorer = await restorerFor(model, covered, settings, signal);
  const { findings, decision, passes } = restorer;
  const tile = { width: tiles.x.side, height: tiles.y.side };
  if (decision.status === 'unchanged' || settings.amount === 0) {
    onProgress?.({ stage: 'restore', fraction: 1 });
    return { ...unchanged(picture, settings.samples), findings, decision: { ...decision, status: 'unchanged' }, tile };
  }

  const collector = new SampleCollector(picture, settings.samples, settings.amount);
  const band = new FeatherBand(tiles, picture.channels, settings.samples, (y, rows) => collector.addRow(y, rows));
  const total = tiles.x.starts.length * tiles.y.starts.length * settings.samples * passes;
  let done = 0;
  const onPass = () => onProgress?.({ stage: 'restore', fraction: ++done / total });
  for (let ty = 0; ty < tiles.y.starts.length; ty++) {
    band.moveTo(ty);
    for (let tx = 0; tx < tiles.x.starts.length; tx++) {
      throwIfCancelled(signal, 'the restoration');
      const { columns, rows } = tileAt(tiles, tx, ty);
      const mu = readTile(covered, columns, rows);
      const visible = isVisible(picture, columns, rows);
      for (let sample = 0; sample < settings.samples; sample++) {
        const place = { columns, rows, imageWidth: picture.width };
        const restored = visible ? await restorer.restore(mu, place, settings.seed + sample, onPass) : mu.data;
        if (!visible) done += passes;
        band.add(sample, tx, ty, restored);
      }
    }
  }
  band.finish();
  return { ...collector.pictures(), findings, decision, tile };
}

function tileAt(tiles: TilePlan, tx: number, ty: number): { columns: Int32Array; rows: Int32Array } {
  return { columns: sourceIndices(tiles.x, tx), rows: sourceIndices(tiles.y, ty) };
}
