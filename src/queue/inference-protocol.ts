/**
 * What passes between the service and a process that does its jobs.
 *
 * @module
 */
import type { DeviceChoice } from '../runtime/protocol.ts';
import type { JobError, JobProgress, JobRequest, JobResult } from './job.ts';

/** What a process is started with. */
export interface InferenceSettings {
  /** Address of the store. */
  readonly store: string;
  /** Path of a model; default: the bundled one. */
  readonly model?: string;
  /** Weights of the encoders of a model that has none of its own. */
  readonly encoders?: string;
  /** What the file of an ONNX network does not say about it. */
  readonly descriptor?: string;
  readonly device: DeviceChoice;
  /** Threads of one operator on the CPU; 0: one per core. */
  readonly threads: number;
  /** URL of a module whose `load(settings)` gives the Clearword to work with, for models of one's own. */
  readonly loader?: string;
}

/** Which model a process has. */
export interface ModelIdentity {
  readonly name: string;
  /** SHA-256 of the weights, hex. */
  readonly hash: string;
  /** Whether it takes words, steps and samples, or is a plain network. */
  readonly guided: boolean;
}

export type ToProcess =
  | { readonly kind: 'job'; readonly request: JobRequest }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'close' };

export type FromProcess =
  | { readonly kind: 'ready'; readonly model: ModelIdentity }
  /** The model cannot be loaded. */
  | { readonly kind: 'unusable'; readonly error: JobError }
  | { readonly kind: 'progress'; readonly progress: JobProgress }
  | { readonly kind: 'done'; readonly result: JobResult }
  | { readonly kind: 'failed'; readonly error: JobError };
