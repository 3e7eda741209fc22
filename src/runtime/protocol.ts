/**
 * What passes between a caller and the thread that runs sessions.
 *
 * @module
 */
import type { DType, Shape } from '../graph/tensor.ts';

export const DEVICES = ['cpu', 'webgpu', 'cuda'] as const;
export type Device = (typeof DEVICES)[number];
export type DeviceChoice = Device | 'auto';

export type HostData = Float32Array | BigInt64Array | Int32Array | Uint8Array | Uint16Array;

/** A tensor in main memory. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: HostData;
}

export type HostTensors = Readonly<Record<string, HostTensor>>;

export interface SessionOptions {
  /** `wasm` is the browser's CPU. */
  readonly device: Device | 'wasm';
  /** Threads of one operator on the CPU; 0 lets the runtime decide (one per core). */
  readonly threads: number;
  /** Resident values: each named input takes, in the next run, what the named output gave in this one. */
  readonly resident: Readonly<Record<string, string>>;
}

/**
 * Flags that both sides see at once, places of a shared Int32Array. The runtime takes the whole process down when its thread
 * is ended within a run, so whoever ends the thread sets `closing` and waits until it is not `busy`.
 */
export const FLAG = { busy: 0, closing: 1 } as const;

export type Request =
  | { readonly kind: 'load'; readonly model: Uint8Array; readonly options: SessionOptions }
  | { readonly kind: 'run'; readonly session: number; readonly feeds: HostTensors }
  | { readonly kind: 'write'; readonly session: number; readonly values: HostTensors }
  | { readonly kind: 'read'; readonly session: number }
  | { readonly kind: 'rollback'; readonly session: number }
  | { readonly kind: 'release'; readonly session: number }
  /** Answered when the thread can be ended. */
  | { readonly kind: 'close' };

export interface RunReply {
  readonly outputs: HostTensors;
  /** Time inside the engine, in ms. */
  readonly busy: number;
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: number | HostTensors | RunReply | undefined }
  | { readonly id: number; readonly ok: false; readonly message: string };
