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

export interface TinyModelOptions {
  /** Default: those of the preset. */
  readonly degradations?: readonly string[];
  /** What it finds in every picture, whatever its random weights make of it. Default: noise. */
  readonly finds?: readonly string[];
  /** Whether it can be told strengths. Default: as the preset. */
  readonly strengths?: boolean;
  /** Default side of its tiles. Default: as the preset. */
  readonly tile?: number;
}

const ALWAYS = { temperature: 1, found: 0, perhaps: 0 };
const NEVER = { temperature: 1, found: 1, perhaps: 1 };

/** Writes the weights (.safetensors) and their card. Fresh weights change nothing, so that noise is laid on all of them. */
export async function writeTinyModel(path: string, options: TinyModelOptions = {}): Promise<void> {
  const tiny = presets.tiny as Preset;
  const { degradations = tiny.degradations, finds = ['noise'], strengths = tiny.fusion.strengths } = options;
  const fusion = { ...tiny.fusion, ...(strengths !== undefined && { strengths }) };
  const defaults = { ...tiny.defaults, tile: options.tile ?? tiny.defaults.tile };
  const preset = { ...tiny, degradations, fusion, defaults };
  const verdicts = degradations.map((name) => [name, finds.includes(name) ? ALWAYS : NEVER] as const);
  const calibration = Object.fromEntries(verdicts);
  const layout = modelLayout(preset);
  const random = new Random(5);
  const values = initialValues(layout, 1).map((value) => value + 0.02 * random.normal());
  await writeModel(
    path,
    layout,
    values,
    { name: 'tiny', preset, licence: 'none', training: {}, quality: {}, calibration },
    'float32',
  );
}
