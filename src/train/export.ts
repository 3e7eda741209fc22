/**
 * A checkpoint's averaged parameters as a model that can be loaded.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { ClearwordError } from '../errors.ts';
import { flatten, unflatten } from '../graph/parameters.ts';
import { cardPath, type ModelCard, parseCard } from '../models/card.ts';
import { encodersOnCard } from '../models/load-encoders.ts';
import { modelLayout } from '../models/loaded-model.ts';
import { expectModelName, type StoredPrecision, writeModel } from '../models/model-file.ts';
import { isPlainPreset } from '../models/plain/presets.ts';
import { readCheckpoint } from './checkpoint.ts';
import { parseTrainConfig } from './config.ts';
import { graphOptions } from './start.ts';
import { trainingLayout } from './training-graph.ts';

export interface ExportOptions {
  /** Half precision halves the file. */
  readonly precision: StoredPrecision;
  readonly name?: string | undefined;
  readonly licence?: string | undefined;
  /** What the data were and on which terms, for the card. */
  readonly data?: string | undefined;
}

/** Terms of a model whose trainer stated none. */
const UNSTATED = 'not stated';

/**
 * Writes `out` (.safetensors) and its card (.json).
 *
 * @throws ClearwordError CHECKPOINT_INVALID, INVALID_OPTION, OUTPUT_UNWRITABLE
 */
export async function exportCheckpoint(path: string, out: string, options: ExportOptions): Promise<ModelCard> {
  expectModelName(out);
  const checkpoint = await readCheckpoint(path);
  const config = parseTrainConfig(checkpoint.config, `configuration in ${path}`);
  const trained = graphOptions(config);
  const { preset } = trained;
  if (isPlainPreset(preset)) {
    throw new ClearwordError('INVALID_OPTION', `expected --onnx for the plain network ${preset.name}, received none`, {
      fix: 'Give --onnx, and a name that ends in .onnx.',
    });
  }
  const values = unflatten(trainingLayout(trained), checkpoint.vectors.average);
  const layout = modelLayout(preset);
  // Paths on the trainer's disk are nobody's business and tell nothing.
  const { data, validation: _, initialise: __, encoders, ...rest } = config;
  const { roots: ___, ...recipe } = data;
  return writeModel(
    out,
    layout,
    flatten(layout, values),
    {
      name: options.name ?? preset.name,
      preset,
      ...(encoders &&
        preset.external && {
          encoders: await encodersOnCard(preset.external, encoders.weights, { folder: '.', model: out }),
        }),
      licence: options.licence ?? UNSTATED,
      training: {
        data: options.data ?? UNSTATED,
        steps: checkpoint.step,
        minutes: Math.round(checkpoint.milliseconds / 60_000),
        config: { ...rest, data: recipe },
        ...(await trainedBefore(config.initialise)),
      },
      quality: {},
    },
    options.precision,
  );
}

/** How the model that a run began from was trained, where its card still says. */
async function trainedBefore(initialise: string | undefined): Promise<{ readonly before?: ModelCard['training'] }> {
  if (!initialise?.endsWith('.safetensors')) return {};
  const path = cardPath(initialise);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? {} : { before: parseCard(text, path).training };
}
