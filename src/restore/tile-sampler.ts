/**
 * One tile through all steps of a sampler.
 *
 * @module
 */

import { toEstimates } from '../diffusion/parameterisation.ts';
import { type Sampler, type StepReport, samplerNamed } from '../diffusion/samplers/index.ts';
import { MeanRevertingSde } from '../diffusion/sde.ts';
import { ClearwordError } from '../errors.ts';
import type { Raster } from '../image/raster.ts';
import type { RestorationModel } from '../models/model.ts';
import { gaussianField } from '../random/random.ts';
import type { Conditioning } from './conditioning.ts';
import { type NoiseSource, overSymmetries, type Symmetry } from './ensemble.ts';
import type { RestoreSettings } from './options.ts';

/** What is the same for every tile of a picture. */
export interface SamplingPlan {
  readonly model: RestorationModel;
  readonly sde: MeanRevertingSde;
  readonly sampler: Sampler;
  readonly steps: number;
  /** Restore the tile under each of these and take the mean; absent: once, as it is. */
  readonly symmetries?: readonly Symmetry[] | undefined;
  readonly conditioning: Conditioning;
  readonly signal?: AbortSignal | undefined;
}

/** What the steps of a sampler need, with the model's defaults filled in and checked against its process. */
export function planSampling(
  model: RestorationModel,
  settings: Pick<RestoreSettings, 'steps' | 'sampler'>,
): Pick<SamplingPlan, 'model' | 'sde' | 'sampler' | 'steps'> {
  const sde = new MeanRevertingSde(model.sde);
  const { steps } = settings;
  if (steps > sde.T) {
    throw new ClearwordError('INVALID_OPTION', `expected an integer in 1..${sde.T} for steps, received ${steps}`, {
      fix: `The model ${model.name} was trained with ${sde.T} steps; more do not exist.`,
    });
  }
  return { model, sde, sampler: samplerNamed(settings.sampler), steps };
}

/** Where a tile lies; the noise of a pixel depends on nothing else. */
export interface TilePlace {
  /** Columns and rows of the picture that the tile shows (see `sourceIndices`). The first of each is its corner. */
  readonly columns: Int32Array;
  readonly rows: Int32Array;
  readonly imageWidth: number;
}

/**
 * The restored tile, [3, height, width], not clipped to 0..1.
 *
 * @param mu the degraded tile, padding included
 * @param onStep called after every step
 */
export async function sampleTile(
  plan: SamplingPlan,
  mu: Raster,
  place: TilePlace,
  seed: number,
  onStep: (report: StepReport) => void,
): Promise<Float32Array> {
  const noise = (draw: number) => tileNoise(place, seed, draw);
  try {
    if (!plan.symmetries) return await sample(plan, mu, noise, onStep);
    return await overSymmetries(plan.symmetries, mu, noise, (turned, turnedNoise) =>
      sample(plan, turned, turnedNoise, onStep),
    );
  } catch (error) {
    if (!(error instanceof ClearwordError) || error.code !== 'NON_FINITE') throw error;
    const at = `tile of ${mu.width} x ${mu.height} pixels at (${place.columns[0]}, ${place.rows[0]})`;
    throw new ClearwordError('NON_FINITE', `${at}: ${error.message}`, { cause: error });
  }
}

/** A tile, as it is or turned, through all steps. */
function sample(
  { model, sde, sampler, steps, conditioning, signal }: SamplingPlan,
  mu: Raster,
  noise: NoiseSource,
  onStep: (report: StepReport) => void,
): Promise<Float32Array> {
  return sampler({
    sde,
    mu: mu.data,
    steps,
    signal,
    onStep,
    noise,
    predict: async (x, t) => {
      const output = await model.predict({
        width: mu.width,
        height: mu.height,
        x,
        mu: mu.data,
        t,
        guidance: conditioning.guidance,
        signal,
      });
      return toEstimates(model.parameterisation, output, { sde, x, mu: mu.data, t });
    },
  });
}

/**
 * Noise [3, rows, columns] by absolute position. Padding mirrors the noise as it mirrors the picture, so that the network
 * sees a state that goes on beyond the edge without a seam.
 */
export function tileNoise({ columns, rows, imageWidth }: TilePlace, seed: number, draw: number): Float32Array {
  const [x0, width] = extent(columns);
  const [y0, height] = extent(rows);
  const field = gaussianField({ seed, stream: draw, x0, y0, width, height, channels: 3, imageWidth });
  if (width === columns.length && height === rows.length) return field;
  const padded = new Float32Array(3 * rows.length * columns.length);
  let to = 0;
  for (let channel = 0; channel < 3; channel++) {
    for (const row of rows) {
      const from = (channel * height + row - y0) * width - x0;
      for (const column of columns) padded[to++] = field[from + column] as number;
    }
  }
  return padded;
}

/** First pixel and number of different pixels of a rising, then mirrored, run of indices. */
function extent(indices: Int32Array): [first: number, count: number] {
  const first = indices[0] as number;
  return [first, indices.reduce((last, index) => Math.max(last, index), first) - first + 1];
}
