/**
 * The Web Worker: everything between a picture and its restoration, away from the page's own thread.
 *
 * @module
 */
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { LoadedModel } from '../models/loaded-model.ts';
import { type AnyModel, isPlain } from '../models/model.ts';
import { OnnxModel } from '../models/plain/onnx-model.ts';
import { checkOptions } from '../options.ts';
import { inspecting, inspectPicture } from '../restore/conditioning.ts';
import { coverHiddenColours } from '../restore/hidden-colours.ts';
import { restoreOptionsSchema, settingsFor } from '../restore/options.ts';
import { provenanceOf } from '../restore/provenance.ts';
import { checkSettings, restorePicture } from '../restore/restore-picture.ts';
import { uncertaintyPicture } from '../restore/uncertainty.ts';
import type { InferenceEngine } from '../runtime/session.ts';
import { openWebEngine } from '../runtime/web/device.ts';
import { fetchBytes, fetchModel, type OnBytes } from './download.ts';
import { measureSpeed, networkPixels } from './estimate.ts';
import { readInput } from './input.ts';
import { readOnnx } from './onnx.ts';
import type {
  EstimateRequest,
  FromWorker,
  InspectRequest,
  LoadProgress,
  LoadRequest,
  ModelSource,
  ModelSummary,
  Replies,
  RestoredParts,
  RestoreRequest,
  ToWorker,
  WorkerRequest,
} from './protocol.ts';
import { type OnPartial, type OnProgress, watched } from './watched.ts';

/** The global scope of a dedicated worker, whose types exclude those of a page. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
}
const scope = globalThis as unknown as WorkerScope;

const browserOptionsSchema = restoreOptionsSchema.omit({ compare: true, saveStates: true, strip: true, strict: true });

let loaded: AnyModel | undefined;

function model(): AnyModel {
  if (loaded) return loaded;
  throw new ClearwordError('INTERNAL', 'the worker was asked before a model was loaded');
}

async function load(request: LoadRequest, signal: AbortSignal, onProgress: OnProgress): Promise<ModelSummary> {
  const report = (stage: LoadProgress['stage']) => (bytes: number, total: number | undefined) =>
    onProgress({ stage, loaded: bytes, total });
  const { source } = request;
  const start =
    'onnx' in source
      ? await onnxModel(source, signal, report('weights'))
      : await diffusionModel(source, signal, report('weights'));
  const engine = await openWebEngine(request.device, async (device) => {
    throwIfCancelled(signal, 'loading the model');
    const url = request.runtime[device];
    const wasm = url && (await fetchBytes(url, 'the runtime', signal, report('runtime'))).buffer;
    onProgress({ stage: 'start', loaded: 0, total: undefined });
    return { device, threads: request.threads, ...(wasm && { wasm }) };
  });
  loaded = await start(engine);
  speed = undefined;
  const { name, hash, defaultTile } = loaded;
  const { device, threads } = engine;
  return { name, hash, device, threads, defaultTile, ...aboutOf(loaded) };
}

/** Puts what was read into an engine. */
type Start = (engine: InferenceEngine) => AnyModel | Promise<AnyModel>;

async function diffusionModel(
  source: Extract<ModelSource, { weights: string }>,
  signal: AbortSignal,
  onBytes: OnBytes,
): Promise<Start> {
  const file = await fetchModel(source, signal, onBytes);
  return (engine) => new LoadedModel(file, engine, `model ${source.weights}`);
}

async function onnxModel(
  { onnx, descriptor }: Extract<ModelSource, { onnx: Blob | string }>,
  signal: AbortSignal,
  onBytes: OnBytes,
): Promise<Start> {
  const parts = await readOnnx(onnx, descriptor, signal, onBytes);
  return (engine) => OnnxModel.load(parts, engine);
}

function aboutOf(model: AnyModel): Omit<ModelSummary, 'name' | 'hash' | 'device' | 'threads' | 'defaultTile'> {
  if (!isPlain(model)) {
    const { defaults, degradations, careful, takesStrengths, sde } = model;
    return { defaults, degradations, careful, takesStrengths, mostSteps: sde.T };
  }
  const { reading, takesNoiseLevel, noiseLevel } = model;
  const degradations = takesNoiseLevel ? ['noise'] : [];
  const defaults = { steps: 1, sampler: 'none' };
  return { defaults, degradations, careful: false, takesStrengths: takesNoiseLevel, mostSteps: 1, reading, noiseLevel };
}

