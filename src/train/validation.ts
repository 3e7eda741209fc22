/**
 * Validation during training: held-back data, one step from t = T, averaged parameters.
 *
 * @module
 */
import { type Batch, makeBatch } from '../data/batch.ts';
import type { DataConfig } from '../data/config.ts';
import { type DatasetIndex, scanDataset } from '../data/dataset.ts';
import { genuineSections } from '../data/degradations/index.ts';
import { allocatePictures } from '../data/picture-store.ts';
import { TrainingPictures } from '../data/sample.ts';
import { ClearwordError } from '../errors.ts';
import { batchForm } from './batch-form.ts';
import type { TrainConfig } from './config.ts';
import type { BatchEmbeddings } from './embeddings.ts';
import type { BatchUse } from './step.ts';
import type { StepEngine } from './step-engine.ts';
import type { TrainingGraphOptions } from './training-graph.ts';

/** PSNR in dB, before and after, of the samples with one combination of degradations. */
export interface ValidationRow {
  readonly name: string;
  readonly samples: number;
  readonly input: number;
  readonly output: number;
}

const decibels = (mse: number) => -10 * Math.log10(Math.max(mse, 1e-10));
const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);

/** Held-back layers and scenes take the place of the training ones, on photos of their own. */
async function heldBackIndex(data: DataConfig, photos: readonly string[]): Promise<DatasetIndex> {
  const index = await scanDataset({ ...data, roots: { ...data.roots, photos: [...photos] } });
  const swap = <T>({ training, heldBack }: { training: readonly T[]; heldBack: readonly T[] }) => ({
    training: heldBack,
    heldBack: training,
  });
  return { ...index, rainLayers: swap(index.rainLayers), hazePairs: swap(index.hazePairs) };
}

function inputErrors(batch: Batch): number[] {
  const count = batch.prompts.length * batch.patches;
  const size = batch.input.length / count;
  return Array.from({ length: count }, (_, n) => {
    let sum = 0;
    for (let k = n * size; k < (n + 1) * size; k++) sum += ((batch.input[k] ?? 0) - (batch.target[k] ?? 0)) ** 2;
    return sum / size / 255 ** 2;
  });
}

/** A fixed set of held-back samples that the same parameters always score alike. */
export class Validation {
  readonly every: number;
  readonly #uses: readonly BatchUse[];

  private constructor(every: number, uses: readonly BatchUse[]) {
    this.every = every;
    this.#uses = uses;
  }

  static async open(
    config: TrainConfig,
    options: TrainingGraphOptions,
    embeddings?: BatchEmbeddings,
  ): Promise<Validation | undefined> {
    const { validation, data, batch } = config;
    if (!validation) return undefined;
    if (options.preset.parameterisation === 'noise') {
      const message = `validation: expected none for preset ${options.preset.name}, whose noise estimate is no picture after one step`;
      throw new ClearwordError('INVALID_OPTION', message, { fix: 'Export checkpoints and score those.' });
    }
    const held = { ...data, ...genuineSections(data), seed: data.seed + 1, compressed: 0 };
    const index = await heldBackIndex(data, validation.photos);
    const pictures = new TrainingPictures(index, allocatePictures(TrainingPictures.slots(index), 256));
    const uses: BatchUse[] = [];
    for (let i = 0; i * batch < validation.samples; i++) {
      const made = await makeBatch(pictures, held, { ...batchForm(options.preset), step: i, batchSize: batch });
      uses.push({ batch: made, step: made.step, embeddings: await embeddings?.of(made, data.patch) });
    }
    return new Validation(validation.every, uses);
  }

  /** Scores an engine's averaged parameters: one row per combination of degradations, and `all`. */
  async score(engine: StepEngine): Promise<ValidationRow[]> {
    const errors = await engine.score(this.#uses);
    const groups = new Map<string, { input: number[]; output: number[] }>();
    for (const [i, { batch }] of this.#uses.entries()) {
      const after = errors[i] ?? new Float32Array();
      inputErrors(batch).forEach((before, n) => {
        const first = Math.floor(n / batch.patches) * batch.degradations.length;
        const name = batch.degradations.filter((_, i) => batch.presence[first + i]).join('+') || 'clean';
        for (const key of [name, 'all']) {
          const group = groups.get(key) ?? { input: [], output: [] };
          group.input.push(decibels(before));
          group.output.push(decibels(after[n] ?? Number.NaN));
          groups.set(key, group);
        }
      });
    }
    return [...groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { input, output }]) => ({
        name,
        samples: input.length,
        input: mean(input),
        output: mean(output),
      }));
  }
}
