/**
 * What a network shows when it is tried: whether its numbers are finite, in which range it works, which sizes it takes, and how
 * far it looks.
 *
 * @module
 */
import type { Raster } from '../../image/raster.ts';
import { RANGES, type Range } from './descriptor.ts';
import type { OnnxModel } from './onnx-model.ts';
import { MIDDLE, meanDifference, middleDifference, noisy, part, pictures, type Side } from './probe-pictures.ts';
import type { Reading } from './reading.ts';

/** Side of what free networks are tried with, in pixels: room for a tile of 128 at a place that every multiple has. */
const WHOLE = 192;
const PART = 128;
const OFFSET = WHOLE - PART;
/** Multiples that networks have; else it is that of the offset. */
const MULTIPLES = [1, 2, 4, 8, 16, 32] as const;
/** One grey level. */
const LEVEL = 1 / 255;
/** Mean difference from the picture up to which a network is said to leave a clean picture as it is. */
const ALIKE = 0.1;
/** Largest mean difference with which another range than the usual one is believed: a network that fails in one may fail less in another. */
const SURE = 0.03;

/** Share of the noise up to which a residual that is added is believed, where less of it is left than if it was subtracted. */
const SIGNED = 0.9;

export interface Probe {
  /** Whether all values were finite numbers. */
  readonly finite: boolean;
  /** Mean absolute difference from what went in, 0..1, of a flat, a rising and a textured picture. */
  readonly difference: { readonly flat: number; readonly ramp: number; readonly texture: number };
  /** Whether it leaves clean pictures nearly as they are, as restorers do. */
  readonly identityLike: boolean;
  /** Ranges and residual with which it does so best. */
  readonly range: Range;
  readonly outputRange: Range;
  readonly residual: Reading['residual'];
  /** Sizes it takes; undefined where none of them worked, or it takes one only. */
  readonly multiple: number | undefined;
  /** Pixels from a tile's edge within which it differs from the whole picture by more than a grey level. */
  readonly halo: number;
  /** Largest difference beyond that, in grey levels: above 1 where it looks at the whole picture. */
  readonly seam: number;
  /**
   * A picture moved by so many pixels gives a result moved by as many, but for a difference of so many grey levels in its middle:
   * above 1, tiles at multiples of them do not show the same. Undefined where no picture could be moved.
   */
  readonly shift: { readonly by: number; readonly difference: number } | undefined;
  /** Seconds for a megapixel. */
  readonly seconds: number;
}

/** Tries a network. Errors: RUNTIME_FAILED where it takes no picture at all, MODEL_INVALID where it changes the size. */
export async function probeModel(model: OnnxModel, signal?: AbortSignal): Promise<Probe> {
  const { fixed, multiple } = model.tiling;
  const grain = (side: number) => multiple * Math.ceil(side / multiple);
  const size = fixed ?? { width: grain(WHOLE), height: grain(WHOLE) };
  const texture = pictures.texture(size);
  const run = (tile: Raster, as = model) => as.restoreTile(tile, { signal });
  await run(texture);
  const started = performance.now();
  const whole = await run(texture);
  const seconds = ((performance.now() - started) / 1000 / (size.width * size.height)) * 1e6;
  const best = await bestReading(model, texture, run);
  const difference = {
    flat: meanDifference(await run(pictures.flat(size), best.as), pictures.flat(size).data),
    ramp: meanDifference(await run(pictures.ramp(size), best.as), pictures.ramp(size).data),
    texture: best.difference,
  };
  const free = fixed === undefined ? await probeSizes(best.as, run) : undefined;
  const { halo, seam } = free ?? (await reach(best.as, texture, run));
  const shift = fixed === undefined ? free?.shift : await shifted(best.as, size, run);
  const identityLike = Object.values(difference).every((value) => value < ALIKE);
  const { range, outputRange, residual } = best;
  const finite =
    whole.every(Number.isFinite) && Number.isFinite(difference.flat + difference.ramp + difference.texture);
  const reading = { range, outputRange, residual, multiple: free?.multiple, halo, seam, shift };
  return { finite, difference, identityLike, ...reading, seconds };
}

type Run = (tile: Raster, as?: OnnxModel) => Promise<Float32Array>;

/** The range, and whether the output is a residual, with which a clean picture comes out most like it went in. */
async function bestReading(model: OnnxModel, texture: Raster, run: Run): Promise<Best> {
  const { stated, scaling } = model;
  // What the file's types say is no guess, and another reading that happens to look alike would be wrong.
  const ranges = scaling.guessed.includes('range') ? RANGES : [scaling.range];
  const same = scaling.outputRange === scaling.range;
  const outputRanges = (range: Range) =>
    scaling.guessed.includes('outputRange') ? RANGES : [same ? range : scaling.outputRange];
  const residuals = stated.residual === undefined ? (['none', 'removed'] as const) : [stated.residual];
  let best: Best | undefined;
  for (const residual of residuals)
    for (const range of ranges)
      for (const outputRange of outputRanges(range)) {
        const as = model.readAs({ range, outputRange, residual });
        const difference = meanDifference(await run(texture, as), texture.data);
        const better = best !== undefined && difference < Math.min(SURE, best.difference / 4);
        if (best === undefined || better) best = { as, range, outputRange, residual, difference };
      }
  if (best === undefined) return { ...scaling, as: model, residual: 'none', difference: Number.NaN };
  return best.residual === 'removed' && stated.residual === undefined ? signed(best, texture, run) : best;
}

