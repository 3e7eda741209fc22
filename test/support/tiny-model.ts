/**
 * A model of a few thousand weights that changes a picture visibly, for tests of everything around a network.
 *
 * @module
 */

import { modelLayout } from '../../src/models/loaded-model.ts';
import { writeModel } from '../../src/models/model-file.ts';
import type { Preset } from '../../src/models/preset-schema.ts';
import { presets } from '../../src/models/presets.ts';
import { Random } from '../../src/random/random.ts';
import { initialValues } from '../../src/train/initialise.ts';

/** Writes the weights (.safetensors) and their card. Fresh weights change nothing, so that noise is laid on all of them. */
export async function writeTinyModel(path: string): Promise<void> {
  const preset = presets.tiny as Preset;
  const layout = modelLayout(preset);
  const random = new Random(5);
  const values = initialValues(layout, 1).map((value) => value + 0.02 * random.normal());
  await writeModel(
    path,
    layout,
    values,
    { name: 'tiny', preset, licence: 'none', training: {}, quality: {} },
    'float32',
  );
}
