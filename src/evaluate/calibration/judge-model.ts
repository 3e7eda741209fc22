/**
 * What a model's controller says of pictures whose degradations are known.
 *
 * @module
 */
import type { DataConfig } from '../../data/config.ts';
import { scanDataset } from '../../data/dataset.ts';
import { allocatePictures, readRaster } from '../../data/picture-store.ts';
import { drawSample, TrainingPictures } from '../../data/sample.ts';
import { throwIfCancelled } from '../../errors.ts';
import { resizeRaster } from '../../image/area-average.ts';
import type { Raster } from '../../image/raster.ts';
import type { Findings, RestorationModel } from '../../models/model.ts';
import { Random } from '../../random/random.ts';
import type { Judgement, Sighting } from './thresholds.ts';

/** Keeps these samples apart from those of training with the same seed. */
const STREAM = 0xca1;

export interface CalibrationPictures {
  /** Held-back photos and what may happen to them, as for training. */
  readonly data: DataConfig;
  /** Samples drawn from them. */
  readonly samples: number;
  /** Photos without any degradation, judged whole. */
  readonly clean: readonly string[];
}

export interface JudgeHooks {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

/** Judgements of each degradation that the model knows. The model's card must not be calibrated yet. */
export function judgeModel(
  model: RestorationModel,
  pictures: CalibrationPictures,
  { signal, onProgress }: JudgeHooks = {},
): Promise<Map<string, Sighting[]>> {
  const inspect = (picture: Raster) => {
    const { viewSide } = model;
    // As batches of training show it.
    const whole = viewSide === undefined ? undefined : resizeRaster(picture, viewSide, viewSide);
    return model.inspect({ close: picture, whole }, signal);
  };
  return judgePictures({ degradations: model.degradations, inspect }, pictures, { signal, onProgress });
}

/** Whoever says what is wrong with a picture. */
export interface Inspector {
  readonly degradations: readonly string[];
  inspect(picture: Raster): Promise<Pick<Findings, 'degradations'>>;
}

export async function judgePictures(
  { degradations, inspect }: Inspector,
  { data, samples, clean }: CalibrationPictures,
  { signal, onProgress }: JudgeHooks = {},
): Promise<Map<string, Sighting[]>> {
  const judgements = new Map(degradations.map((name) => [name, [] as Sighting[]]));
  const total = samples + clean.length;
  const judge = async (picture: Raster, truth: (name: string) => Omit<Judgement, 'probability'>) => {
    throwIfCancelled(signal, 'the calibration');
    const findings = await inspect(picture);
    for (const name of degradations) {
      const { probability = 0, strength = 0 } = findings.degradations[name] ?? {};
      judgements.get(name)?.push({ probability, strength, ...truth(name) });
    }
  };
  const index = await scanDataset(data);
  const pictures = new TrainingPictures(index, allocatePictures(TrainingPictures.slots(index), 256));
  for (let i = 0; i < samples; i++) {
    const sample = await drawSample(new Random(data.seed, STREAM, i), pictures, data, degradations);
    await judge(sample.input, (name) => {
      const reading = sample.readings[name];
      // There, but less than what counts as present: nobody would miss it, and nobody would mind if it were removed.
      const unclear = reading !== undefined && !reading.present && reading.strength > 0;
      return { present: reading?.present ?? false, unclear };
    });
    onProgress?.((i + 1) / total);
  }
  for (const [i, file] of clean.entries()) {
    await judge(await readRaster(file), () => ({ present: false }));
    onProgress?.((samples + i + 1) / total);
  }
  return judgements;
}
