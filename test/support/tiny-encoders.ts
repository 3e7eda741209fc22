/**
 * A DA-CLIP of a few thousand parameters, with values from a formula, and its files.
 */
import { writeFile } from 'node:fs/promises';
import { sizeOf } from '../../src/graph/tensor.ts';
import type { NamingName } from '../../src/models/checkpoint-names.ts';
import { TINY_DACLIP } from '../../src/models/clip-config.ts';
import { allEncoderEntries, nameEncoderWeights } from '../../src/models/encoder-weights.ts';
import { storeFloat32, writeSafetensors } from '../../src/models/safetensors.ts';

export const TINY_ENCODERS = TINY_DACLIP;

export const TINY_ENTRIES = allEncoderEntries(TINY_ENCODERS);

/** sin(0.37 k + 1.3 p) / 3 for value k of parameter p; norms start near 1. */
export const TINY_VALUES: ReadonlyMap<string, Float32Array> = new Map(
  TINY_ENTRIES.map(({ name, shape }, p) => [
    name,
    Float32Array.from(
      { length: sizeOf(shape) },
      (_, k) => (/ln_.*weight$/.test(name) ? 1 : 0) + Math.sin(0.37 * k + 1.3 * p) / 3,
    ),
  ]),
);

/** Writes the encoders as safetensors with the names of a naming. */
export async function writeTinyEncoders(path: string, naming: NamingName, values = TINY_VALUES): Promise<void> {
  const named = nameEncoderWeights(values, TINY_ENTRIES, naming);
  const tensors = new Map([...named].map(([name, { shape, data }]) => [name, storeFloat32(data, shape)]));
  await writeFile(path, Buffer.concat(writeSafetensors({ tensors, metadata: {} })));
}
