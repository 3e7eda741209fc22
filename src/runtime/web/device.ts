/**
 * The choice between the graphics card and the CPU of a browser.
 *
 * @module
 */
import { ClearwordError } from '../../errors.ts';
import { selfTest, TOLERANCE } from '../self-test.ts';
import { type WebDevice, WebEngine, type WebEngineOptions } from './engine.ts';

export const WEB_DEVICE_CHOICES = ['auto', 'webgpu', 'wasm'] as const;
export type WebDeviceChoice = (typeof WEB_DEVICE_CHOICES)[number];

/** Why WebGPU cannot, or with `auto` should not, be used; undefined if it can. */
async function obstacle(allowSoftware: boolean): Promise<string | undefined> {
  // The types say that it is always there; browsers hide it from pages over plain http.
  const gpu = globalThis.navigator.gpu as GPU | undefined;
  if (gpu === undefined) return 'this browser does not offer WebGPU to this page (it needs https or localhost)';
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (adapter === null) return 'this browser offers no graphics card';
  // Browsers older than the flag have no information at all, or name SwiftShader there.
  const info = adapter.info as GPUAdapterInfo | undefined;
  const software = info?.isFallbackAdapter === true || info?.architecture === 'swiftshader';
  // A graphics card that the browser only imitates is slower than its WebAssembly.
  return software && !allowSoftware ? 'the graphics card is imitated in software' : undefined;
}

export type OpenEngine = (device: WebDevice) => Promise<WebEngineOptions>;

async function tried(options: WebEngineOptions): Promise<WebEngine> {
  const engine = await WebEngine.open(options);
  const error = await selfTest(engine);
  if (error < TOLERANCE) return engine;
  await engine.close();
  throw new ClearwordError('RUNTIME_FAILED', `${options.device}: the self-test is off by ${error}`);
}

/**
 * An engine that passed the self-test. `auto` takes WebGPU where a graphics card offers it, and else WebAssembly.
 *
 * @param optionsFor what to open a device's engine with; asked only for devices that are tried
 * @throws ClearwordError DEVICE_UNAVAILABLE if a device asked for by name does not work, or none does
 */
export async function openWebEngine(choice: WebDeviceChoice, optionsFor: OpenEngine): Promise<WebEngine> {
  if (choice !== 'wasm') {
    const reason = await obstacle(choice === 'webgpu');
    const opened = reason === undefined ? await tried(await optionsFor('webgpu')).catch(unavailable) : reason;
    if (typeof opened !== 'string') return opened;
    if (choice === 'webgpu') throw refusal('webgpu', opened);
  }
  const opened = await tried(await optionsFor('wasm')).catch(unavailable);
  if (typeof opened === 'string') throw refusal('wasm', opened);
  return opened;
}

/** The reason, where it is the device's; a download that was cancelled or failed is not. */
function unavailable(error: unknown): string {
  if (error instanceof ClearwordError && error.code === 'RUNTIME_FAILED') return error.message;
  throw error;
}

function refusal(device: WebDevice, reason: string): ClearwordError {
  return new ClearwordError('DEVICE_UNAVAILABLE', `device: expected a working ${device} device, received: ${reason}`, {
    fix: "Use the device 'auto' or 'wasm', in a current browser.",
  });
}
