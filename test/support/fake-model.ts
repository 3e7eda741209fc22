/**
 * A network whose answers are known in closed form, for tests of everything around a network.
 *
 * @module
 */
import type { Raster } from '../../src/image/raster.ts';
import { judge } from '../../src/models/calibration.ts';
import type { Findings, PlainModel, PredictRequest, RestorationModel } from '../../src/models/model.ts';

export interface FakeModelOptions {
  /** Receptive field: x0_hat is the mean over the (2 radius + 1)^2 neighbourhood, mirrored at the tile's edges. Default 1. */
  readonly radius?: number;
  /** Share of the state x in what is averaged; the rest is mu. Default 0. */
  readonly stateShare?: number;
  readonly tile?: number;
  /** Default true. Otherwise it gets the prompts as they are. */
  readonly careful?: boolean;
  /** Finds rain beside the noise. */
  readonly rainy?: boolean;
  /** Called before every prediction; may throw or wait. */
  readonly onPredict?: (request: PredictRequest) => void | Promise<void>;
  /** Replaces the prediction. */
  readonly predict?: (request: PredictRequest) => Float32Array;
}

export interface FakeModel extends RestorationModel {
  readonly calls: PredictRequest[];
  readonly inspected: Raster[];
  readonly prompts: string[];
  disposed: boolean;
}

/** Data prediction: x0_hat = box filter of (1 - stateShare) mu + stateShare x. */
export function fakeModel(options: FakeModelOptions = {}): FakeModel {
  const { radius = 1, stateShare = 0, tile = 128, careful = true, rainy = false, onPredict, predict } = options;
  const embedding = new Float32Array(512).fill(512 ** -0.5);
  const model: FakeModel = {
    name: 'fake',
    degradations: ['noise', 'rain', 'haze'],
    careful,
    takesStrengths: true,
    hash: 'f'.repeat(64),
    parameterisation: 'data',
    sde: { schedule: 'cosine', T: 100, maxSigma: 50, eps: 0.005 },
    defaultTile: tile,
    defaults: { steps: 1, sampler: 'mars-sde-1' },
    calls: [],
    inspected: [],
    prompts: [],
    disposed: false,
    async inspect({ close }): Promise<Findings> {
      model.inspected.push(close);
      const found = (probability: number, strength: number) => judge({ probability, strength });
      const rain = rainy ? found(0.98, 0.3) : found(0.02, 0.01);
      return { degradations: { noise: found(0.97, 0.4), rain, haze: found(0.01, 0) }, embedding };
    },
    async encodeText(prompt) {
      model.prompts.push(prompt);
      return embedding;
    },
    async predict(request) {
      model.calls.push(request);
      await onPredict?.(request);
      if (predict !== undefined) return predict(request);
      const mixed = request.mu.map((value, i) => value + stateShare * ((request.x[i] as number) - value));
      return boxFilter(mixed, request.width, request.height, radius);
    },
    async dispose() {
      model.disposed = true;
    },
  };
  return model;
}

/** A plain network of any size that makes this of a tile. */
export const fakePlain = (restore: (tile: Raster) => Float32Array, hash = 'e'.repeat(64)): PlainModel => ({
  name: 'plain',
  hash,
  defaultTile: 128,
  tiling: { multiple: 1, halo: 0 },
  reading: 'nchw, rgb, 0..1',
  takesNoiseLevel: false,
  restoreTile: async (tile) => restore(tile),
  async dispose() {},
});

/** Mean over the neighbourhood of each pixel of [3, height, width], mirrored at the edges; rows, then columns. */
function boxFilter(data: Float32Array, width: number, height: number, radius: number): Float32Array {
  const mirror = (i: number, n: number) =>
    n === 1 ? 0 : Math.abs(((((i + n - 1) % (2 * n - 2)) + 2 * n - 2) % (2 * n - 2)) - n + 1);
  const pass = (source: Float32Array, along: number, length: number, at: (i: number, line: number) => number) => {
    const result = new Float32Array(source.length);
    for (let line = 0; line < source.length / length / along; line++) {
      for (let cross = 0; cross < along; cross++) {
        for (let i = 0; i < length; i++) {
          let sum = 0;
          for (let d = -radius; d <= radius; d++) sum += source[at(mirror(i + d, length), line) + cross] as number;
          result[at(i, line) + cross] = sum / (2 * radius + 1);
        }
      }
    }
    return result;
  };
  const rows = pass(data, 1, width, (i, line) => line * width + i);
  return pass(rows, width, height, (i, line) => (line * height + i) * width);
}
