/**
 * Clearword in a browser: the same networks, samplers and tiles as in Node, in a Web Worker of the page.
 *
 * @module
 */
import { WorkerClient } from './browser/client.ts';
import { BrowserResult } from './browser/image.ts';
import type {
  BrowserInput,
  BrowserParameters,
  LoadProgress,
  ModelSource,
  ModelSummary,
  PartialPicture,
} from './browser/protocol.ts';
import { ClearwordError } from './errors.ts';
import type { Findings } from './models/model.ts';
import type { DescriptorOption } from './models/plain/descriptor.ts';
import type { Area, Progress } from './restore/restore-picture.ts';
import type { WebDeviceChoice } from './runtime/web/device.ts';
import type { WebDevice } from './runtime/web/engine.ts';

export type { CanvasFormat } from './browser/file-metadata.ts';
export {
  type BlobSettings,
  BrowserImage,
  BrowserResult,
  type BrowserRole,
  type StoredResult,
} from './browser/image.ts';
export type {
  BrowserInput,
  BrowserParameters,
  LoadProgress,
  ModelSummary,
  PartialPicture,
} from './browser/protocol.ts';
export type { Degradation } from './degradations/index.ts';
export { ClearwordError, type ErrorCode } from './errors.ts';
export type { RawPixels } from './image/picture.ts';
export type { Findings } from './models/model.ts';
export type { Descriptor, DescriptorOption } from './models/plain/descriptor.ts';
export type { Decision } from './restore/policy.ts';
export type { Provenance } from './restore/provenance.ts';
export type { Area, Progress } from './restore/restore-picture.ts';
export type { WebDeviceChoice } from './runtime/web/device.ts';
export type { WebDevice } from './runtime/web/engine.ts';
export { VERSION } from './version.ts';

/** A diffusion model by its addresses. */
export interface WeightsSource {
  /** Address of the weights (.safetensors). */
  readonly weights: string | URL;
  /** Address of their card. Default: beside the weights, with the ending .json. */
  readonly card?: string | URL;
  readonly model?: undefined;
}

/** Any ONNX network that maps a picture to a picture. */
export interface OnnxSource {
  /** A file, such as a visitor chooses, or its address. It is run on this device, and stays there. */
  readonly model: Blob | string | URL;
  /**
   * What the file does not say about its network, such as `{ range: '0..255', channels: 'bgr' }`; docs/other-models.md has all of it.
   */
  readonly descriptor?: DescriptorOption;
  readonly weights?: undefined;
}

export type BrowserLoadOptions = (WeightsSource | OnnxSource) & EngineOptions;

export interface EngineOptions {
  /** `auto` (default): WebGPU where a graphics card offers it, else WebAssembly. */
  readonly device?: WebDeviceChoice;
  /** Threads of WebAssembly; more than 1 needs a cross-origin isolated page. Default 0: one per core, at most four. */
  readonly threads?: number;
  /**
   * Addresses of the runtime's .wasm files, by device. Default: where the bundler put them. With addresses their download
   * is part of the progress.
   */
  readonly runtime?: Readonly<Partial<Record<WebDevice, string | URL>>>;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
}

export interface BrowserRestoreOptions extends BrowserParameters {
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Called with what can be shown on the way: with `preview` the whole picture, smaller, and then each tile as it is done, before
   * its edges are blended and before `amount`.
   */
  readonly onPartial?: (partial: PartialPicture) => void;
  /** Restores the picture at a smaller size before, for `onPartial`: a quarter of the work more, or less. Default false. */
  readonly preview?: boolean;
  /** The area that is restored first, for `onPartial`. */
  readonly first?: Area;
  /** Rejects at once with CANCELLED; the worker stops at the next step of the diffusion. */
  readonly signal?: AbortSignal;
}

export interface BrowserInspectOptions {
  /** Refuse larger pictures, in millions of pixels. Default 100. */
  readonly maxMegapixels?: number;
  readonly signal?: AbortSignal;
}

/** Addresses are relative to the page, as everywhere in a page; to the worker they would be relative to its script. */
const absolute = (url: string | URL): string => new URL(url, globalThis.location.href).href;

/** `model.safetensors?v=2` -> `model.json?v=2`. */
function cardBeside(weights: string): string {
  const url = new URL(weights);
  url.pathname = `${url.pathname.replace(/\.safetensors$/, '')}.json`;
  return url.href;
}

