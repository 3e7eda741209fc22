/**
 * A training batch, in the arrays that the training step takes.
 *
 * @module
 */
import { resizeRaster } from '../image/area-average.ts';
import type { Raster } from '../image/raster.ts';
import { Random } from '../random/random.ts';
import type { DataConfig } from './config.ts';
import { drawSample, type TrainingPictures } from './sample.ts';

/**
 * M pictures in N = M K samples of P x P pixels: sample n is a patch of picture floor(n / K). The last axis of [M,D] arrays is in
 * the order of `degradations`.
 */
export interface Batch {
  readonly step: number;
  /** What the model knows, D names. */
  readonly degradations: readonly string[];
  /** Patches of a picture, K; row by row. */
  readonly patches: number;
  /** Degraded pictures mu, [N,3,P,P], 0..255. */
  readonly input: Uint8Array<ArrayBuffer>;
  /** What the prompts ask for, [N,3,P,P], 0..255. */
  readonly target: Uint8Array<ArrayBuffer>;
  /** The whole degraded pictures reduced to V x V, [M,3,V,V], 0..255, for models that look at them. */
  readonly view?: Uint8Array<ArrayBuffer>;
  /** 1 where the degradation can be seen in the input, [M,D]. */
  readonly presence: Float32Array<ArrayBuffer>;
  /** Strength as in `Findings`, 0..1, [M,D]. */
  readonly strength: Float32Array<ArrayBuffer>;
  /** 1 where the prompt asks to remove it, present or not (the empty prompt asks for all), [M,D]. */
  readonly asked: Float32Array<ArrayBuffer>;
  /** M. */
  readonly prompts: readonly string[];
  /** File of the whole degraded picture, or null where the degradation was made for this picture; M. */
  readonly files: readonly (string | null)[];
}

export interface BatchRequest {
  /** What the model knows. */
  readonly degradations: readonly string[];
  /** Side of the reduced view, pixels, where the model looks at one. */
  readonly viewSide?: number;
  readonly step: number;
  /** Samples, N; a multiple of the patches of a picture. */
  readonly batchSize: number;
}

/** Keeps the data's stream apart from other uses of the same seed. */
const DATA_STREAM = 0xda7a;

/** Where the draws of picture `number` of a step come from. */
export const sampleRandom = (seed: number, step: number, number: number): Random =>
  new Random(seed, DATA_STREAM, step, number);

/** A batch as a pure function of the data, the configuration and the request. */
export async function makeBatch(
  pictures: TrainingPictures,
  config: DataConfig,
  { degradations, viewSide, step, batchSize }: BatchRequest,
): Promise<Batch> {
  const { patch, grid } = config;
  const patches = grid * grid;
  if (batchSize % patches !== 0) {
    throw new RangeError(`expected a multiple of ${patches} samples (data.grid ${grid}), received ${batchSize}`);
  }
  const [count, columns] = [batchSize / patches, degradations.length];
  const image = 3 * patch * patch;
  const batch = {
    step,
    degradations,
    patches,
    input: new Uint8Array(batchSize * image),
    target: new Uint8Array(batchSize * image),
    ...(viewSide !== undefined && { view: new Uint8Array(count * 3 * viewSide * viewSide) }),
    presence: new Float32Array(count * columns),
    strength: new Float32Array(count * columns),
    asked: new Float32Array(count * columns),
    prompts: [] as string[],
    files: [] as (string | null)[],
  };
  for (let number = 0; number < count; number++) {
    const sample = await drawSample(sampleRandom(config.seed, step, number), pictures, config, degradations);
    const first = number * patches * image;
    cutPatches(sample.input, patch, grid, batch.input.subarray(first, first + patches * image));
    if (sample.target === sample.input) batch.target.set(batch.input.subarray(first, first + patches * image), first);
    else cutPatches(sample.target, patch, grid, batch.target.subarray(first, first + patches * image));
    if (viewSide !== undefined) batch.view?.set(reduce(sample.input, viewSide), number * 3 * viewSide * viewSide);
    for (const [column, name] of degradations.entries()) {
      const at = number * columns + column;
      const reading = sample.readings[name];
      batch.presence[at] = reading?.present ? 1 : 0;
      batch.strength[at] = reading?.strength ?? 0;
      batch.asked[at] = sample.asked.has(name) ? 1 : 0;
    }
    batch.prompts.push(sample.prompt);
    batch.files.push(sample.file ?? null);
  }
  return batch;
}

/** The nearest 8-bit value. */
const toByte = (value: number): number => (value <= 0 ? 0 : value >= 1 ? 255 : (255 * value + 0.5) | 0);

/** grid x grid patches [K,3,P,P], row by row. */
function cutPatches({ width, height, data }: Raster, patch: number, grid: number, out: Uint8Array): void {
  let to = 0;
  for (let k = 0; k < grid * grid; k++) {
    const [top, left] = [Math.floor(k / grid) * patch, (k % grid) * patch];
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < patch; y++) {
        const from = (c * height + top + y) * width + left;
        for (let x = 0; x < patch; x++) out[to++] = toByte(data[from + x] as number);
      }
    }
  }
}

/** The whole picture squeezed into V x V by area averaging, [3,V,V]. */
const reduce = (picture: Raster, side: number): Uint8Array =>
  Uint8Array.from(resizeRaster(picture, side, side).data, toByte);
