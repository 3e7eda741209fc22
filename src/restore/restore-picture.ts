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
import { inOrder } from './in-order.ts';
import type { RestoreSettings } from './options.ts';
import { overlapFor } from './overlap.ts';
import type { Decision } from './policy.ts';
import { SampleCollector, type SamplePictures, unchanged } from './sample-statistics.ts';
import { isVisible, readTile, sourceIndices, writeTile } from './tile-pixels.ts';
import { restorerFor } from './tile-restorer.ts';
import { planSampling } from './tile-sampler.ts';
import { type AxisPlan, planTiles, type TilePlan, type TileShape } from './tiles.ts';

/** While the network computes one tile, the next one is prepared and the one before is added to the picture. */
const TILES_UNDER_WAY = 2;

/** How far the work is. */
export interface Progress {
  readonly stage: 'inspect' | 'restore';
  /** 0..1 of the whole restoration. */
  readonly fraction: number;
}

/** A rectangle of the picture, in its pixels. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Hooks {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Called when it is known what is done with the picture; the tiles wait for it. */
  readonly onDecision?: ((decision: Decision) => Promise<void>) | undefined;
  /**
   * Called with each tile of the first sample as soon as it is done, before neighbours are blended and before `amount` is
   * applied: 8-bit RGB.
   */
  readonly onTile?: ((area: Area, tile: Picture) => void) | undefined;
  /** Tiles that touch this are restored first; the result is the same. */
  readonly first?: Area | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Results that may wait for their row, [3, side, side] floats: 48 MB of tiles of 512. */
const MOST_EARLY = 16;

export interface Restoration extends SamplePictures {
  readonly findings: Findings;
  /** What was done, and why. */
  readonly decision: Decision;
  readonly tile: TileShape;
}

/** Whether a picture can be restored so at all, before one is read. Errors: INVALID_OPTION. */
export function checkSettings(model: AnyModel, settings: RestoreSettings): void {
  if (!isPlain(model)) planSampling(model, settings);
  planTiles(1, 1, settings.tile, overlapFor(settings), model);
}

/**
 * Restores a picture of any size. Tiles go through all steps, two at a time, so memory holds the picture in and out at its own
 * depth, two tiles and one band of rows. Sample k is the one that seed + k gives alone.
 *
 * Errors: INVALID_OPTION, NON_FINITE, RUNTIME_FAILED, CANCELLED.
 */
