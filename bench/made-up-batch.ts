/**
 * A batch that no photo was needed for: what a step costs does not depend on the pictures.
 */
import type { Batch } from '../src/data/batch.ts';
import { Random } from '../src/random/random.ts';
import { batchForm } from '../src/train/batch-form.ts';
import type { TrainingGraphOptions } from '../src/train/training-graph.ts';

const SEED = 3;

/** Every value at random; half of the samples ask for everything, half for the rain. */
export function madeUpBatch(
  { preset, batch, patch }: Pick<TrainingGraphOptions, 'preset' | 'batch' | 'patch'>,
  step: number,
): Batch {
  const random = new Random(SEED, step);
  const { degradations, viewSide } = batchForm(preset);
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => random.int(256));
  const numbers = () => Float32Array.from({ length: batch * degradations.length }, () => random.uniform());
  const flags = () => numbers().map((value) => (value < 0.5 ? 1 : 0));
  const prompts = Array.from({ length: batch }, (_, i) => (i % 2 ? 'remove the rain from the street' : ''));
  return {
    step,
    degradations,
    patches: 1,
    ...(viewSide !== undefined && { view: bytes(batch * 3 * viewSide ** 2) }),
    input: bytes(batch * 3 * patch ** 2),
    target: bytes(batch * 3 * patch ** 2),
    presence: flags(),
    strength: numbers(),
    asked: flags(),
    prompts,
    files: prompts.map(() => null),
  };
}
