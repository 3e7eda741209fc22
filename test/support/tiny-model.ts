/**
 * A model of a few thousand weights that changes a picture visibly, for tests of everything around a network.
 *
 * @module
 */

import type { ModelCard } from '../../src/models/card.ts';
import { modelLayout } from '../../src/models/loaded-model.ts';
import { writeModel } from '../../src/models/model-file.ts';
import type { Preset } from '../../src/models/preset-schema.ts';
import { presets } from '../../src/models/presets.ts';
import { Random } from '../../src/random/random.ts';
import { initialValues } from '../../src/train/initialise.ts';

export interface TinyModelOptions {
  /** Default: those of the preset. */
  readonly degradations?: readonly string[];
  readonly calibration?: ModelCard['calibration'];
}

/** Writes the weights (.safetensors) and their card. Fresh weights change nothing, so that noise is laid on all of them. */
export async function writeTinyModel(
  path: string,
  { degradations, calibration }: TinyModelOptions = {},
): Promise<void> {
  const tiny = presets.tiny as Preset;
  const preset = { ...tiny, degradations: degradations ?? tiny.degradations };
  const layout = modelLayout(preset);
  const random = new Random(5);
  const values = initialValues(layout, 1).map((value) => value + 0.02 * random.normal());
  await writeModel(
    path,
    layout,
    values,
    { name: 'tiny', preset, licence: 'none', training: {}, quality: {}, ...(calibration && { calibration }) },
    'float32',
  );
}