export async function restorePicture(
  model: AnyModel,
  picture: Picture,
  settings: RestoreSettings,
  { onProgress, onDecision, onTile, first, signal }: Hooks = {},
): Promise<Restoration> {
  checkSettings(model, settings);
  onProgress?.({ stage: 'inspect', fraction: 0 });
  const covered = coverHiddenColours(picture);
  const restorer = await restorerFor(model, covered, settings, signal);
  const { findings, decision, passes } = restorer;
  await onDecision?.(decision);
  const overlap = overlapFor(settings, isPlain(model) || !model.careful ? [] : decision.removing);
  const tiles = planTiles(picture.width, picture.height, settings.tile, overlap, model);
  const tile = { width: tiles.x.side, height: tiles.y.side, overlap };
  if (decision.status === 'unchanged' || settings.amount === 0) {
    onProgress?.({ stage: 'restore', fraction: 1 });
    return { ...unchanged(picture, settings.samples), findings, decision: { ...decision, status: 'unchanged' }, tile };
  }

  const collector = new SampleCollector(picture, settings.samples, settings.amount);
  const band = new FeatherBand(tiles, picture.channels, settings.samples, (y, rows) => collector.addRow(y, rows));
  const total = tiles.x.starts.length * tiles.y.starts.length * settings.samples * passes;
  let done = 0;
  const onPass = () => onProgress?.({ stage: 'restore', fraction: ++done / total });
  /** Each sample of each of these tiles; what is there already is taken as it is. */
  function* tasks(places: Iterable<readonly [tx: number, ty: number]>, ready?: ReadonlyMap<string, Float32Array[]>) {
    for (const [tx, ty] of places) {
      const there = ready?.get(`${tx},${ty}`);
      const { columns, rows } = tileAt(tiles, tx, ty);
      const mu = there ? undefined : readTile(covered, columns, rows);
      const visible = isVisible(picture, columns, rows);
      const place = { columns, rows, imageWidth: picture.width };
      for (let sample = 0; sample < settings.samples; sample++) {
        yield async () => {
          throwIfCancelled(signal, 'the restoration');
          if (mu === undefined) return { sample, tx, ty, restored: there?.[sample] as Float32Array };
          const restored = visible ? await restorer.restore(mu, place, settings.seed + sample, onPass) : mu.data;
          // A cancellation during the last tile counts as well.
          throwIfCancelled(signal, 'the restoration');
          if (!visible) done += passes;
          if (sample === 0 && onTile) {
            const area = { x: columns[0] as number, y: rows[0] as number, ...insideOf(tiles, tx, ty) };
            onTile(area, writeTile(restored, mu, area));
          }
          return { sample, tx, ty, restored };
        };
      }
    }
  }
  // A tile that is restored out of turn waits here for its row.
  const early = new Map<string, Float32Array[]>();
  for await (const { tx, ty, restored } of inOrder(tasks(tilesOn(tiles, first, settings.samples)), TILES_UNDER_WAY)) {
    const key = `${tx},${ty}`;
    early.set(key, [...(early.get(key) ?? []), restored]);
  }
  for await (const { sample, tx, ty, restored } of inOrder(tasks(placesOf(tiles), early), TILES_UNDER_WAY)) {
    band.moveTo(ty);
    band.add(sample, tx, ty, restored);
    if (sample === settings.samples - 1) early.delete(`${tx},${ty}`);
  }
  // Also where the last tiles were under way: who cancelled gets no result.
  throwIfCancelled(signal, 'the restoration');
  band.finish();
  return { ...collector.pictures(), findings, decision, tile };
}

/** Places of all tiles, row by row. */
function* placesOf({ x, y }: TilePlan): Generator<readonly [tx: number, ty: number]> {
  for (const ty of y.starts.keys()) for (const tx of x.starts.keys()) yield [tx, ty];
}

function tileAt(tiles: TilePlan, tx: number, ty: number): { columns: Int32Array; rows: Int32Array } {
  return { columns: sourceIndices(tiles.x, tx), rows: sourceIndices(tiles.y, ty) };
}

/** Pixels of the picture that a tile shows. */
function insideOf({ x, y }: TilePlan, tx: number, ty: number): { readonly width: number; readonly height: number } {
  const inside = (axis: AxisPlan, tile: number) => Math.min(axis.side, axis.length - (axis.starts[tile] as number));
  return { width: inside(x, tx), height: inside(y, ty) };
}

/** Places of the tiles that touch an area, from its middle outwards, as many as may wait. */
function tilesOn({ x, y }: TilePlan, area: Area | undefined, samples: number): [tx: number, ty: number][] {
  if (area === undefined) return [];
  const touched = ({ starts, side }: AxisPlan, from: number, length: number) =>
    [...starts.keys()].filter((i) => (starts[i] as number) < from + length && (starts[i] as number) + side > from);
  const away = ({ starts, side }: AxisPlan, tile: number, middle: number) =>
    Math.abs((starts[tile] as number) + side / 2 - middle);
  const distance = ([tx, ty]: [number, number]) =>
    away(x, tx, area.x + area.width / 2) + away(y, ty, area.y + area.height / 2);
  return touched(y, area.y, area.height)
    .flatMap((ty) => touched(x, area.x, area.width).map((tx): [number, number] => [tx, ty]))
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, Math.floor(MOST_EARLY / samples));
}
