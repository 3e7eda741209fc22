/**
 * Loading a model from its files.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { throwIfCancelled } from '../errors.ts';
import { chooseDevice } from '../runtime/device.ts';
import { Engine } from '../runtime/engine.ts';
import type { DeviceChoice } from '../runtime/protocol.ts';
import { LoadedModel } from './loaded-model.ts';
import type { RestorationModel } from './model.ts';
import { readModel } from './model-file.ts';

/** The model that comes with the package; sources and build lie equally deep. */
export const bundledModel = (): string => fileURLToPath(new URL('../../weights/lite.safetensors', import.meta.url));

export interface LoadModelOptions {
  /** Weights (.safetensors) with their card (.json) beside them; the bundled model unless given. */
  readonly path?: string;
  readonly device?: DeviceChoice;
  /** Threads of the engine; 0: one per core. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/**
 * Loads a model.
 *
 * @throws ClearwordError MODEL_NOT_FOUND, MODEL_INVALID, DEVICE_UNAVAILABLE, CANCELLED
 */
export async function loadModel({
  path,
  device = 'cpu',
  threads = 0,
  signal,
}: LoadModelOptions = {}): Promise<RestorationModel> {
  const source = path ?? bundledModel();
  const file = await readModel(source);
  throwIfCancelled(signal, 'loading the model');
  const engine = new Engine({ device: await chooseDevice(device), threads });
  try {
    return new LoadedModel(file, engine, `model ${source}`);
  } catch (error) {
    await engine.close();
    throw error;
  }
}
