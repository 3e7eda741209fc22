/**
 * Which devices this machine offers, and the choice among them.
 *
 * @module
 */
import { listSupportedBackends } from 'onnxruntime-node';
import { ClearwordError } from '../errors.ts';
import * as f from '../graph/functions.ts';
import { Graph } from '../graph/graph.ts';
import { emitModel } from '../graph/onnx/emit.ts';
import { Engine, float32, floats } from './engine.ts';
import { DEVICES, type Device, type DeviceChoice } from './protocol.ts';

/** Result of trying a device with a small computation. */
export interface DeviceReport {
  readonly device: Device;
  readonly usable: boolean;
  /** Why it is not usable, in the runtime's words; empty if it is. */
  readonly reason: string;
  /** Largest difference of the self-test from its known answer. */
  readonly error: number;
}

/** y = softmax(x W) for a 2x2 case whose answer is known. */
function selfTestModel(): Uint8Array {
  const graph = new Graph();
  const x = graph.input('x', [1, 2]);
  graph.output('y', f.softmax(f.matMul(x, graph.constant(Float32Array.of(1, 0, 0, 2), [2, 2], 'float32'))));
  return emitModel(graph);
}

/** Loads and runs a small model on a device and compares it with the known answer. */
export async function tryDevice(device: Device): Promise<DeviceReport> {
  const offered = device === 'cpu' || listSupportedBackends().some(({ name }) => name === device);
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
    const session = await engine.load(selfTestModel());
    const { outputs } = await session.run({ x: float32(Float32Array.of(1, 1), [1, 2]) });
    const y = floats(outputs, 'y');
    const expected = 1 / (1 + Math.E);
    const error = Math.max(Math.abs((y[0] ?? Number.NaN) - expected), Math.abs((y[1] ?? Number.NaN) - (1 - expected)));
    const usable = error < 1e-3;
    return { device, usable, reason: usable ? '' : `the self-test is off by ${error}`, error };
  } catch (cause) {
    return { device, usable: false, reason: cause instanceof Error ? cause.message : String(cause), error: Number.NaN };
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
