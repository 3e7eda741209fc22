/**
 * Restoring on this device.
 *
 * @module
 */
import { BrowserResult, Clearword, type LoadProgress, type ModelSummary } from '../../src/browser.ts';
import { ClearwordError } from '../../src/errors.ts';
import { offlineReady } from '../offline.ts';
import type { Compute, ComputedResult, ComputeHooks, ResultFacts, SaveFormat, StoredComputed } from './compute.ts';

/** Beyond this many pixels, losslessly compressing a preview takes longer than anyone wants to wait. */
const LOSSLESS = 6e6;

const FORMATS: readonly SaveFormat[] = ['original', 'jpeg', 'png', 'webp'];

let loading: Promise<Clearword> | undefined;

/** The model, loaded when it is first needed. A failure may be tried again. */
function model(onProgress: (progress: LoadProgress) => void): Promise<Clearword> {
  loading ??= start(onProgress).catch((error: unknown) => {
    loading = undefined;
    throw whyNot(error);
  });
  return loading;
}

async function start(onProgress: (progress: LoadProgress) => void): Promise<Clearword> {
  // What is fetched from now on is there without a network, too.
  await offlineReady();
  return Clearword.load({ weights: new URL('weights/lite.safetensors', document.baseURI), onProgress });
}

/** Restores with this ONNX file from now on. What was loaded before stays until it is sure that the file can be used. */
export async function chooseNetwork(file: File, onProgress: (progress: LoadProgress) => void): Promise<ModelSummary> {
  const network = await Clearword.load({ model: file, onProgress });
  chooseOwn();
  loading = Promise.resolve(network);
  return network.model;
}

/** Restores with the page's own model from now on, which is loaded when it is needed. */
export function chooseOwn(): void {
  // One that did not load has nothing to free.
  void loading?.then((before) => before.dispose()).catch(() => undefined);
  loading = undefined;
}

/** Whoever looks at a page chooses neither paths nor tiles. */
function whyNot(error: unknown): unknown {
  if (!(error instanceof ClearwordError) || error.code === 'CANCELLED') return error;
  const fix =
    error.code === 'DEVICE_UNAVAILABLE' ? 'Use an up-to-date browser.' : 'Check the connection, then try again.';
  return new ClearwordError(error.code, `the model could not be loaded (${error.message})`, { cause: error, fix });
}

/** Loads the model, once. */
export async function loadDevice(
  onProgress: (progress: LoadProgress) => void,
): Promise<{ readonly compute: Compute; readonly model: ModelSummary; readonly clearword: Clearword }> {
  const clearword = await model(onProgress);
  const compute: Compute = {
    inspect: (photo, signal) => clearword.inspect(photo, { signal }),
    restore: async (photo, { network, prompt, steps, seed, samples, strengths }, hooks) => {
      const guided = { prompt, seed, samples, strength: strengths, ...(steps !== undefined && { steps }) };
      const options = network === undefined ? guided : { strength: strengths };
      return toResult(await clearword.restore(photo, { ...options, ...watching(hooks) }));
    },
  };
  return { compute, model: clearword.model, clearword };
}

function watching({ onProgress, onPartial, preview, first, signal }: ComputeHooks) {
  return {
    onProgress: ({ fraction }: { readonly fraction: number }) => onProgress(fraction),
    signal,
    ...(onPartial !== undefined && { onPartial }),
    ...(preview !== undefined && { preview }),
    ...(first !== undefined && { first }),
  };
}

async function toResult(result: BrowserResult): Promise<ComputedResult> {
  const { width, height, provenance, uncertainty, decision, findings } = result;
  const { steps, seed } = provenance;
  const { status, removing, perhaps } = decision;
  // A plain network looks for nothing.
  const found = provenance.reading === undefined ? findings.degradations : undefined;
  const lossless = width * height <= LOSSLESS;
  const preview = await result.toBlob({ format: lossless ? 'png' : 'jpeg', metadata: false });
  const outcome = { status, removing, perhaps };
  const facts = { kind: 'device', width, height, steps, seed, outcome, scale: uncertainty?.scale ?? 1 } as const;
  const grey = await uncertainty?.image.toBlob({ format: 'png', metadata: false });
  return deviceResult(facts, { preview, uncertainty: grey, findings: found }, result);
}

/** @param held undefined: its pixels are read when they are needed, from what `release` says */
export function deviceResult(
  facts: ResultFacts,
  seen: Pick<ComputedResult, 'preview' | 'uncertainty' | 'findings'>,
  held: BrowserResult | undefined,
): ComputedResult {
  let result = held;
  let reread: (() => Promise<StoredComputed>) | undefined;
  const pixels = async (): Promise<BrowserResult> => {
    if (result !== undefined) return result;
    const stored = await reread?.();
    if (stored?.kind === 'device') return BrowserResult.fromStored(stored.parts);
    throw new ClearwordError('NOT_FOUND', 'the result is no longer kept in this browser', { fix: 'Restore it again.' });
  };
  return {
    ...facts,
    ...seen,
    formats: FORMATS,
    save: async (format, metadata, amount) =>
      (await pixels()).withAmount(amount).toBlob({ metadata, ...(format !== 'original' && { format }) }),
    stored: async () => ({ kind: 'device', parts: (await pixels()).stored() }),
    release: (from) => {
      reread = from;
      result = undefined;
    },
  };
}
