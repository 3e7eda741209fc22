/**
 * Options that several commands have.
 *
 * @module
 */
import { z } from 'zod';

export const DEVICES = ['auto', 'cpu', 'webgpu', 'cuda'] as const;

export const deviceOption = z.enum(DEVICES).default('auto').meta({
  placeholder: 'name',
  description: 'where to compute; auto: the fastest that works',
});

export const modelOption = z.string().min(1).optional().meta({
  placeholder: 'path',
  description: 'weights of a model (.safetensors, its card beside it); default: the bundled model',
});

export const jsonOption = z
  .boolean()
  .default(false)
  .meta({ description: 'print JSON, one object a line, instead of text' });