async function inspect({ input, parameters }: InspectRequest, signal: AbortSignal): Promise<Replies['inspect']> {
  const { maxMegapixels } = checkOptions(browserOptionsSchema.pick({ maxMegapixels: true }), parameters);
  const inspector = inspecting(model());
  const { picture } = await readInput(input, maxMegapixels, signal);
  return inspectPicture(inspector, coverHiddenColours(picture), signal);
}

/** Settings of a restoration, checked before the picture is read, so that a typing error costs nothing. */
function checkedSettings(parameters: RestoreRequest['parameters']) {
  const { maxMegapixels } = checkOptions(browserOptionsSchema, parameters);
  const settings = settingsFor(model(), parameters);
  checkSettings(model(), settings);
  return { settings, maxMegapixels };
}

async function restore(
  { input, parameters, watch }: RestoreRequest,
  signal: AbortSignal,
  onProgress: OnProgress,
  onPartial: OnPartial,
): Promise<RestoredParts> {
  const { settings, maxMegapixels } = checkedSettings(parameters);
  const { picture, kept } = await readInput(input, maxMegapixels, signal);
  const started = performance.now();
  const hooks = watch ? watched(model(), picture, settings, { watch, onProgress, onPartial, signal }) : { onProgress };
  const restoration = await restorePicture(model(), picture, settings, { ...hooks, signal });
  const { mean, samples, deviation, findings, decision, tile } = restoration;
  const unchanged = decision.status === 'unchanged';
  if (!unchanged) speed = networkPixels(picture, settings, model()) / (performance.now() - started);
  return {
    mean,
    samples,
    ...(deviation && { uncertainty: uncertaintyPicture(deviation, picture.width, picture.height) }),
    findings,
    decision,
    provenance: provenanceOf(model(), settings, tile),
    kept,
    before: unchanged ? undefined : picture,
    file: unchanged && input instanceof Blob ? input : undefined,
  };
}

/** Network pixels a millisecond, of the last restoration, or measured; undefined until then. */
let speed: number | undefined;

async function estimate({ width, height, parameters }: EstimateRequest, signal: AbortSignal): Promise<number> {
  const { settings } = checkedSettings(parameters);
  speed ??= await measureSpeed(model(), signal);
  return networkPixels({ width, height }, settings, model()) / speed / 1000;
}

function answer(request: WorkerRequest, signal: AbortSignal, onProgress: OnProgress, onPartial: OnPartial) {
  switch (request.kind) {
    case 'load':
      return load(request, signal, onProgress);
    case 'inspect':
      return inspect(request, signal);
    case 'restore':
      return restore(request, signal, onProgress, onPartial);
    case 'estimate':
      return estimate(request, signal);
  }
}

function errorReply(error: unknown): Extract<FromWorker, { error: unknown }>['error'] {
  const known = error instanceof ClearwordError;
  const { code, message, fix } = known ? error : new ClearwordError('INTERNAL', String(error), { cause: error });
  return { code, message, fix };
}

/** The pixels of a result are handed over, not copied. Transparency is shared by mean, samples and the picture before. */
function buffersOf(value: Replies[WorkerRequest['kind']]): ArrayBuffer[] {
  if (typeof value === 'number' || !('mean' in value)) return [];
  const { mean, samples, uncertainty, before } = value;
  const pictures = [mean, ...samples, ...(uncertainty ? [uncertainty.picture] : []), ...(before ? [before] : [])];
  const buffers = pictures.flatMap(({ data, alpha }) => [data.buffer, ...(alpha ? [alpha.buffer] : [])]);
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer);
}

const controllers = new Map<number, AbortController>();
// One request after the other: two at once would take twice the memory and be no faster.
let queue: Promise<void> = Promise.resolve();

scope.onmessage = ({ data: message }) => {
  const { id } = message;
  if ('cancel' in message) {
    controllers.get(id)?.abort();
    return;
  }
  const controller = new AbortController();
  controllers.set(id, controller);
  queue = queue.then(async () => {
    try {
      throwIfCancelled(controller.signal, 'the request');
      const onProgress: OnProgress = (progress) => scope.postMessage({ id, progress });
      const onPartial: OnPartial = (partial) => scope.postMessage({ id, partial });
      const value = await answer(message.request, controller.signal, onProgress, onPartial);
      scope.postMessage({ id, value }, buffersOf(value));
    } catch (error) {
      scope.postMessage({ id, error: errorReply(error) });
    } finally {
      controllers.delete(id);
    }
  });
};
