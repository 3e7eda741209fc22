/**
 * What the rest of Clearword asks of a loaded model: nothing outside `models/` knows how a network is built.
 *
 * @module
 */

import type { SdeConfig } from '../diffusion/sde.ts';
import type { Raster } from '../image/raster.ts';

/** What the controller found in a picture. */
export interface Findings {
  /**
   * For each degradation that the model knows, in its order: probability that it is present (0..1) and its strength (0..1;
   * noise: sigma/55 of 8-bit values, rain: mean added brightness of the streaks / 0.15, haze: share of the scene's light lost,
   * 1 - mean transmission; `degradations/` has the units of all).
   */
  readonly degradations: Readonly<Record<string, Finding>>;
  /** e_d, the degradation embedding [512]; of unit length, except where the network was trained with its own length. */
  readonly embedding: Float32Array;
  /** Tokens of the whole picture, [S,512], for networks that look at it. */
  readonly view?: Float32Array | undefined;
}

/** What was found of one degradation: nothing, for a name that the model does not know. */
export const findingOf = ({ degradations }: Pick<Findings, 'degradations'>, name: string): Finding =>
  degradations[name] ?? { probability: 0, strength: 0, verdict: 'absent' };

export const isFound = (findings: Pick<Findings, 'degradations'>, name: string): boolean =>
  findingOf(findings, name).verdict === 'found';

export interface Finding {
  readonly probability: number;
  readonly strength: number;
  /** What follows from the probability by the model's own thresholds: it is there, perhaps, or not. */
  readonly verdict: 'found' | 'perhaps' | 'absent';
}

/** What a controller gets to see of a picture. */
export interface PictureViews {
  /** At full resolution: the picture, or parts of it from everywhere. */
  readonly close: Raster;
  /** All of it, squeezed into a square of the model's `viewSide`. */
  readonly whole?: Raster | undefined;
}

/** What a network is told of the whole picture: the same for all of its tiles. */
export interface Guidance {
  /** e_c, [512]. */
  readonly text: Float32Array;
  /** e_d, [512]. */
  readonly degradation: Float32Array;
  /** Strength of each degradation, then whether somebody said so (1) or the controller estimated it (0), [2D]. */
  readonly told?: Float32Array | undefined;
  /** Tokens of the whole picture, [S,512]. */
  readonly view?: Float32Array | undefined;
}

/** One call of the network on a tile. All images are [3, height, width] in 0..1 (x may leave that range). */
export interface PredictRequest {
  readonly width: number;
  readonly height: number;
  /** State x_t. */
  readonly x: Float32Array;
  /** Degraded picture mu. */
  readonly mu: Float32Array;
  /** Step, 1..T. */
  readonly t: number;
  readonly guidance: Guidance;
  readonly signal?: AbortSignal | undefined;
}

/** What describes text and pictures to a network. */
export interface ModelEncoders {
  /**
   * Where pictures are judged as a whole: side of the square, in pixels, that is enough to see of one. Otherwise they are
   * judged by their parts at full resolution.
   */
  readonly inspectionSide?: number | undefined;
  /** Side of the square in which the whole picture is seen, for controllers that look at it so, too. */
  readonly viewSide?: number | undefined;
  inspect(views: PictureViews, signal?: AbortSignal): Promise<Findings>;
  /** Caption or instruction -> e_c [512], L2-normalised. The empty prompt is a valid one: remove everything found. */
  encodeText(prompt: string): Promise<Float32Array>;
}

/** Pixels over which neighbouring tiles of a plain network go over into each other, beyond what is cut off of both. */
export const TILE_BLEND = 16;

/** How pictures have to be cut for a network. All lengths in pixels. */
export interface Tiling {
  /** Tiles start at multiples of it, and their sides are multiples of it. */
  readonly multiple: number;
  /** How far the network looks: so much of a tile's edge is cut off where a neighbouring tile knows better. */
  readonly halo: number;
  /** Whether nobody stated the halo: of a guess as much is cut off as tiles have room for; a stated one has to fit. */
  readonly guessedHalo?: boolean | undefined;
  /** Of networks that take one size only. */
  readonly fixed?: { readonly width: number; readonly height: number } | undefined;
}

/** What everything has that restores pictures tile by tile. */
export interface TileModel {
  readonly name: string;
  /** SHA-256 of the weights, hex, for provenance. */
  readonly hash: string;
  /** Tile side the model was tuned for, in pixels. */
  readonly defaultTile: number;
  /** Default: as networks of this program are built. */
  readonly tiling?: Tiling | undefined;
  /**
   * Most pixels of a tile, in squares of the tile side. Default: more than two, which wastes fewer on overlaps, but pays only
   * where a pass costs no more than its pixels do.
   */
  readonly tileSquares?: number | undefined;
  dispose(): Promise<void>;
}

/** A network that maps a picture to a picture, and takes neither words nor steps. */
export interface PlainModel extends TileModel {
  readonly tiling: Tiling;
  /** How its input is made and its output read, in words, for provenance: it decides the result as the weights do. */
  readonly reading: string;
  /** Whether it is told how noisy a picture is. */
  readonly takesNoiseLevel: boolean;
  /** What it is told unless somebody says it, as a standard deviation of 8-bit values. */
  readonly noiseLevel?: number | undefined;
  /** The tile [3, height, width], 0..1, restored; its values may leave that range. */
  restoreTile(tile: Raster, options?: PlainTileOptions): Promise<Float32Array>;
}

export interface PlainTileOptions {
  /** Standard deviation of 8-bit values, for networks that are told it; default: the one it was loaded with. */
  readonly noiseLevel?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Everything that restores. */
export type AnyModel = RestorationModel | PlainModel;

export const isPlain = (model: AnyModel): model is PlainModel => 'restoreTile' in model;

/** A diffusion model: guided by words and by what it finds. */
export interface RestorationModel extends ModelEncoders, TileModel {
  /** What it finds and removes, in the order of every per-degradation array. */
  readonly degradations: readonly string[];
  /**
   * Whether it was trained to follow instructions, so that only what is surely there is removed unasked; otherwise prompts are
   * captions, and every picture is restored.
   */
  readonly careful: boolean;
  /** Whether the network can be told how strong a degradation is. */
  readonly takesStrengths: boolean;
  readonly sde: SdeConfig;
  /** What the network predicts; samplers get both through `diffusion/parameterisation.ts`. */
  readonly parameterisation: 'noise' | 'data';
  /** Steps and sampler that serve this model best. */
  readonly defaults: { readonly steps: number; readonly sampler: string };
  /** Raw network output for one tile: the noise estimate, or x0_hat for a data-prediction model; [3, height, width]. */
  predict(request: PredictRequest): Promise<Float32Array>;
}
