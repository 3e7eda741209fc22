/**
 * How a picture is cut into tiles of one size, and how the tiles are laid over each other again.
 *
 * Rows and columns are planned alike, so this is about one axis; a tile's weight at a pixel is the product of its two axis
 * weights. Weights of all tiles sum to 1 at every pixel: blending needs no division.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import type { TileModel, Tiling } from '../models/model.ts';

/**
 * Tiles start at multiples of this, and their sides are multiples of it. Networks fold pixels into channels and halve
 * maps, so that what they do to a pixel depends on its place in a grid (of 8 pixels for `lite`): the grids of all tiles
 * have to coincide. It is also what networks pad to.
 */
const GRAIN = 16;
/** How this program's own networks want it: they see more in a larger tile, whose edge is as good as the rest. */
const OWN: Tiling = { multiple: GRAIN, halo: 0 };
export const MIN_TILE = 64;
export const MAX_TILE = 4096;
/**
 * Sides of pictures that are smaller than a square tile are eighths of its side: few shapes, because each costs a session. For
 * larger ones a session costs less than what rounding would add to them.
 */
const SIDES = 8;
/** Overlaps aside, a tile has at most the pixels of so many squares of the side `tile`; for `lite`, a little more than half a megapixel. */
const SQUARES = 2.25;
/** And, overlaps aside, no side longer than this times `tile`. */
const LONGEST = 2;

/** How a picture was cut, in pixels: sides of the tiles, and their least overlap. */
export interface TileShape {
  readonly width: number;
  readonly height: number;
  readonly overlap: number;
}

/** One axis of the plan. All lengths in pixels. */
export interface AxisPlan {
  /** Pixels of the picture along the axis. */
  readonly length: number;
  /** Side of every tile. */
  readonly side: number;
  /** First pixel of each tile, rising from 0. What the last tile has beyond the picture is padding. */
  readonly starts: readonly number[];
  /** For each tile the weight of each of its pixels inside the picture, 0..1. */
  readonly weights: readonly Float32Array[];
}

export interface TilePlan {
  readonly x: AxisPlan;
  readonly y: AxisPlan;
}

/**
 * @param tile side of a square, in pixels: a tile has, overlaps aside, at most the pixels of `tileSquares` (2.25) such squares,
 *   and at most twice its length along either axis
 * @param overlap least overlap of neighbours, in pixels
 * @param model whose tiles they are; one with a `tiling` of its own has tiles of at most `tile` pixels along an axis
 */
export function planTiles(
  width: number,
  height: number,
  tile: number,
  overlap: number,
  { tiling, tileSquares = SQUARES }: Pick<TileModel, 'tiling' | 'tileSquares'> = {},
): TilePlan {
  const anySize = tiling?.fixed === undefined;
  if (anySize && (!Number.isInteger(tile) || tile < MIN_TILE || tile > MAX_TILE)) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected an integer in ${MIN_TILE}..${MAX_TILE} for tile, received ${tile}`,
    );
  }
  const most = Math.max(tile, tiling?.fixed?.width ?? 0, tiling?.fixed?.height ?? 0) / 2;
  if (!Number.isInteger(overlap) || overlap < 0 || overlap > most) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected an integer in 0..${Math.floor(most)} (half a tile) for overlap, received ${overlap}`,
    );
  }
  if (tiling) {
    const { fixed } = tiling;
    return {
      x: planForeign(width, tile, overlap, tiling, fixed?.width),
      y: planForeign(height, tile, overlap, tiling, fixed?.height),
    };
  }
  const grains = wholeGrains(overlap);
  const picture = { x: wholeGrains(width), y: wholeGrains(height) };
  const counts = tileCounts(picture, tile, grains, tileSquares);
  const side = (axis: 'x' | 'y') => sideOf(picture[axis], counts[axis], grains);
  const small = counts.x * counts.y === 1 && width * height < tile * tile;
  const [columns, rows] = small ? [eighths(picture.x, tile), eighths(picture.y, tile)] : [side('x'), side('y')];
  return { x: spread(width, columns, counts.x, OWN), y: spread(height, rows, counts.y, OWN) };
}

/** An axis for a network with a multiple and a halo of its own, which takes a picture that fits in one tile as it is. */
function planForeign(length: number, tile: number, asked: number, tiling: Tiling, fixed?: number): AxisPlan {
  const { multiple } = tiling;
  // The other side of a tile of one size may be the longer one.
  const leastOverlap = fixed === undefined ? asked : Math.min(asked, Math.floor(fixed / 2));
  const padded = Math.max(wholeGrains(length, multiple), fixed ?? 0);
  const most = fixed ?? Math.max(multiple, multiple * Math.floor(tile / multiple));
  // Neighbours have to get on by at least a multiple.
  const overlap = Math.min(wholeGrains(leastOverlap, multiple), multiple * Math.floor((most - 1) / multiple));
  const side = fixed ?? (padded <= most ? padded : sideFor(padded, most, overlap, multiple));
  const count = tilesNeeded(padded, side, overlap);
  const room = Math.floor(overlap / 2);
  if (count > 1 && room < tiling.halo && tiling.guessedHalo !== true) {
    refuseHalo(tiling, { length, most, overlap: leastOverlap, room });
  }
  return spread(length, side, count, { multiple, halo: Math.min(tiling.halo, room) });
}

/** Pixels along an axis: of the picture, of a tile, shared by neighbours, and how much of them there is for a halo. */
interface Room {
  readonly length: number;
  readonly most: number;
  readonly overlap: number;
  readonly room: number;
}

