/**
 * The presets of plain networks, beside those of diffusion models (`models/presets.ts`).
 *
 * @module
 */
import { KNOWN_DEGRADATIONS } from '../../degradations/index.ts';
import type { Preset } from '../preset-schema.ts';
import { ffdnet, type PlainNetwork, prenet } from './networks.ts';

/** A plain network as training sees it: like a preset that has no encoders, no words and no steps. */
export interface PlainPreset {
  readonly name: string;
  readonly plain: PlainNetwork;
  /** What its data may have: which of these it learns to remove, the data of its training decide. */
  readonly degradations: readonly string[];
  readonly parameterisation: 'data';
  readonly encoders?: undefined;
  readonly external?: undefined;
}

/** Everything that can be trained. */
export type TrainedPreset = Preset | PlainPreset;

export const isPlainPreset = (preset: TrainedPreset): preset is PlainPreset => 'plain' in preset;

const plainPreset = (name: string, plain: PlainNetwork): PlainPreset => ({
  name,
  plain,
  degradations: KNOWN_DEGRADATIONS,
  parameterisation: 'data',
});

/** As large as minutes on a processor can train. */
export const plainPresets: Readonly<Record<string, PlainPreset>> = {
  ffdnet: plainPreset('ffdnet', ffdnet({ width: 48, depth: 8 })),
  prenet: plainPreset('prenet', prenet({ width: 16, blocks: 2, stages: 4 })),
};
