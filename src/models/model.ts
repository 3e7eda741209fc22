/**
 * What the rest of Clearword asks of a loaded model: nothing outside `models/` knows how a network is built.
 *
 * @module
 */

import type { FIRST_DEGRADATIONS } from '../degradations/index.ts';
import type { SdeConfig } from '../diffusion/sde.ts';
import type { Raster } from '../image/raster.ts';

export interface Finding {
  readonly probability: number;
  readonly strength: number;
}

/** What the controller found in a picture. */
export interface Findings {
  /**
   * For each degradation: probability that it is present (0..1) and its strength (0..1; noise: sigma/55 of 8-bit values,
   * rain: mean added brightness of the streaks / 0.15, haze: share of the scene's light lost, 1 - mean transmission).
   */
  readonly degradations: Readonly<Record<(typeof FIRST_DEGRADATIONS)[number], Finding>>;
  /** e_d, the degradation embedding [512]; of unit length, except where the network was trained with its own length. */
  readonly embedding: Float32Array;
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
  /** e_c, [512]. */
  readonly text: Float32Array;
  /** e_d, [512]. */
  readonly degradation: Float32Array;
  readonly signal?: AbortSignal;
}

/** What describes text and pictures to a network. */
export interface ModelEncoders {
  /**
   * Where pictures are judged as a whole: side of the square, in pixels, that is enough to see of one. Otherwise they are
   * judged by their parts at full resolution.
   */
  readonly inspectionSide?: number | undefined;
  inspect(image: Raster, signal?: AbortSignal): Promise<Findings>;
  /** Caption or instruction -> e_c [512], L2-normalised. The empty prompt is a valid one: remove everything found. */
  encodeText(prompt: string): Promise<Float32Array>;
}

export interface RestorationModel extends ModelEncoders {
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
