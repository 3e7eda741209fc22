/**
 * A page without a face: tests call `clearwordTest` in it.
 *
 * @module
 */
import {
  type Area,
  type BrowserParameters,
  BrowserResult,
  Clearword,
  ClearwordError,
  type DescriptorOption,
  type LoadProgress,
  type WebDeviceChoice,
} from '../../../src/browser.ts';

/** Raw RGB pixels as base64, because evaluations carry JSON. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly base64: string;
}

const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

function toBase64(bytes: ArrayLike<number>): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i] as number);
  return btoa(text);
}

const rawPixels = ({ width, height, base64 }: Pixels) =>
  ({ width, height, channels: 3, data: fromBase64(base64) }) as const;

const toPixels = (result: Pick<BrowserResult, 'pixels'>): Pixels => {
  const { width, height, data } = result.pixels();
  return { width, height, base64: toBase64(data) };
};

/** What was thrown, as data. */
async function failureOf(work: Promise<unknown>): Promise<{ code: string; message: string } | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => ({
      code: error instanceof ClearwordError ? error.code : 'none',
      message: error instanceof Error ? error.message : String(error),
    }),
  );
}

const onnxSource = (source: { base64: string; name: string } | string): File | string =>
  typeof source === 'string' ? source : new File([fromBase64(source.base64)], source.name);

let clearword: Clearword | undefined;
const opened = (): Clearword => {
  if (clearword) return clearword;
  throw new Error('expected a loaded model');
};

/** How long `work` took, and the longest time in which the page's thread answered nothing meanwhile, in ms. */
async function timed<T>(work: Promise<T>): Promise<{ value: T; took: number; longest: number; ticks: number }> {
  let longest = 0;
  let ticks = 0;
  const started = performance.now();
  let last = started;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    ticks++;
  }, 10);
  try {
    return { value: await work, took: performance.now() - started, longest, ticks };
  } finally {
    clearInterval(timer);
  }
}

