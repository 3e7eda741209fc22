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

/**
 * `auto` takes PyTorch where it has a CUDA device and the configuration leaves or names that one, and on a CPU where bfloat16 is
 * measured to be much faster and may be used: in float32 the built-in engine is as fast (docs/training.md). It also computes on what
 * PyTorch cannot (WebGPU).
 */
async function chosenEngine(
  { engine, python, device, precision }: TrainConfig,
  onNote?: (note: string) => void,
): Promise<'built-in' | 'pytorch'> {
  if (engine !== 'auto') return engine;
  if (device === 'webgpu') return 'built-in';
  try {
    const found = await findPython(python);
    const probe = await probePyTorch(found);
    if (probe?.cuda && device !== 'cpu') return 'pytorch';
    if (probe?.bfloat16 && device !== 'cuda' && precision !== 'float32') return 'pytorch';
    if (probe === undefined) throw new ClearwordError('PACKAGE_MISSING', `${found} cannot load its PyTorch`);
  } catch (error) {
    // Without one that is named, it is no surprise that there is none.
    if (python !== undefined && error instanceof ClearwordError) {
      onNote?.(`engine auto: PyTorch is not used: ${error.message}`);
    }
  }
  return 'built-in';
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
  } else if ((await chosenEngine(config, events.onNote)) === 'pytorch') {
    return PyTorchEngine.open(config, { ...options, preset }, vectors, events);
  }
  if (config.echo > 1) {
    const message = `echo: expected 1 with the built-in engine, which is not faster than the loader, received ${config.echo}`;
    throw new ClearwordError('INVALID_OPTION', message);
  }
  return BuiltInEngine.open(config, options, vectors);
}
