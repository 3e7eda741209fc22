/**
 * Options that several commands have.
 *
 * @module
 */
import { z } from 'zod';
import { threadsSchema } from '../models/load-options.ts';
import { DEVICES } from '../runtime/protocol.ts';

/** The CPU unless told otherwise: it works everywhere and starts at once, where `auto` tries the other devices first. */
export const deviceOption = z
  .enum([...DEVICES, 'auto'])
  .default('cpu')
  .meta({ placeholder: 'name', description: 'where to compute; auto: the first of cuda, webgpu and cpu that works' });

export const modelOption = z.string().min(1).optional().meta({
  placeholder: 'source',
  description:
    'weights of a model (.safetensors, its card beside it), or any ONNX network that maps a picture to a picture: a path, hub:owner/name/file or an https address; default: lite, the bundled model',
});

export const descriptorOption = z.string().min(1).optional().meta({
  placeholder: 'list',
  description:
    'what the file of an ONNX network does not say about it, such as range=0..255,channels=bgr,halo=24; default: what x.json beside x.onnx says',
});

export const precisionOption = z.enum(['float32', 'float16']).default('float32').meta({
  placeholder: 'type',
  description:
    'what the network computes with; float16 takes half the memory of a graphics card, and what overflows is computed again in float32',
});

export const threadsOption = threadsSchema.default(0).meta({
  placeholder: 'n',
  description: 'threads of the computation on the CPU; 0: one for each core',
});

export const encodersOption = z.string().min(1).optional().meta({
  placeholder: 'source',
  description:
    "weights of the encoders of a model that has none of its own: a path, hub:owner/name/file or an https address; default: those that the model's card names",
});

export const jsonOption = z
  .boolean()
  .default(false)
  .meta({ description: 'print JSON, one object a line, instead of text' });
