/**
 * The library's one class.
 *
 * @module
 */

import { ClearwordError, throwIfCancelled } from './errors.ts';
import { checkFits } from './image/image-encode.ts';
import { type DecodedImage, type ImageFormat, type ImageSource, readImage } from './image/image-file.ts';
import { fromRawPixels, type RawPixels } from './image/picture.ts';
import { type AnyModel, type Findings, isPlain, type PlainModel, type RestorationModel } from './models/model.ts';
import type { DescriptorOption } from './models/plain/descriptor.ts';
import { checkOptions } from './options.ts';
import { inspecting, inspectPicture } from './restore/conditioning.ts';
import { coverHiddenColours } from './restore/hidden-colours.ts';
import {
  inspectCallSchema,
  limitsFor,
  type RestoreParameters,
  type RestoreSettings,
  restoreCallSchema,
  settingsFor,
} from './restore/options.ts';
import { provenanceOf } from './restore/provenance.ts';
import { checkSettings, restorePicture } from './restore/restore-picture.ts';
import { RestoreResult } from './restore/result.ts';
import { statesStrip } from './restore/states.ts';
import type { DeviceChoice } from './runtime/protocol.ts';

/** A path, the bytes of a JPEG, PNG, WebP, TIFF or AVIF file, or raw pixels. */
export type ImageInput = string | Uint8Array | RawPixels;

export interface LoadOptions {
  /**
   * A model: path, `hub:owner/name/file` or https address of its weights, beside which its card lies; or any ONNX network that
   * maps a picture to a picture. Default: the bundled one.
   */
  readonly model?: string;
  /**
   * Weights of the encoders of a model that has none of its own (CLIP and DA-CLIP): a path, `hub:owner/name/file` or an https
   * address. Default: those that the model's card names.
   */
  readonly encoders?: string;
  /**
   * What the file of an ONNX network does not say about it, such as `{ range: '0..255', channels: 'bgr' }`; it counts for more
   * than the file `x.json` beside `x.onnx`. docs/other-models.md has all of it.
   */
  readonly descriptor?: DescriptorOption;
  /** Called while weights are downloaded: bytes received, and bytes in all if they are known. */
  readonly onDownload?: (progress: { readonly received: number; readonly total: number | undefined }) => void;
  /** Where to compute. Default cpu; auto takes the first of cuda, webgpu and cpu that works. */
  readonly device?: DeviceChoice;
  /**
   * What the network computes with. Default float32. float16 is for graphics cards: half the memory; what overflows is
   * computed again in float32.
   */
  readonly precision?: 'float32' | 'float16';
  /** Threads of one operator on the CPU. Default 0: one for each core. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** How far a restoration is. */
export interface RestoreProgress {
  readonly stage: 'read' | 'inspect' | 'restore';
  /** 0..1 of the whole restoration. */
  readonly fraction: number;
}

export interface RestoreOptions extends RestoreParameters {
  /** Format that the result is meant for: whether it can hold the picture is checked before the work. */
  readonly format?: ImageFormat;
  /** Called as the work goes on, from the calling thread. */
  readonly onProgress?: (progress: RestoreProgress) => void;
  /** Stops the work at the next step: CANCELLED. */
  readonly signal?: AbortSignal;
}

export interface InspectOptions {
  /** Refuse larger pictures, in millions of pixels. Default 100. */
  readonly maxMegapixels?: number;
  /** Refuse JPEGs that end early. Default false. */
  readonly strict?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * A loaded model, ready to restore pictures.
 *
 * @example
 * ```ts
 * import { Clearword } from 'clearword';
 *
 * const clearword = await Clearword.load();
 * const restored = await clearword.restore('rainy.jpg', { prompt: 'remove the rain, keep the fog' });
 * await restored.toFile('clear.jpg');
 * await clearword.dispose();
 * ```
 */
export class Clearword {
  readonly #model: AnyModel;
  #disposed = false;

  /** Takes a model of one's own; `Clearword.load` takes one from a file. */
  constructor(model: AnyModel) {
    this.#model = model;
  }

  /**
   * Loads a model.
   *
   * Errors: INVALID_OPTION, MODEL_NOT_FOUND, MODEL_INVALID, DOWNLOAD_FAILED, DEVICE_UNAVAILABLE, RUNTIME_FAILED, CANCELLED.
   */
  static async load(options: LoadOptions = {}): Promise<Clearword> {
    const { loadOptionsSchema } = await import('./models/load-options.ts');
    const { device, threads } = checkOptions(loadOptionsSchema, options);
    const { model, encoders, descriptor, onDownload, precision, signal } = options;
    throwIfCancelled(signal, 'loading the model');
    const { loadModel } = await import('./models/load.ts');
    return new Clearword(
      await loadModel({
        ...(model !== undefined && { path: model }),
        ...(encoders !== undefined && { encoders }),
        ...(descriptor !== undefined && { descriptor }),
        ...(onDownload !== undefined && { onDownload }),
        device,
        threads,
        ...(precision !== undefined && { precision }),
        ...(signal !== undefined && { signal }),
      }),
    );
  }

