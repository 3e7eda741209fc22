/**
 * What a network shows when it is tried: whether its numbers are finite, in which range it works, which sizes it takes, and how
 * far it looks.
 *
 * @module
 */
import { createRaster, type Raster } from '../../image/raster.ts';
import { RANGES, type Range } from './descriptor.ts';
import type { OnnxModel } from './onnx-model.ts';
import type { Reading } from './reading.ts';

/** Side of what free networks are tried with, in pixels: room for a tile of 128 at a place that every multiple has. */
const WHOLE = 192;
const PART = 128;
const OFFSET = WHOLE - PART;
/** Multiples that networks have. */
const MULTIPLES = [1, 2, 4, 8, 16, 32, 64] as const;
/** One grey level. */
const LEVEL = 1 / 255;
/** Mean difference from the picture up to which a network is said to leave a clean picture as it is. */
const ALIKE = 0.1;
/** Largest mean difference with which another range than the usual one is believed: a network that fails in one may fail less in another. */
const SURE = 0.03;

export interface Probe {
  /** Whether all values were finite numbers. */
  readonly finite: boolean;
  /** Mean absolute difference from what went in, 0..1, of a flat, a rising and a textured picture. */
  readonly difference: { readonly flat: number; readonly ramp: number; readonly texture: number };
  /** Whether it leaves clean pictures nearly as they are, as restorers do. */
  readonly identityLike: boolean;
  /** Range and residual with which it does so best. */
  readonly range: Range;
  readonly residual: Reading['residual'];
  /** Sizes it takes; undefined where none of them worked, or it takes one only. */
  readonly multiple: number | undefined;
  /** Pixels from a tile's edge within which it differs from the whole picture by more than a grey level. */
  readonly halo: number;
  /** Largest difference beyond that, in grey levels: above 1 where it looks at the whole picture. */
  readonly seam: number;
  /** Seconds for a megapixel. */
  readonly seconds: number;
}

/** Flat grey, a ramp from black to white, and waves of all lengths with some noise. */
export const pictures = {
  flat: (side: Side) => fill(side, () => 0.5),
  ramp: (side: Side) => fill(side, (x, y) => (x + y) / (side.width + side.height)),
  texture: (side: Side) =>
    fill(side, (x, y, c) => {
      const wave =
        Math.sin(0.05 * x + c) + Math.cos(0.09 * y - c) + 0.6 * Math.sin(0.7 * x + 0.5 * y) * Math.cos(0.31 * y);
      return 0.5 + 0.15 * wave + 0.06 * (hash(x, y, c) - 0.5);
    }),
} as const;

type Side = Pick<Raster, 'width' | 'height'>;

/** A number 0..1 by place. */
function hash(x: number, y: number, c: number): number {
  const mixed = Math.imul(x * 374761393 + y * 668265263 + c * 974634217, 1274126177);
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32;
}

function fill({ width, height }: Side, value: (x: number, y: number, c: number) => number): Raster {
  const raster = createRaster(width, height);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) raster.data[(c * height + y) * width + x] = value(x, y, c);
  return raster;
}

/** The part of a picture that begins at a place. */
function part({ width, height, data }: Raster, at: number, side: number): Raster {
  const raster = createRaster(side, side);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        raster.data[(c * side + y) * side + x] = data[(c * height + y + at) * width + x + at] as number;
  return raster;
}

function meanDifference(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] as number) - (b[i] as number));
  return sum / a.length;
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
  const identityLike = Object.values(difference).every((value) => value < ALIKE);
  const { range, residual } = best;
  const finite =
    whole.every(Number.isFinite) && Number.isFinite(difference.flat + difference.ramp + difference.texture);
  return { finite, difference, identityLike, range, residual, multiple: free?.multiple, halo, seam, seconds };
}

type Run = (tile: Raster, as?: OnnxModel) => Promise<Float32Array>;

/** The range, and whether the output is a residual, with which a clean picture comes out most like it went in. */
async function bestReading(model: OnnxModel, texture: Raster, run: Run) {
  const { stated, scaling } = model;
  // What the file's types say is no guess, and another reading that happens to look alike would be wrong.
  const ranges = scaling.guessed.includes('range') ? RANGES : [scaling.range];
  const same = scaling.outputRange === scaling.range;
  const outputRanges = (range: Range) =>
    scaling.guessed.includes('outputRange') ? RANGES : [same ? range : scaling.outputRange];
  const residuals = stated.residual === undefined ? (['none', 'removed'] as const) : [stated.residual];
  let best: { as: OnnxModel; range: Range; residual: Reading['residual']; difference: number } | undefined;
  for (const residual of residuals)
    for (const range of ranges)
      for (const outputRange of outputRanges(range)) {
        const as = model.readAs({ range, outputRange, residual });
        const difference = meanDifference(await run(texture, as), texture.data);
        const better = best !== undefined && difference < Math.min(SURE, best.difference / 4);
        if (best === undefined || better) best = { as, range, residual, difference };
      }
  return best ?? { as: model, range: RANGES[0], residual: 'none' as const, difference: Number.NaN };
}

/** Multiple and halo of a network for any size: parts of a picture are compared with the whole. */
async function probeSizes(
  model: OnnxModel,
  run: Run,
): Promise<{ readonly multiple: number | undefined; readonly halo: number; readonly seam: number }> {
  const picture = pictures.texture({ width: WHOLE + PART, height: WHOLE + PART });
  const attempt = (tile: Raster) => run(tile, model).catch(() => undefined);
  const wholeOf = part(picture, 0, WHOLE);
  const whole = await attempt(wholeOf);
  const cut = whole && (await attempt(part(picture, OFFSET, PART)));
  if (whole === undefined || cut === undefined)
    return { multiple: undefined, halo: model.tiling.halo, seam: Number.NaN };
  const { halo, seam } = edgeOf(whole, cut, OFFSET);
  for (const multiple of MULTIPLES) {
    if (multiple === MULTIPLES.at(-1)) return { multiple, halo, seam };
    // A part that begins and ends at an odd multiple: the size has to be taken, and the result must not depend on the place.
    const side = PART - multiple;
    const moved = await attempt(part(picture, multiple, side));
    const alike = moved && centreDifference(whole, moved, multiple, side) <= Math.max(LEVEL, 1.5 * seam * LEVEL);
    if (alike) return { multiple, halo, seam };
  }
  return { multiple: undefined, halo, seam };
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

/** In the middle of the part, as far from its edges as it gets. */
function centreDifference(whole: Float32Array, moved: Float32Array, at: number, side: number): number {
  const centre = Math.floor(side / 2);
  let most = 0;
  for (let c = 0; c < 3; c++)
    for (let y = centre - 4; y < centre + 4; y++)
      for (let x = centre - 4; x < centre + 4; x++) {
        const other = whole[(c * WHOLE + y + at) * WHOLE + x + at] as number;
        most = Math.max(most, Math.abs((moved[(c * side + y) * side + x] as number) - other));
      }
  return most;
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
