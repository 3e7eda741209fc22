/**
 * The Web Worker: everything between a picture and its restoration, away from the page's own thread.
 *
 * @module
 */
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { LoadedModel } from '../models/loaded-model.ts';
import { checkOptions } from '../options.ts';
import { inspectPicture } from '../restore/conditioning.ts';
import { coverHiddenColours } from '../restore/hidden-colours.ts';
import { restoreOptionsSchema, settingsFor } from '../restore/options.ts';
import { provenanceOf } from '../restore/provenance.ts';
import { checkSettings, restorePicture } from '../restore/restore-picture.ts';
import { uncertaintyPicture } from '../restore/uncertainty.ts';
import { openWebEngine } from '../runtime/web/device.ts';
import { fetchBytes, fetchModel } from './download.ts';
import { readInput } from './input.ts';
import type {
  FromWorker,
  InspectRequest,
  LoadProgress,
  LoadRequest,
  ModelSummary,
  Replies,
  RestoredParts,
  RestoreRequest,
  ToWorker,
  WorkerRequest,
} from './protocol.ts';

/** The global scope of a dedicated worker, whose types exclude those of a page. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
}
const scope = globalThis as unknown as WorkerScope;

const browserOptionsSchema = restoreOptionsSchema.omit({ compare: true, saveStates: true, strip: true, strict: true });

type OnProgress = (progress: Extract<FromWorker, { progress: unknown }>['progress']) => void;

let loaded: LoadedModel | undefined;

function model(): LoadedModel {
  if (loaded) return loaded;
  throw new ClearwordError('INTERNAL', 'the worker was asked before a model was loaded');
}

async function load(request: LoadRequest, signal: AbortSignal, onProgress: OnProgress): Promise<ModelSummary> {
  const report = (stage: LoadProgress['stage']) => (bytes: number, total: number | undefined) =>
    onProgress({ stage, loaded: bytes, total });
  const file = await fetchModel(request, signal, report('weights'));
  const engine = await openWebEngine(request.device, async (device) => {
    throwIfCancelled(signal, 'loading the model');
    const url = request.runtime[device];
    const wasm = url && (await fetchBytes(url, 'the runtime', signal, report('runtime'))).buffer;
    onProgress({ stage: 'start', loaded: 0, total: undefined });
    return { device, threads: request.threads, ...(wasm && { wasm }) };
  });
  loaded = new LoadedModel(file, engine, `model ${request.weights}`);
  const { name, hash, defaults, defaultTile, sde } = loaded;
  const { device, threads } = engine;
  return { name, hash, device, threads, defaults, defaultTile, mostSteps: sde.T };
}

async function inspect({ input, parameters }: InspectRequest, signal: AbortSignal): Promise<Replies['inspect']> {
  const { maxMegapixels } = checkOptions(browserOptionsSchema.pick({ maxMegapixels: true }), parameters);
  const { picture } = await readInput(input, maxMegapixels, signal);
  return inspectPicture(model(), coverHiddenColours(picture), signal);
}

async function restore(
  { input, parameters }: RestoreRequest,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<RestoredParts> {
  // Before the picture is read, so that a typing error costs nothing.
  const options = checkOptions(browserOptionsSchema, parameters);
  const settings = settingsFor(model(), parameters);
  checkSettings(model(), settings);
  const { picture, kept } = await readInput(input, options.maxMegapixels, signal);
  const restoration = await restorePicture(model(), picture, settings, { onProgress, signal });
  const { mean, samples, deviation, findings, tile } = restoration;
  return {
    mean,
    samples,
    ...(deviation && { uncertainty: uncertaintyPicture(deviation, picture.width, picture.height) }),
    findings,
    provenance: provenanceOf(model(), settings, tile),
    kept,
  };
}

function answer(request: WorkerRequest, signal: AbortSignal, onProgress: OnProgress) {
  switch (request.kind) {
    case 'load':
      return load(request, signal, onProgress);
    case 'inspect':
      return inspect(request, signal);
    case 'restore':
      return restore(request, signal, onProgress);
  }
}

function errorReply(error: unknown): Extract<FromWorker, { error: unknown }>['error'] {
  const known = error instanceof ClearwordError;
  const { code, message, fix } = known ? error : new ClearwordError('INTERNAL', String(error), { cause: error });
  return { code, message, fix };
}

/** The pixels of a result are handed over, not copied. Transparency is shared by mean and samples. */
function buffersOf(value: Replies[WorkerRequest['kind']]): ArrayBuffer[] {
  if (!('mean' in value)) return [];
  const pictures = [value.mean, ...value.samples, ...(value.uncertainty ? [value.uncertainty.picture] : [])];
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
      const value = await answer(message.request, controller.signal, (progress) => scope.postMessage({ id, progress }));
      scope.postMessage({ id, value }, buffersOf(value));
    } catch (error) {
      scope.postMessage({ id, error: errorReply(error) });
    } finally {
      controllers.delete(id);
    }
  });
};
