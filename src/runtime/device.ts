/**
 * Which devices this machine offers, and the choice among them.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import { Engine } from './engine.ts';
import { onnxRuntime } from './onnx-runtime.ts';
import { DEVICES, type Device, type DeviceChoice } from './protocol.ts';
import { selfTest, TOLERANCE } from './self-test.ts';

/** Result of trying a device with a small computation. */
export interface DeviceReport {
  readonly device: Device;
  readonly usable: boolean;
  /** Why it is not usable, in the runtime's words; empty if it is. */
  readonly reason: string;
  /** Largest difference of the self-test from its known answer. */
  readonly error: number;
}

/** What a device takes; the runtime's own words for a missing one are those of a C++ stack. */
const NEEDS: Readonly<Record<Device, string>> = {
  cpu: 'a 64-bit processor of a platform in docs/gpu.md',
  webgpu: 'a GPU with a Vulkan, Metal or Direct3D 12 driver; see docs/gpu.md',
  cuda: 'an NVIDIA GPU, CUDA 12, cuDNN 9, and libraries that are installed apart; see docs/gpu.md',
};

/** The words without the place in the runtime's sources that they come from. */
function plainly(message: string): string {
  return message.replace(/\/onnxruntime_src\/.*? was false\. /s, '').trim();
}

/** Loads and runs a small model on a device and compares it with the known answer. */
export async function tryDevice(device: Device): Promise<DeviceReport> {
  const offered = device === 'cpu' || (await onnxRuntime()).listSupportedBackends().some(({ name }) => name === device);
  if (!offered) {
    return {
      device,
      usable: false,
      reason: 'this build of onnxruntime-node does not have it on this platform',
      error: Number.NaN,
    };
  }
  const engine = new Engine({ device });
  try {
    const error = await selfTest(engine);
    const usable = error < TOLERANCE;
    return { device, usable, reason: usable ? '' : `the self-test is off by ${error}`, error };
  } catch (cause) {
    const message = plainly(cause instanceof Error ? cause.message : String(cause));
    return { device, usable: false, reason: `${message} (needs ${NEEDS[device]})`, error: Number.NaN };
  } finally {
    await engine.close();
  }
}

/**
 * The device to use. `auto` takes the first of CUDA, WebGPU and CPU that passes the self-test.
 *
 * @throws ClearwordError DEVICE_UNAVAILABLE if a device asked for by name does not work
 */
export async function chooseDevice(choice: DeviceChoice): Promise<Device> {
  if (choice === 'cpu') return 'cpu';
  if (choice !== 'auto') {
    const { usable, reason } = await tryDevice(choice);
    if (usable) return choice;
    throw new ClearwordError('DEVICE_UNAVAILABLE', `device: expected a working ${choice} device, received: ${reason}`);
  }
  for (const device of [...DEVICES].reverse()) if (device !== 'cpu' && (await tryDevice(device)).usable) return device;
  return 'cpu';
}