interface Best extends Pick<Probe, 'range' | 'outputRange' | 'residual'> {
  readonly as: OnnxModel;
  readonly difference: number;
}

/**
 * A clean picture does not tell what is to be subtracted from what is to be added: of a noisy one the right sign leaves less noise,
 * the wrong one more.
 */
async function signed(best: Best, texture: Raster, run: Run): Promise<Best> {
  const dirty = noisy(texture);
  const as = best.as.readAs({ residual: 'added' });
  const [removed, added] = [await run(dirty, best.as), await run(dirty, as)].map((result) =>
    meanDifference(result, texture.data),
  ) as [number, number];
  return added < SIGNED * removed
    ? { ...best, as, residual: 'added', difference: meanDifference(await run(texture, as), texture.data) }
    : best;
}

interface Sizes extends Pick<Probe, 'multiple' | 'halo' | 'seam' | 'shift'> {}

/** Multiple and halo of a network for any size: parts of a picture are compared with the whole. */
async function probeSizes(model: OnnxModel, run: Run): Promise<Sizes> {
  const picture = pictures.texture(square(WHOLE + PART));
  const attempt = async (tile: Raster): Promise<Raster | undefined> => {
    const data = await run(tile, model).catch(() => undefined);
    return data && { ...tile, data };
  };
  const whole = await attempt(part(picture, 0, square(WHOLE)));
  const cut = whole && (await attempt(part(picture, OFFSET, square(PART))));
  if (whole === undefined || cut === undefined) {
    return { multiple: undefined, halo: model.tiling.halo, seam: Number.NaN, shift: undefined };
  }
  const { halo, seam } = edgeOf(whole.data, cut.data, OFFSET);
  for (const multiple of MULTIPLES) {
    // A part that begins and ends at an odd multiple: the size has to be taken, and the result must not depend on the place.
    const moved = await attempt(part(picture, multiple, square(PART - multiple)));
    const difference = moved ? middleDifference(whole, moved, multiple) / LEVEL : Number.POSITIVE_INFINITY;
    if (difference <= Math.max(1, 1.5 * seam)) return { multiple, halo, seam, shift: { by: multiple, difference } };
  }
  // The sizes that have worked are multiples of the largest.
  const shift = { by: OFFSET, difference: middleDifference(whole, cut, OFFSET) / LEVEL };
  return { multiple: OFFSET, halo, seam, shift };
}

const square = (side: number): Side => ({ width: side, height: side });

/** A network of one size: tiles of a larger picture, where it says that they may begin. */
async function shifted(model: OnnxModel, size: Side, run: Run): Promise<Probe['shift']> {
  const by = model.tiling.multiple;
  if (Math.min(size.width, size.height) / 2 < by + MIDDLE) return undefined;
  const picture = pictures.texture({ width: size.width + by, height: size.height + by });
  const tile = async (at: number): Promise<Raster> => {
    const cut = part(picture, at, size);
    return { ...cut, data: await run(cut, model) };
  };
  return { by, difference: middleDifference(await tile(0), await tile(by), by) / LEVEL };
}

/** Largest difference of a part from the whole in each column and row from the part's upper left edges on. */
function edgeOf(whole: Float32Array, cut: Float32Array, at: number): { readonly halo: number; readonly seam: number } {
  const worst = new Float64Array(PART);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < PART; y++)
      for (let x = 0; x < PART; x++) {
        const difference = Math.abs(
          (cut[(c * PART + y) * PART + x] as number) - (whole[(c * WHOLE + y + at) * WHOLE + x + at] as number),
        );
        const distance = Math.min(x, y);
        worst[distance] = Math.max(worst[distance] as number, difference);
      }
  return withinLevel(worst.subarray(0, PART / 2));
}

/** The distance from which on everything is within a level; the largest that is tried where nothing is. */
function withinLevel(worst: Float64Array): { readonly halo: number; readonly seam: number } {
  const last = worst.findLastIndex((difference) => !(difference <= LEVEL));
  const halo = last + 1;
  const rest = worst.subarray(Math.min(halo, worst.length - 1));
  return { halo, seam: Math.max(...rest) / LEVEL };
}

/** How far a network of one size looks: the left half is replaced, and the right half looked at. */
async function reach(
  model: OnnxModel,
  texture: Raster,
  run: Run,
): Promise<{ readonly halo: number; readonly seam: number }> {
  const { width } = texture;
  const half = Math.floor(width / 2);
  const changed = { ...texture, data: texture.data.map((value, i) => (i % width < half ? 1 - value : value)) };
  const [before, after] = [await run(texture, model), await run(changed, model)];
  const worst = new Float64Array(width - half);
  before.forEach((value, i) => {
    const distance = (i % width) - half;
    if (distance >= 0) worst[distance] = Math.max(worst[distance] as number, Math.abs(value - (after[i] as number)));
  });
  return withinLevel(worst);
}