function sourceOf(options: WeightsSource | OnnxSource): ModelSource {
  if ((options.weights === undefined) === (options.model === undefined)) {
    const received = options.weights === undefined ? 'neither' : 'both';
    throw new ClearwordError('INVALID_OPTION', `expected either weights or model, received ${received}`);
  }
  if (options.model === undefined) {
    const weights = absolute(options.weights);
    return { weights, card: options.card === undefined ? cardBeside(weights) : absolute(options.card) };
  }
  const { model, descriptor } = options;
  return { onnx: model instanceof Blob ? model : absolute(model), descriptor };
}

/**
 * A model loaded into a worker, ready to restore pictures.
 *
 * @example
 * ```ts
 * import { Clearword } from 'clearword/browser';
 *
 * const clearword = await Clearword.load({ weights: '/models/lite.safetensors' });
 * const restored = await clearword.restore(file, { prompt: 'remove the rain' });
 * image.src = URL.createObjectURL(await restored.toBlob());
 * ```
 */
export class Clearword {
  /** Name, hash and defaults of the model, and the device that it runs on. */
  readonly model: ModelSummary;
  readonly #client: WorkerClient;

  private constructor(client: WorkerClient, model: ModelSummary) {
    this.#client = client;
    this.model = model;
  }

  /**
   * Loads a model. The weights are downloaded once and kept in the browser's cache; an ONNX network is read anew each time.
   *
   * @throws ClearwordError INVALID_OPTION, MODEL_NOT_FOUND, MODEL_INVALID, DEVICE_UNAVAILABLE, RUNTIME_FAILED, CANCELLED
   */
  static async load(options: BrowserLoadOptions): Promise<Clearword> {
    const { device = 'auto', threads = 0, runtime = {}, onProgress, signal } = options;
    const source = sourceOf(options);
    const addresses = Object.fromEntries(Object.entries(runtime).map(([name, url]) => [name, absolute(url)]));
    // Written out like this, bundlers find the worker's script.
    const client = new WorkerClient(
      () => new Worker(new URL('./browser/worker.js', import.meta.url), { type: 'module', name: 'clearword' }),
    );
    try {
      const request = { kind: 'load', source, device, threads, runtime: addresses } as const;
      return new Clearword(client, await client.ask(request, { onProgress, signal }));
    } catch (error) {
      client.end(new ClearwordError('RUNTIME_FAILED', 'the worker was ended because its model did not load'));
      throw error;
    }
  }

  /**
   * Restores a picture. A Blob's EXIF and XMP go into the result's file.
   *
   * @throws ClearwordError INVALID_OPTION, NOT_AN_IMAGE, IMAGE_DAMAGED, IMAGE_ANIMATED, IMAGE_TOO_LARGE, NON_FINITE,
   * RUNTIME_FAILED, CANCELLED
   */
  async restore(input: BrowserInput, options: BrowserRestoreOptions = {}): Promise<BrowserResult> {
    const { onProgress, onPartial, preview = false, first, signal, ...parameters } = options;
    const watch = onPartial && { preview, first };
    const request = { kind: 'restore', input, parameters, watch } as const;
    return new BrowserResult(await this.#client.ask(request, { onProgress, onPartial, signal }));
  }

  /**
   * Seconds that a restoration of a picture of this size will take on this device, by the last one, or by a small tile that is
   * restored for it.
   *
   * @throws ClearwordError INVALID_OPTION, RUNTIME_FAILED, CANCELLED
   */
  async estimate(
    { width, height }: { readonly width: number; readonly height: number },
    { signal, ...parameters }: BrowserParameters & { readonly signal?: AbortSignal } = {},
  ): Promise<number> {
    return this.#client.ask({ kind: 'estimate', width, height, parameters }, { signal });
  }

  /**
   * What the controller finds in a picture: for each degradation that the model
   * knows the probability that it is there, its strength, and what follows by the thresholds of the model.
   *
   * @throws ClearwordError INVALID_OPTION for an ONNX network, which finds nothing, those of reading in `restore`, RUNTIME_FAILED, CANCELLED
   */
  async inspect(input: BrowserInput, { signal, ...parameters }: BrowserInspectOptions = {}): Promise<Findings> {
    return this.#client.ask({ kind: 'inspect', input, parameters }, { signal });
  }

  /** Ends the worker and frees its memory; what is under way is rejected. May be called twice. */
  dispose(): void {
    this.#client.end(
      new ClearwordError('INVALID_OPTION', 'expected a loaded Clearword, received one that was disposed of', {
        fix: 'Call Clearword.load() again.',
      }),
    );
  }
}
