/**
 * A training batch, in the arrays that the training step takes.
 *
 * @module
 */
import { DEGRADATIONS } from '../degradations/index.ts';
import { Random } from '../random/random.ts';
import type { DataConfig } from './config.ts';
import { drawSample, type TrainingPictures } from './sample.ts';

/** N patches of P x P pixels of M pictures; patch n is one of picture floor(n M / N). */
export interface Batch {
  readonly step: number;
  /** Names of the D degradations, in the order of the last axis of the [M,D] arrays. */
  readonly degradations: readonly string[];
  /** Patches of each picture, N / M. */
  readonly patches: number;
  /** Degraded pictures mu, [N,3,P,P], 8-bit values. */
  readonly input: Uint8Array<ArrayBuffer>;
  /** What the prompts ask for, [N,3,P,P], 8-bit values. */
  readonly target: Uint8Array<ArrayBuffer>;
  /** Whole degraded pictures, squeezed into squares, [M,3,V,V], 8-bit values; where the model looks at them. */
  readonly view?: Uint8Array<ArrayBuffer>;
  /** 1 where the degradation can be seen in the picture, [M,D]. */
  readonly presence: Float32Array<ArrayBuffer>;
  /** Strength as in `Findings`, 0..1, [M,D]. */
  readonly strength: Float32Array<ArrayBuffer>;
  /** 1 where the prompt asks to remove it, present or not (the empty prompt asks for all), [M,D]. */
  readonly asked: Float32Array<ArrayBuffer>;
  readonly prompts: readonly string[];
  /** File of the whole degraded picture, or null where the degradation was made for this picture, M. */
  readonly files?: readonly (string | null)[];
}

/** Keeps the data's stream apart from other uses of the same seed. */
const DATA_STREAM = 0xda7a;

const bytes = (values: Float32Array) => Uint8ClampedArray.from(values, (value) => 255 * value);

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
    degradations: DEGRADATIONS,
    patches: 1,
    input: new Uint8Array(batchSize * image),
    target: new Uint8Array(batchSize * image),
    presence: new Float32Array(3 * batchSize),
    strength: new Float32Array(3 * batchSize),
    asked: new Float32Array(3 * batchSize),
    prompts: [] as string[],
    files: [] as (string | null)[],
  };
  for (let number = 0; number < batchSize; number++) {
    const sample = await drawSample(new Random(config.seed, DATA_STREAM, step, number), pictures, config);
    batch.input.set(bytes(sample.input.data), number * image);
    batch.target.set(bytes(sample.target.data), number * image);
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
