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

export interface RestorationModel extends ModelEncoders {
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
  /** Tile side the model was tuned for, in pixels. */
  readonly defaultTile: number;
  /** Steps and sampler that serve this model best. */
  readonly defaults: { readonly steps: number; readonly sampler: string };
  /** Hash of the weights (SHA-256, hex) for provenance. */
  readonly hash: string;
  readonly name: string;
  /** Raw network output for one tile: the noise estimate, or x0_hat for a data-prediction model; [3, height, width]. */
  predict(request: PredictRequest): Promise<Float32Array>;
  dispose(): Promise<void>;
}
