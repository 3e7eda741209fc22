/**
 * The options of loading a model, checked.
 *
 * @module
 */
import { z } from 'zod';
import { DEVICES } from '../runtime/protocol.ts';
import { descriptorSchema } from './plain/descriptor.ts';

/** Threads of one operator; more than any machine has is a mistake. */
export const threadsSchema = z.int().min(0).max(1024);

export const loadOptionsSchema = z.strictObject({
  model: z.string().min(1).optional(),
  encoders: z.string().min(1).optional(),
  descriptor: z.union([z.string(), descriptorSchema]).optional(),
  onDownload: z
    .custom<(progress: never) => void>((value) => typeof value === 'function', 'expected a function for onDownload')
    .optional(),
  device: z.enum([...DEVICES, 'auto']).default('cpu'),
  precision: z.enum(['float32', 'float16']).optional(),
  threads: threadsSchema.default(0),
  signal: z.instanceof(AbortSignal).optional(),
});
