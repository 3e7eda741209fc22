/**
 * Loading a model from its files.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import type { DownloadProgress } from '../hub/download.ts';
import { besideSource, parseSource } from '../hub/source.ts';
import { chooseDevice } from '../runtime/device.ts';
import { Engine } from '../runtime/engine.ts';
import type { DeviceChoice } from '../runtime/protocol.ts';
import type { ModelFile } from './card.ts';
import { identityOf } from './identity.ts';
import { loadEncoders } from './load-encoders.ts';
import { type InferencePrecision, LoadedModel } from './loaded-model.ts';
import type { AnyModel, ModelEncoders } from './model.ts';
import { readModel } from './model-file.ts';
import type { DescriptorOption } from './plain/descriptor.ts';
import { isOnnxModel, readOnnxModel } from './plain/load-onnx.ts';
import { OnnxModel, type OnnxModelParts } from './plain/onnx-model.ts';
import { readingText } from './plain/reading-text.ts';

/** The model that comes with the package; sources and build lie equally deep. */
const bundledModel = (): string => fileURLToPath(new URL('../../weights/lite.safetensors', import.meta.url));

/** What stands for its path; a file of this name in the working folder is ./lite. */
const BUNDLED_NAME = 'lite';

/** Where a model is: the bundled one if none is named, or if it is named `lite`. */
export const modelSource = (source: string = BUNDLED_NAME): string =>
  source === BUNDLED_NAME ? bundledModel() : source;

export interface LoadModelOptions {
  /**
   * Weights (.safetensors) with their card (.json) beside them, or any ONNX network that maps a picture to a picture: path,
   * `hub:owner/name/file` or https address; `lite`, or nothing: the bundled model.
   */
  readonly path?: string;
  /** Weights of the encoders of a model that has none of its own: path, hub name or address; else those its card names. */
  readonly encoders?: string;
  /** What an ONNX network's file does not say about it; docs/other-models.md. */
  readonly descriptor?: DescriptorOption;
  /** Called while weights are downloaded. */
  readonly onDownload?: (progress: DownloadProgress) => void;
  readonly device?: DeviceChoice;
  /** What the network computes with; default: float32. Float16 that overflows is computed again in float32. */
  readonly precision?: InferencePrecision;
  /** Threads of the engine; 0: one per core. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Where the encoders' weights are; a path on a card is relative to the model. */
function encoderSource({ card }: ModelFile, model: string, given: string | undefined): string {
  if (given !== undefined) return given;
  const source = card.encoders?.source;
  if (source === undefined) {
    throw new ClearwordError('MODEL_INVALID', `model ${model}: expected weights of its encoders, received none`, {
      fix: 'Give the weights of DA-CLIP with --encoders; docs/paper-scale.md says where they are published.',
    });
  }
  return parseSource(source).kind === 'path' ? besideSource(model, source) : source;
}

const NO_ONNX = 'Leave it out, or give an ONNX network with --model.';
const ONLY_OWN = 'Leave it out: an ONNX network computes as it was exported, without encoders.';

/** An ONNX network; options of other models are errors. */
async function loadPlain(source: string, options: LoadModelOptions): Promise<AnyModel> {
  const { device = 'cpu', threads = 0, signal, onDownload, descriptor, encoders, precision } = options;
  for (const [name, value] of Object.entries({
    encoders,
    precision: precision === 'float16' ? precision : undefined,
  })) {
    if (value === undefined) continue;
    const message = `expected no ${name} for the ONNX network ${source}, received ${value}`;
    throw new ClearwordError('INVALID_OPTION', message, { fix: ONLY_OWN });
  }
  return openOnnxModel(await readOnnxModel(source, { descriptor, onDownload, signal }), { device, threads });
}

/** A network out of an ONNX file that was read, in an engine of its own. Errors: DEVICE_UNAVAILABLE, RUNTIME_FAILED. */
export async function openOnnxModel(
  parts: OnnxModelParts,
  { device, threads }: { readonly device: DeviceChoice; readonly threads: number },
): Promise<OnnxModel> {
  const engine = new Engine({ device: await chooseDevice(device), threads });
  try {
    return await OnnxModel.load(parts, engine);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/**
 * Loads a model: a diffusion model, or an ONNX network, by what the file is.
 *
 * @throws ClearwordError MODEL_NOT_FOUND, MODEL_INVALID, DOWNLOAD_FAILED, DEVICE_UNAVAILABLE, CANCELLED
 */
export async function loadModel(options: LoadModelOptions = {}): Promise<AnyModel> {
  const { path, device = 'cpu', threads = 0, signal, onDownload } = options;
  const source = modelSource(path);
  if (await isOnnxModel(source, { onDownload, signal })) return loadPlain(source, options);
  if (options.descriptor !== undefined) {
    const message = `expected no descriptor for the model ${source}, which is no ONNX network, received one`;
    throw new ClearwordError('INVALID_OPTION', message, { fix: NO_ONNX });
  }
  const file = await readModel(source, { onProgress: onDownload, signal });
  throwIfCancelled(signal, 'loading the model');
  const { external } = file.card.preset;
  const weights = external && encoderSource(file, source, options.encoders);
  const engine = new Engine({ device: await chooseDevice(device), threads });
  try {
    let encoders: ModelEncoders | undefined;
    if (external && weights !== undefined) {
      const loaded = await loadEncoders(engine, external, weights, { onDownload, signal });
      checkEncoders(file, source, weights, loaded.hash);
      encoders = loaded.encoders;
    }
    const { sha256 } = file.card;
    const again = async () => {
      const read = await readModel(source);
      if (read.card.sha256 === sha256) return read;
      throw new ClearwordError('MODEL_INVALID', `model ${source}: expected the file that was loaded, received another`);
    };
    return new LoadedModel(file, engine, `model ${source}`, { encoders, precision: options.precision, again });
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** The identity that a model has when it is loaded, without loading it. Errors: those of loading. */
export async function modelIdentity(named?: string, descriptor?: DescriptorOption): Promise<string> {
  const source = modelSource(named);
  if (!(await isOnnxModel(source, {}))) return identityOf({ hash: (await readModel(source)).card.sha256 });
  const { hash, reading } = await readOnnxModel(source, { descriptor });
  return identityOf({ hash, reading: readingText(reading) });
}

/** Other encoders speak another language than the one that the network learned. */
function checkEncoders({ card }: ModelFile, model: string, weights: string, hash: string): void {
  const expected = card.encoders?.sha256;
  if (expected === undefined || expected === hash) return;
  const message = `model ${model}: expected encoders with the hash ${expected}, received ${weights} with ${hash}`;
  throw new ClearwordError('MODEL_INVALID', message, { fix: 'Use the encoders that the model was trained with.' });
}
