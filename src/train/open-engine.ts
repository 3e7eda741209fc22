/**
 * Which engine a run is computed by.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import { isPlainPreset } from '../models/plain/presets.ts';
import { BuiltInEngine } from './built-in-engine.ts';
import type { TrainConfig } from './config.ts';
import type { Vectors } from './optimisers/index.ts';
import { PyTorchEngine, type PyTorchOptions } from './pytorch/engine.ts';
import { findPython, probePyTorch } from './pytorch/python.ts';
import type { StepEngine } from './step-engine.ts';
import type { TrainingGraphOptions } from './training-graph.ts';

/** `auto` takes PyTorch where it has a CUDA device: on a plain CPU the built-in engine is the faster one. */
async function chosenEngine({ engine, python }: TrainConfig): Promise<'built-in' | 'pytorch'> {
  if (engine !== 'auto') return engine;
  const found = await findPython(python).catch(() => undefined);
  if (found === undefined) return 'built-in';
  return (await probePyTorch(found))?.cuda ? 'pytorch' : 'built-in';
}

/** Opens the engine that a configuration names, with the vectors [P] to begin with. */
export async function openEngine(
  config: TrainConfig,
  options: TrainingGraphOptions,
  vectors: Vectors,
  events: PyTorchOptions = {},
): Promise<StepEngine> {
  const { preset } = options;
  if (isPlainPreset(preset)) {
    if (config.engine === 'pytorch') {
      const message = `engine: expected built-in for the plain network ${preset.name}, received pytorch`;
      throw new ClearwordError('INVALID_OPTION', message);
    }
  } else if ((await chosenEngine(config)) === 'pytorch') {
    return PyTorchEngine.open(config, { ...options, preset }, vectors, events);
  }
  if (config.echo > 1) {
    const message = `echo: expected 1 with the built-in engine, which is not faster than the loader, received ${config.echo}`;
    throw new ClearwordError('INVALID_OPTION', message);
  }
  return BuiltInEngine.open(config, options, vectors);
}
