/**
 * What a person says about an ONNX network: the facts that its file does not state.
 *
 * It lies beside the model (`x.onnx`: `x.json`), in the file's own property `clearword`, or is given with the command.
 *
 * @module
 */
import { z } from 'zod';
import { ClearwordError } from '../../errors.ts';
import { checkOptions } from '../../options.ts';
import { harmless } from './refusal.ts';

export const RANGES = ['0..1', '-1..1', '0..255'] as const;
export type Range = (typeof RANGES)[number];

/** Side of a tile, in pixels. */
export const LARGEST_TILE = 4096;

/** One number for each of red, green and blue, or one for all. */
const triple = z.union([z.number(), z.array(z.number()).length(3)]);

export const descriptorSchema = z
  .strictObject({
    /** How to call the network; default: the name of its file. */
    name: z.string().min(1).max(200),
    licence: z.string().max(2000),
    /** Where it comes from. */
    source: z.string().max(2000),
    /** Order of the axes: batch, channels, rows, columns, or channels last. */
    layout: z.enum(['nchw', 'nhwc']),
    /** Order of the colours, or `y` for a network that sees luma alone. */
    channels: z.enum(['rgb', 'bgr', 'y']),
    /** Values of black and white in the input. */
    range: z.enum(RANGES),
    /** Likewise in the output; default: as in the input. */
    outputRange: z.enum(RANGES),
    /** Subtracted from the values 0..1 before they are stretched to `range`, in the order red, green, blue. */
    mean: triple,
    /** Then they are divided by it. */
    std: triple.refine((value) => [value].flat().every((one) => one > 0), 'expected numbers above 0 for std'),
    /** Whether mean and std have to be undone in the output. Default true. */
    normalisedOutput: z.boolean(),
    /** Sides that the network takes are multiples of it, in pixels. */
    multiple: z.int().min(1).max(1024),
    /** How far it looks, in pixels: a tile's edge that is left to the neighbouring tile. */
    halo: z.int().min(0).max(1024),
    /** Largest side of a tile, in pixels. */
    tile: z.int().min(64).max(LARGEST_TILE),
    /** `removed`: the output is what is to be subtracted from the picture; `added`: what is to be added. Default: it is the picture. */
    residual: z.enum(['none', 'removed', 'added']),
    /** Noise level that it is told unless one is given, as a standard deviation of 8-bit values. */
    noiseLevel: z.number().min(0).max(255),
    /** What a noise level of 1 is to the network; default: 1/255, or 1 with the range 0..255. */
    noiseScale: z.number(),
    /** Name of the input that is the picture, of the one that is the noise level, and of the output that is the result. */
    input: z.string().min(1),
    noiseInput: z.string().min(1),
    output: z.string().min(1),
  })
  .partial();

/** What is known; everything else is read or guessed. */
export type Descriptor = Readonly<z.infer<typeof descriptorSchema>>;
export type DescriptorKey = keyof Descriptor;

/** As it is given: an object, or text such as `range=0..255,channels=bgr`. */
export type DescriptorOption = string | Descriptor;

/** Errors: INVALID_OPTION, naming the key. */
export function descriptorOf(option: DescriptorOption): Descriptor {
  const value = typeof option === 'string' ? valuesIn(option) : option;
  return checkOptions(descriptorSchema, value, (path) => `${path} of the descriptor`);
}

/** The value of each name in `name=value,name=value`; three numbers are separated by spaces or slashes. */
function valuesIn(text: string): Record<string, unknown> {
  const parts = text.split(',').filter((part) => part.trim() !== '');
  return Object.fromEntries(
    parts.map((part) => {
      const at = part.indexOf('=');
      if (at < 1) {
        throw new ClearwordError('INVALID_OPTION', `expected name=value for descriptor, received ${part.trim()}`, {
          fix: `Names: ${Object.keys(descriptorSchema.shape).join(', ')}.`,
        });
      }
      return [part.slice(0, at).trim(), valueIn(part.slice(at + 1).trim())];
    }),
  );
}

const NUMBER = /^-?(\d+\.?\d*|\.\d+)$/;

function valueIn(text: string): unknown {
  const numbers = text.split(/[\s/]+/);
  if (numbers.every((one) => NUMBER.test(one))) return numbers.length === 1 ? Number(text) : numbers.map(Number);
  return text === 'true' ? true : text === 'false' ? false : text;
}

/** Characters of what is wrong with a descriptor: it may name every key that is not known. */
const LONGEST_REASON = 500;

/** Reads a descriptor's file. Errors: MODEL_INVALID. */
export function parseDescriptor(text: string, path: string): Descriptor {
  try {
    return descriptorOf(JSON.parse(text) as Descriptor);
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause);
    throw new ClearwordError(
      'MODEL_INVALID',
      `descriptor ${path}: expected what docs/other-models.md says, received: ${harmless(received, LONGEST_REASON)}`,
      {
        fix: 'Correct the file, or let `clearword inspect-model` write it.',
        cause,
      },
    );
  }
}