/** Less than the halo that somebody stated would leave seams, and nobody would know why. */
function refuseHalo({ halo, multiple, fixed }: Tiling, { length, most, overlap, room }: Room): never {
  const least = 2 * wholeGrains(2 * halo, multiple);
  const because = `because the network looks ${halo} pixels far (its halo)`;
  const smaller = `say a smaller halo (--descriptor halo=${room}), which may leave seams.`;
  // A tile that is large enough shares too little only where somebody says so.
  const [expected, received, fix] =
    most >= least
      ? [`at least ${2 * halo} for overlap, ${because}`, `${overlap}`, 'Leave --overlap out']
      : [
          `tiles of at least ${least} pixels for a picture of ${length}, ${because}`,
          `${most}`,
          fixed === undefined ? `Give --tile ${least} or more` : 'Export the network for any size, or for a larger one',
        ];
  throw new ClearwordError('INVALID_OPTION', `expected ${expected}, received ${received}`, {
    fix: `${fix}, or ${smaller}`,
  });
}

/** Tiles spread evenly, in grains: every overlap is at least the one that the count was chosen for, and equal to the others within a grain. */
function spread(length: number, side: number, count: number, { multiple, halo }: Omit<Tiling, 'fixed'>): AxisPlan {
  const free = (wholeGrains(length, multiple) - side) / multiple;
  const starts = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : multiple * Math.round((i * free) / (count - 1)),
  );
  return { length, side, starts, weights: blendingWeights(length, side, starts, halo) };
}

function wholeGrains(length: number, grain: number = GRAIN): number {
  return grain * Math.ceil(length / grain);
}

/**
 * The side that computes the fewest pixels. A picture of several tiles gets at least half a tile, because networks see further in a
 * larger one.
 */
function sideFor(length: number, tile: number, overlap: number, grain: number): number {
  const sides = Array.from({ length: SIDES }, (_, i) => wholeGrains((tile * (i + 1)) / SIDES, grain));
  const single = sides.find((side) => side >= length);
  if (single !== undefined) return single;
  const cost = (side: number) => side * tilesNeeded(length, side, overlap);
  const large = sides.filter((side) => side >= 0.5 * tile && side > overlap);
  return large.reduce((best, side) => (cost(side) <= cost(best) ? side : best));
}

function tilesNeeded(length: number, side: number, overlap: number): number {
  return length <= side ? 1 : Math.ceil((length - overlap) / (side - overlap));
}

/** Side of `count` tiles that cover a whole number of grains with at least this overlap. */
function sideOf(length: number, count: number, overlap: number): number {
  return wholeGrains((length + (count - 1) * overlap) / count);
}

/** The least multiple of an eighth of the tile that is not below a length. */
function eighths(length: number, tile: number): number {
  return wholeGrains((tile * Math.ceil((SIDES * length) / tile)) / SIDES);
}

interface PerAxis {
  readonly x: number;
  readonly y: number;
}

/**
 * How many columns and rows of tiles compute the fewest pixels, of those that keep within the largest tile. A picture of a
 * megapixel is two halves, whichever way it lies; with overlaps of 48 pixels that is 6 % more pixels than it has.
 */
function tileCounts(picture: PerAxis, tile: number, overlap: number, squares: number): PerAxis {
  const longest = LONGEST * tile;
  const fewest = { x: Math.ceil(picture.x / longest), y: Math.ceil(picture.y / longest) };
  const most = Math.max(fewest.y, Math.ceil((2 * picture.y) / tile));
  let best: PerAxis & { readonly pixels: number } = { ...fewest, pixels: Number.POSITIVE_INFINITY };
  // Of equals the one with the lower tiles, because a band of the picture as high as a tile is kept.
  for (let y = most; y >= fewest.y; y--) {
    const columns = Math.ceil((picture.x * picture.y) / (y * squares * tile * tile));
    const x = Math.max(fewest.x, columns);
    const pixels = x * sideOf(picture.x, x, overlap) * y * sideOf(picture.y, y, overlap);
    if (pixels < best.pixels) best = { x, y, pixels };
  }
  return best;
}

/**
 * A cosine ramp over each overlap, scaled so that the weights at every pixel sum to 1 (three tiles may meet).
 *
 * @param cut pixels at the edge of a tile that count for nothing where it has a neighbour
 */
function blendingWeights(length: number, side: number, starts: readonly number[], cut: number): Float32Array[] {
  const total = new Float64Array(length);
  const ramps = starts.map((start, i) => {
    const end = Math.min(start + side, length);
    const before = i === 0 ? 0 : (starts[i - 1] as number) + side - start;
    const after = i === starts.length - 1 ? 0 : start + side - (starts[i + 1] as number);
    const ramp = new Float64Array(end - start);
    for (let x = 0; x < ramp.length; x++) {
      ramp[x] = edgeRamp(x, before, cut) * edgeRamp(ramp.length - 1 - x, after, cut);
      total[start + x] = (total[start + x] as number) + (ramp[x] as number);
    }
    return ramp;
  });
  return ramps.map((ramp, i) =>
    Float32Array.from(ramp, (value, x) => value / (total[(starts[i] as number) + x] as number)),
  );
}

/** The ramp of an edge that `overlap` pixels of a neighbour cover, none at all of it within `cut`. */
function edgeRamp(x: number, overlap: number, cut: number): number {
  if (overlap === 0) return 1;
  return x < cut ? 0 : cosineRamp(x - cut, overlap - 2 * cut);
}

/** From nearly 0 at the tile's edge (x = 0) to 1 after `overlap` pixels; the ramps of two neighbours sum to 1. */
function cosineRamp(x: number, overlap: number): number {
  return x >= overlap ? 1 : 0.5 - 0.5 * Math.cos((Math.PI * (x + 0.5)) / overlap);
}
