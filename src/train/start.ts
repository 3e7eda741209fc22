/**
 * Where a run begins: its newest checkpoint, another run's parameters, or random values.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { ClearwordError } from '../errors.ts';
import { flatten, type ParameterLayout, unflatten } from '../graph/parameters.ts';
import { cardPath, parameterValues } from '../models/card.ts';
import { DETECTOR_BLOCK, detectorReach } from '../models/detector.ts';
import { readModel } from '../models/model-file.ts';
import { isPlainPreset, type PlainPreset, plainPresets, type TrainedPreset } from '../models/plain/presets.ts';
import { presetSchema } from '../models/preset-schema.ts';
import { presets } from '../models/presets.ts';
import { type Checkpoint, newestCheckpoint, readCheckpoint } from './checkpoint.ts';
import { PRESET_NAMES, type TrainConfig } from './config.ts';
import { initialValues } from './initialise.ts';
import { initialVectors, type OptimiserChoice, optimisers } from './optimisers/index.ts';
import { isTrained } from './trained-part.ts';
import { type TrainingGraphOptions, trainingLayout } from './training-graph.ts';

/** The preset that a configuration names, with its changes. */
function presetOf({ preset: name, network, fusion }: TrainConfig): TrainedPreset {
  const preset: TrainedPreset | undefined = presets[name] ?? plainPresets[name];
  if (!preset)
    throw new ClearwordError('INVALID_OPTION', `preset: expected one of ${PRESET_NAMES.join(', ')}, received ${name}`);
  if (Object.keys({ ...network, ...fusion }).length === 0) return preset;
  if (isPlainPreset(preset)) {
    const received = Object.keys({ ...network, ...fusion }).join(', ');
    const message = `network and fusion: expected no changes for the plain network ${name}, received ${received}`;
    throw new ClearwordError('INVALID_OPTION', message);
  }
  const parsed = presetSchema.safeParse({
    ...preset,
    name: `${name}-changed`,
    network: { ...preset.network, ...network },
    fusion: { ...preset.fusion, ...fusion },
  });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  throw new ClearwordError('INVALID_OPTION', `changes to preset ${name}: ${problems}`);
}

/** Encoders from outside belong to presets that have none of their own. */
function checkEncoders({ encoders }: TrainConfig, { name, external }: TrainedPreset): void {
  if (external && !encoders) {
    throw new ClearwordError('INVALID_OPTION', `encoders.weights: expected weights for preset ${name}, received none`, {
      fix: 'Name the weights of DA-CLIP in the configuration; docs/paper-scale.md says where they are published.',
    });
  }
  if (!external && encoders) {
    throw new ClearwordError('INVALID_OPTION', `encoders: expected none for preset ${name}, which trains its own`);
  }
}

/** The optimiser that a configuration describes. */
function optimiserOf({ optimiser }: TrainConfig): OptimiserChoice {
  const { kind, betas, eps, weightDecay, otherLearningRate } = optimiser;
  if (otherLearningRate !== undefined && !('otherLearningRate' in optimisers[kind].scalars)) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `optimiser.otherLearningRate: expected none for ${kind}, which has one learning rate, received ${otherLearningRate}`,
    );
  }
  return { kind, betas, eps, weightDecay, clipNorm: optimiser.clipNorm ?? Number.POSITIVE_INFINITY };
}

/** Every beginning of a name must be that of some parameter: a slip of the pen would train nothing. */
function checkOnly(options: TrainingGraphOptions): void {
  if (!options.only) return;
  const names = trainingLayout(options).entries.map(({ name }) => name);
  const idle = options.only.find((beginning) => !names.some((name) => name.startsWith(beginning)));
  if (idle === undefined) return;
  const parts = [...new Set(names.map((name) => name.split('.').slice(0, 2).join('.')))];
  const message = `only: expected the beginning of a parameter's name, received ${idle}; parameters begin with ${parts.join(', ')}`;
  throw new ClearwordError('INVALID_OPTION', message);
}

/** A plain network takes away all that its data have, in one pass: what asks for less cannot be trained. */
function checkPlain({ loss, data }: TrainConfig, { name, plain }: PlainPreset): void {
  const fail = (key: string, expected: string, received: unknown): never => {
    const message = `${key}: expected ${expected} for the plain network ${name}, received ${received}`;
    throw new ClearwordError('INVALID_OPTION', message);
  };
  if (loss === 'matching' || loss === 'none') fail('loss', 'one that compares pictures', loss);
  const { subset } = data.prompts;
  if (subset !== 0) fail('data.prompts.subset', '0, because no words are read,', subset);
  if (data.patch % plain.multiple !== 0) fail('data.patch', `a multiple of ${plain.multiple}`, data.patch);
}