const clearwordTest = {
  async load(weights: string, device: WebDeviceChoice, threads = 0) {
    clearword?.dispose();
    const progress: LoadProgress[] = [];
    clearword = await Clearword.load({ weights, device, threads, onProgress: (entry) => progress.push(entry) });
    return { model: clearword.model, progress };
  },
  /** An ONNX network as a file that a visitor chose, or from an address. */
  async loadOnnx(source: { base64: string; name: string } | string, descriptor?: DescriptorOption) {
    clearword?.dispose();
    clearword = await Clearword.load({ model: onnxSource(source), device: 'wasm', ...(descriptor && { descriptor }) });
    return clearword.model;
  },
  onnxFailure: (source: { base64: string; name: string } | string, descriptor?: DescriptorOption) =>
    failureOf(Clearword.load({ model: onnxSource(source), device: 'wasm', ...(descriptor && { descriptor }) })),
  sourceFailure: (options: object) => failureOf(Clearword.load(options as Parameters<typeof Clearword.load>[0])),
  optionFailure: (pixels: Pixels, parameters: BrowserParameters) =>
    failureOf(opened().restore(rawPixels(pixels), parameters)),
  inspectFailure: (pixels: Pixels) => failureOf(opened().inspect(rawPixels(pixels))),
  loadFailure: (weights: string, device: WebDeviceChoice) => failureOf(Clearword.load({ weights, device })),
  isolated: () => globalThis.crossOriginIsolated,

  async restore(pixels: Pixels, parameters: BrowserParameters) {
    const fractions: number[] = [];
    const onProgress = ({ fraction }: { fraction: number }) => fractions.push(fraction);
    const work = opened().restore(rawPixels(pixels), { ...parameters, onProgress });
    const { value, took, longest, ticks } = await timed(work);
    return {
      ...toPixels(value),
      fractions,
      took,
      longest,
      ticks,
      provenance: value.provenance,
      samples: value.samples.map(toPixels),
      uncertainty: value.uncertainty && { ...toPixels(value.uncertainty.image), scale: value.uncertainty.scale },
    };
  },
  restoreFailure: (base64: string, parameters: BrowserParameters) =>
    failureOf(opened().restore(new Blob([fromBase64(base64)]), parameters)),

  /** A file in, a file out, and the same picture by the other ways in. */
  async restoreFile(base64: string, parameters: BrowserParameters, format?: 'jpeg' | 'png' | 'webp') {
    const file = new Blob([fromBase64(base64)]);
    const result = await opened().restore(file, parameters);
    const blob = await result.toBlob(format === undefined ? {} : { format });
    const bitmap = await createImageBitmap(file);
    const fromBitmap = await opened().restore(bitmap, parameters);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context?.drawImage(bitmap, 0, 0);
    const data = context?.getImageData(0, 0, bitmap.width, bitmap.height);
    const fromData = data && (await opened().restore(data, parameters));
    return {
      type: blob.type,
      base64: toBase64(new Uint8Array(await blob.arrayBuffer())),
      pixels: toPixels(result),
      // The bitmap still belongs to the page.
      bitmap: bitmap.width > 0 && toPixels(fromBitmap).base64 === toPixels(result).base64,
      data: fromData !== undefined && toPixels(fromData).base64 === toPixels(result).base64,
    };
  },

  /** A part of the change, asked for before and after the work, and what comes back out of a store. */
  async amounts(pixels: Pixels, amount: number) {
    const whole = await opened().restore(rawPixels(pixels));
    const stored = BrowserResult.fromStored(structuredClone(whole.stored()));
    return {
      before: toPixels(await opened().restore(rawPixels(pixels), { amount })),
      after: toPixels(whole.withAmount(amount)),
      amount: whole.withAmount(amount).provenance.amount,
      same: toPixels(stored).base64 === toPixels(whole).base64 && whole.withAmount(100) === whole,
      again: toPixels(stored.withAmount(0)),
    };
  },

  /** What is shown on the way, and how long it was thought to take. */
  async watched(pixels: Pixels, parameters: BrowserParameters, first: Area) {
    const shown: { stage: string; area: Area; width: number; bytes: number }[] = [];
    const fractions: number[] = [];
    const seconds = await opened().estimate(pixels, parameters);
    const result = await opened().restore(rawPixels(pixels), {
      ...parameters,
      preview: true,
      first,
      onProgress: ({ fraction }) => fractions.push(fraction),
      onPartial: ({ stage, area, picture }) =>
        shown.push({ stage, area, width: picture.width, bytes: picture.data.length }),
    });
    return { ...toPixels(result), shown, fractions, seconds };
  },

  /** A file that nothing is to be done to. */
  async untouched(base64: string) {
    const file = new Blob([fromBase64(base64)], { type: 'image/jpeg' });
    const result = await opened().restore(file, { prompt: 'do nothing' });
    const other = await result.toBlob({ format: 'png' });
    const bytes = new Uint8Array(await (await result.toBlob()).arrayBuffer());
    return { decision: result.decision, same: toBase64(bytes) === base64, other: other.type };
  },

  inspect: async (pixels: Pixels) => (await opened().inspect(rawPixels(pixels))).degradations,

  /** Cancels at the first step, and then restores another picture with the same worker. */
  async cancelled(pixels: Pixels, parameters: BrowserParameters) {
    const controller = new AbortController();
    let steps = 0;
    const onProgress = ({ stage }: { stage: string }) => {
      if (stage !== 'restore') return;
      steps++;
      controller.abort();
    };
    const work = opened().restore(rawPixels(pixels), { ...parameters, onProgress, signal: controller.signal });
    const failure = await failureOf(work);
    const stepsAtOnce = steps;
    const next = await opened().restore(rawPixels(pixels), { ...parameters, steps: 1 });
    return { failure, stepsAtOnce, width: next.width };
  },

  async disposed(pixels: Pixels) {
    const work = failureOf(opened().restore(rawPixels(pixels)));
    opened().dispose();
    opened().dispose();
    const after = await failureOf(opened().inspect(rawPixels(pixels)));
    return { during: await work, after };
  },

  cacheKeys: async () => {
    const cache = await caches.open('clearword-models-1');
    return (await cache.keys()).map(({ url }) => new URL(url).pathname + new URL(url).search);
  },
  async spoilCache() {
    const cache = await caches.open('clearword-models-1');
    for (const request of await cache.keys()) {
      if (request.url.includes('sha256')) await cache.put(request, new Response('damaged'));
      else await cache.delete(request);
    }
  },
};

export type ClearwordTest = typeof clearwordTest;

Object.assign(globalThis, { clearwordTest });
