/**
 * What passes between the service and a process that does its jobs.
 *
 * @module
 */
import { z } from 'zod';
import { DEVICES } from '../runtime/protocol.ts';
import type { JobError, JobProgress, JobRequest, JobResult } from './job.ts';

/** What a process is started with. */
export const inferenceSettingsSchema = z.object({
  /** Address of the store. */
  store: z.string(),
  /** Path of a model; default: the bundled one. */
  model: z.string().exactOptional(),
  /** Weights of the encoders of a model that has none of its own. */
  encoders: z.string().exactOptional(),
  /** What the file of an ONNX network does not say about it. */
  descriptor: z.string().exactOptional(),
  device: z.enum([...DEVICES, 'auto']),
  /** Threads of one operator on the CPU; 0: one per core. */
  threads: z.number(),
  /** URL of a module whose `load(settings)` gives the Clearword to work with, for models of one's own. */
  loader: z.string().exactOptional(),
});

export type InferenceSettings = Readonly<z.output<typeof inferenceSettingsSchema>>;

/** Which model a process has. */
export interface ModelIdentity {
  readonly name: string;
  /** SHA-256 of the weights, hex. */
  readonly hash: string;
  /** What its results depend on, see `identityOf`. */
  readonly identity: string;
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