/** The training graph that a configuration describes. */
export function graphOptions(config: TrainConfig): TrainingGraphOptions {
  const { batch, loss, only, auxiliary, data } = config;
  const preset = presetOf(config);
  if (loss !== 'matching' && preset.parameterisation !== 'data') {
    throw new ClearwordError(
      'INVALID_OPTION',
      `loss: expected matching for preset ${preset.name}, which predicts noise, received ${loss}`,
    );
  }
  checkEncoders(config, preset);
  if (isPlainPreset(preset)) checkPlain(config, preset);
  const patches = data.grid * data.grid;
  if (batch % patches !== 0) {
    const message = `batch: expected a multiple of the ${patches} patches of a picture (data.grid ${data.grid}), received ${batch}`;
    throw new ClearwordError('INVALID_OPTION', message);
  }
  if (patches > 1 && !preset.encoders && !isPlainPreset(preset)) {
    const message = `data.grid: expected 1 for preset ${preset.name}, whose embeddings are made of each patch, received ${data.grid}`;
    throw new ClearwordError('INVALID_OPTION', message);
  }
  const detector = preset.encoders?.controller.detector;
  if (detector && (data.patch % DETECTOR_BLOCK !== 0 || data.patch < detectorReach(detector))) {
    const message = `data.patch: expected a multiple of ${DETECTOR_BLOCK}, at least ${detectorReach(detector)}, for the detector of preset ${preset.name}, received ${data.patch}`;
    throw new ClearwordError('INVALID_OPTION', message);
  }
  if (loss === 'none' && !preset.encoders) {
    const message = `loss: expected a loss of the restoration for preset ${preset.name}, which has nothing else to train, received none`;
    throw new ClearwordError('INVALID_OPTION', message);
  }
  const options = { preset, batch, patches, patch: data.patch, loss, only, auxiliary, optimiser: optimiserOf(config) };
  checkOnly(options);
  return options;
}

/** Names and shapes in order: two networks with the same text can exchange checkpoints. */
const describeLayout = (layout: ParameterLayout) =>
  layout.entries.map(({ name, shape }) => `${name}[${shape.join(',')}]`).join(' ');

/**
 * The parameters to start from: a model's (its card lies beside it), or the averaged ones of another run's checkpoint,
 * which are what that run would have been used with.
 */
async function parametersOf(
  path: string,
  layout: ParameterLayout,
  { seed, only }: TrainConfig,
  check: (path: string, checkpoint: Checkpoint) => Checkpoint,
): Promise<Float32Array> {
  const isModel = path.endsWith('.safetensors') && existsSync(cardPath(path));
  if (!isModel) return check(path, await readCheckpoint(path)).vectors.average;
  const { weights } = await readModel(path);
  // What is to be trained may be new to the model.
  const fresh = unflatten(layout, initialValues(layout, seed));
  const isNew = (name: string) => only !== undefined && isTrained(only, name) && !weights.tensors.has(name);
  const known = { ...layout, entries: layout.entries.filter(({ name }) => !isNew(name)) };
  return flatten(layout, new Map([...fresh, ...parameterValues(known, weights, `model ${path}`)]));
}

/** A checkpoint is another optimiser's too, if that one keeps the same vectors. */
function forOptimiser({ optimiser: { kind } }: TrainConfig, path: string, checkpoint: Checkpoint): Checkpoint {
  const stateOf = (names: readonly string[]) => [...names].sort().join(', ') || 'none';
  const { parameters: _, average: __, ...state } = checkpoint.vectors;
  const [wanted, found] = [stateOf(optimisers[kind].state), stateOf(Object.keys(state))];
  if (wanted === found) return checkpoint;
  const message = `checkpoint ${path}: expected the state of optimiser ${kind} (${wanted}), received ${found}`;
  throw new ClearwordError('CHECKPOINT_INVALID', message, {
    fix: 'Use the optimiser that the run was started with, or start another run with initialise.',
  });
}

/** Where the run begins: its newest checkpoint, another run's parameters, or random values. */
export async function startingPoint(
  config: TrainConfig,
  folder: string,
  parameters: ParameterLayout,
  resume: boolean,
): Promise<Checkpoint> {
  const layout = describeLayout(parameters);
  const check = (path: string, checkpoint: Checkpoint): Checkpoint => {
    if (checkpoint.layout === layout) return checkpoint;
    const message = `checkpoint ${path}: expected the parameters of preset ${config.preset}, received those of another network`;
    throw new ClearwordError('CHECKPOINT_INVALID', message, {
      fix: 'Use the configuration that the run was started with.',
    });
  };
  const newest = await newestCheckpoint(folder);
  if (resume) {
    if (!newest) throw new ClearwordError('INPUT_NOT_FOUND', `resume: expected a checkpoint in ${folder}, found none`);
    return forOptimiser(config, newest, check(newest, await readCheckpoint(newest)));
  }
  if (newest) {
    throw new ClearwordError('OUTPUT_EXISTS', `${folder}: expected a folder without checkpoints, found ${newest}`, {
      fix: 'Use --resume to go on with that run, or another output folder.',
    });
  }
  const fresh = { step: 0, milliseconds: 0, config, layout };
  const values =
    config.initialise === undefined
      ? initialValues(parameters, config.seed)
      : await parametersOf(config.initialise, parameters, config, check);
  return { ...fresh, vectors: initialVectors(config.optimiser.kind, values) };
}