  /** Name, hash, degradations and defaults of the loaded model; of a plain network how its input is made instead. */
  get model(): Pick<AnyModel, 'name' | 'hash' | 'defaultTile'> &
    Partial<Pick<RestorationModel, 'defaults' | 'degradations'> & Pick<PlainModel, 'reading'>> {
    const { name, hash, defaultTile } = this.#model;
    if (isPlain(this.#model)) return { name, hash, defaultTile, reading: this.#model.reading };
    const { defaults, degradations } = this.#model;
    return { name, hash, defaultTile, defaults, degradations };
  }

  /**
   * The options with all defaults filled in, as `restore` would use them. Errors: INVALID_OPTION, as from `restore`.
   */
  settings(parameters: RestoreParameters = {}): RestoreSettings {
    const settings = settingsFor(this.#model, parameters);
    checkSettings(this.#model, settings);
    return settings;
  }

  /**
   * Restores a picture of up to `maxMegapixels`.
   *
   * The result has the input's depth, colours, transparency and metadata, and records what was done in its XMP. Steps,
   * sampler and tile default to the model's; the same seed, device and version give the same bytes.
   *
   * Errors: INVALID_OPTION, INPUT_NOT_FOUND, INPUT_UNREADABLE, NOT_AN_IMAGE, IMAGE_DAMAGED, IMAGE_ANIMATED,
   * IMAGE_TOO_LARGE, NON_FINITE, RUNTIME_FAILED, CANCELLED.
   *
   * @example
   * ```ts
   * const result = await clearword.restore(await readFile('photo.tif'), { samples: 4, seed: 7 });
   * await result.toFile('mean.png');
   * await result.uncertainty?.image.toFile('uncertainty.png');
   * ```
   */
  async restore(input: ImageInput, options: RestoreOptions = {}): Promise<RestoreResult> {
    this.#check();
    // Before the picture is read, so that a typing error costs nothing.
    const { compare, saveStates, strip, strict, maxMegapixels } = checkOptions(restoreCallSchema, options);
    const { format, onProgress, signal, ...parameters } = options;
    const settings = this.settings(parameters);
    onProgress?.({ stage: 'read', fraction: 0 });
    const { picture, source, warnings, file } = await readInput(input, {
      maxMegapixels,
      toSrgb: strip,
      strict,
      signal,
    });
    if (format !== undefined) checkFits(format, picture.width, picture.height);
    const restoration = await restorePicture(this.#model, picture, settings, { onProgress, signal });
    const guided = saveStates && !isPlain(this.#model) ? this.#model : undefined;
    const states = guided && (await statesStrip(guided, picture, settings, signal));
    const provenance = provenanceOf(this.#model, settings, restoration.tile);
    const parts = { input: picture, source, warnings, restoration, provenance, compare, strip, states, file };
    return new RestoreResult(parts);
  }

  /**
   * What the controller finds in a picture: for each degradation that the model
   * knows the probability that it is there, its strength, and what follows by the thresholds of the model.
   *
   * Errors: INVALID_OPTION for a plain network, which finds nothing, those of reading in `restore`, RUNTIME_FAILED, CANCELLED.
   */
  async inspect(input: ImageInput, options: InspectOptions = {}): Promise<Findings> {
    this.#check();
    const model = inspecting(this.#model);
    const { maxMegapixels, strict, signal } = checkOptions(inspectCallSchema, options);
    const { picture } = await readInput(input, { maxMegapixels, toSrgb: false, strict, signal });
    return inspectPicture(model, coverHiddenColours(picture), signal);
  }

  /** Frees the model's memory and threads; afterwards the object refuses to work. May be called twice. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#model.dispose();
  }

  #check(): void {
    if (!this.#disposed) return;
    throw new ClearwordError('INVALID_OPTION', 'expected a loaded Clearword, received one that was disposed of', {
      fix: 'Call Clearword.load() again.',
    });
  }
}

interface ReadSettings {
  readonly maxMegapixels: number;
  readonly toSrgb: boolean;
  readonly strict: boolean;
  readonly signal: AbortSignal | undefined;
}

/** What is an address and not a path. */
const ADDRESS = /^(?:file|https?|data):.{0,80}/i;

async function readInput(
  input: ImageInput,
  { maxMegapixels, toSrgb, strict, signal }: ReadSettings,
): Promise<Omit<DecodedImage, 'source'> & { readonly source: ImageSource | undefined }> {
  const limits = limitsFor(maxMegapixels);
  const address = input instanceof URL ? input.href : typeof input === 'string' ? ADDRESS.exec(input)?.[0] : undefined;
  if (address !== undefined) {
    throw new ClearwordError('INVALID_OPTION', `expected a path for input, received the address ${address}`, {
      fix: 'Give the path: fileURLToPath of node:url makes it from a file: address; download other addresses first.',
    });
  }
  if (typeof input === 'string' || input instanceof Uint8Array) {
    return readImage(input, { limits, toSrgb, strict, signal });
  }
  if (typeof input !== 'object' || input === null) {
    const expected = 'a path, a Buffer or { data, width, height, channels }';
    throw new ClearwordError('INVALID_OPTION', `expected ${expected} for input, received ${String(input)}`);
  }
  const picture = fromRawPixels(input);
  const pixels = picture.width * picture.height;
  if (pixels > limits.pixels) {
    throw new ClearwordError('IMAGE_TOO_LARGE', `expected at most ${limits.pixels} pixels, received ${pixels}`);
  }
  return { picture, source: undefined, warnings: [] };
}
