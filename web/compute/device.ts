/**
 * Restoring on this device.
 *
 * @module
 */
import { type BrowserResult, Clearword, type LoadProgress, type ModelSummary } from '../../src/browser.ts';
import type { Compute, ComputedResult } from './compute.ts';

/** Beyond this many pixels, losslessly compressing a preview takes longer than anyone wants to wait. */
const LOSSLESS = 6e6;

let loading: Promise<Clearword> | undefined;

/** The model, loaded when it is first needed. A failure may be tried again. */
function model(onProgress: (progress: LoadProgress) => void): Promise<Clearword> {
  loading ??= Clearword.load({ weights: new URL('weights/lite.safetensors', document.baseURI), onProgress }).catch(
    (error: unknown) => {
      loading = undefined;
      throw error;
    },
  );
  return loading;
}

/** Loads the model, once. */
export async function loadDevice(
  onProgress: (progress: LoadProgress) => void,
): Promise<{ readonly compute: Compute; readonly model: ModelSummary }> {
  const clearword = await model(onProgress);
  const compute: Compute = {
    inspect: (photo, signal) => clearword.inspect(photo, { signal }),
    restore: async (photo, { prompt, steps, seed, samples }, { onProgress: report, signal }) => {
      const options = { prompt, seed, samples, ...(steps !== undefined && { steps }) };
      const onStep = ({ fraction }: { readonly fraction: number }) => report(fraction);
      return toResult(await clearword.restore(photo, { ...options, onProgress: onStep, signal }));
    },
  };
  return { compute, model: clearword.model };
}

async function toResult(result: BrowserResult): Promise<ComputedResult> {
  const { width, height, provenance, uncertainty } = result;
  const lossless = width * height <= LOSSLESS;
  return {
    width,
    height,
    preview: await result.toBlob({ format: lossless ? 'png' : 'jpeg', metadata: false }),
    uncertainty: uncertainty && {
      image: await uncertainty.image.toBlob({ format: 'png', metadata: false }),
      scale: uncertainty.scale,
    },
    steps: provenance.steps,
    seed: provenance.seed,
    formats: ['original', 'jpeg', 'png', 'webp'],
    save: (format, metadata) => result.toBlob({ metadata, ...(format !== 'original' && { format }) }),
  };
}
