/**
 * How long a restoration will take on this device.
 *
 * @module
 */
import type { RestorationModel } from '../models/model.ts';
import { condition } from '../restore/conditioning.ts';
import type { RestoreSettings } from '../restore/options.ts';
import { planTiles } from '../restore/tiles.ts';

/** Side of the tile that is measured, pixels: 1/64 of a megapixel. */
const SIDE = 128;

/** Pixels that the network works on in all of its passes: tiles overlap, and are padded at the edges. */
export function networkPixels(
  model: Pick<RestorationModel, 'tileSquares'>,
  { width, height }: { readonly width: number; readonly height: number },
  { tile, overlap, steps, samples, ensemble }: RestoreSettings,
): number {
  const { x, y } = planTiles(width, height, tile, overlap, model);
  const pixels = x.side * x.starts.length * y.side * y.starts.length;
  return pixels * steps * samples * (ensemble ? 8 : 1);
}

/**
 * Network pixels a millisecond, by a small tile. The first pass is not counted: it makes ready what later ones find.
 */
export async function measureSpeed(model: RestorationModel, signal: AbortSignal): Promise<number> {
  const grey = { width: SIDE, height: SIDE, channels: 3 as const, data: new Uint8Array(3 * SIDE ** 2).fill(128) };
  const { guidance } = await condition(model, grey, { prompt: '', strengths: {} }, signal);
  const mu = new Float32Array(3 * SIDE ** 2).fill(0.5);
  const pass = () => model.predict({ width: SIDE, height: SIDE, x: mu, mu, t: 1, guidance, signal });
  await pass();
  const started = performance.now();
  await pass();
  return SIDE ** 2 / Math.max(1, performance.now() - started);
}
