/**
 * A training batch, in the arrays that the training step takes.
 *
 * @module
 */
import { DEGRADATIONS } from '../degradations/index.ts';
import { Random } from '../random/random.ts';
import type { DataConfig } from './config.ts';
import { drawSample, type TrainingPictures } from './sample.ts';

/** N samples of P x P pixels; the last axis of the [N,3] arrays is in the order of DEGRADATIONS (noise, rain, haze). */
export interface Batch {
  readonly step: number;
  /** Degraded pictures mu, [N,3,P,P], multiples of 1/255 in 0..1. */
  readonly input: Float32Array<ArrayBuffer>;
  /** What the prompts ask for, [N,3,P,P], 0..1. */
  readonly target: Float32Array<ArrayBuffer>;
  /** 1 where the degradation can be seen in the input, [N,3]. */
  readonly presence: Float32Array<ArrayBuffer>;
  /** Strength as in `Findings`, 0..1, [N,3]. */
  readonly strength: Float32Array<ArrayBuffer>;
  /** 1 where the prompt asks to remove it, present or not (the empty prompt asks for all), [N,3]. */
  readonly asked: Float32Array<ArrayBuffer>;
  readonly prompts: readonly string[];
  /** File of the whole degraded picture, or null where the degradation was made for this sample. */
  readonly files?: readonly (string | null)[];
}

/** Keeps the data's stream apart from other uses of the same seed. */
const DATA_STREAM = 0xda7a;

/** Batch number `step`, a pure function of the data, the configuration, the step and the batch size. */
export async function makeBatch(
  pictures: TrainingPictures,
  config: DataConfig,
  step: number,
  batchSize: number,
): Promise<Batch> {
  const image = 3 * config.patch * config.patch;
  const batch = {
    step,
    input: new Float32Array(batchSize * image),
    target: new Float32Array(batchSize * image),
    presence: new Float32Array(3 * batchSize),
    strength: new Float32Array(3 * batchSize),
    asked: new Float32Array(3 * batchSize),
    prompts: [] as string[],
    files: [] as (string | null)[],
  };
  for (let number = 0; number < batchSize; number++) {
    const sample = await drawSample(new Random(config.seed, DATA_STREAM, step, number), pictures, config);
    batch.input.set(sample.input.data, number * image);
    batch.target.set(sample.target.data, number * image);
    for (const [column, name] of DEGRADATIONS.entries()) {
      batch.presence[3 * number + column] = sample.presence[name] ? 1 : 0;
      batch.strength[3 * number + column] = sample.strength[name];
      batch.asked[3 * number + column] = sample.asked[name] ? 1 : 0;
    }
    batch.prompts.push(sample.prompt);
    batch.files.push(sample.file ?? null);
  }
  return batch;
}
