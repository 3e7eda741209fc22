/**
 * How long a restoration will take on this device.
 *
 * @module
 */
import { type AnyModel, isPlain, type PlainModel, type RestorationModel } from '../models/model.ts';
import { condition } from '../restore/conditioning.ts';
import { symmetriesFor } from '../restore/ensemble.ts';
import type { RestoreSettings } from '../restore/options.ts';
import { overlapFor } from '../restore/overlap.ts';
import { planTiles } from '../restore/tiles.ts';

/** Side of the tile that is measured, pixels: 1/64 of a megapixel. */
const SIDE = 128;

/** Pixels that the network works on in all of its passes: tiles overlap, and are padded at the edges. */
export function networkPixels(
  { width, height }: { readonly width: number; readonly height: number },
  settings: RestoreSettings,
  model: Pick<AnyModel, 'tiling' | 'tileSquares'>,
): number {
  const { steps, samples, ensemble } = settings;
  const { x, y } = planTiles(width, height, settings.tile, overlapFor(settings), model);
  const pixels = x.side * x.starts.length * y.side * y.starts.length;
  return pixels * steps * samples * (ensemble ? symmetriesFor([]).length : 1);
}

/**
 * Network pixels a millisecond, by a small tile. The first pass is not counted: it makes ready what later ones find.
 */
export async function measureSpeed(model: AnyModel, signal: AbortSignal): Promise<number> {
  const { pixels, pass } = isPlain(model) ? plainPass(model, signal) : await guidedPass(model, signal);
  await pass();
  const started = performance.now();
  await pass();
  return pixels / Math.max(1, performance.now() - started);
}

/** A pass of the network, and over how many pixels it goes. */
interface Pass {
  readonly pixels: number;
  readonly pass: () => Promise<unknown>;
}

function plainPass(model: PlainModel, signal: AbortSignal): Pass {
  const { fixed, multiple } = model.tiling;
  const side = multiple * Math.ceil(SIDE / multiple);
  const { width, height } = fixed ?? { width: side, height: side };
  const data = new Float32Array(3 * width * height).fill(0.5);
  return { pixels: width * height, pass: () => model.restoreTile({ width, height, data }, { signal }) };
}

async function guidedPass(model: RestorationModel, signal: AbortSignal): Promise<Pass> {
  const grey = { width: SIDE, height: SIDE, channels: 3 as const, data: new Uint8Array(3 * SIDE ** 2).fill(128) };
  const { guidance } = await condition(model, grey, { prompt: '', strengths: {} }, signal);
  const mu = new Float32Array(3 * SIDE ** 2).fill(0.5);
  const pass = () => model.predict({ width: SIDE, height: SIDE, x: mu, mu, t: 1, guidance, signal });
  return { pixels: SIDE ** 2, pass };
}
