/**
 * Model files: weights as safetensors, and beside them a JSON card that says what they are.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '../data/atomic-file.ts';
import { ClearwordError } from '../errors.ts';
import type { LayoutEntry, ParameterLayout } from '../graph/parameters.ts';
import { presetSchema } from './preset-schema.ts';
import {
  loadFloats,
  readSafetensors,
  type SafetensorsFile,
  storeFloat16,
  storeFloat32,
  writeSafetensors,
} from './safetensors.ts';

export const cardSchema = z.strictObject({
  format: z.literal('clearword-model-1'),
  name: z.string().min(1),
  /** The whole preset, so that a model stays readable when the presets change. */
  preset: presetSchema,
  /** Number of trained values. */
  parameters: z.int().min(1),
  /** SHA-256 of the weights file, hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  licence: z.string(),
  training: z.record(z.string(), z.unknown()),
  /** Measured quality, with the commands that measured it. */
  quality: z.record(z.string(), z.unknown()),
});

export type ModelCard = Readonly<z.infer<typeof cardSchema>>;

/** `model.safetensors` -> `model.json`. */
export const cardPath = (weights: string): string => `${weights.replace(/\.safetensors$/, '')}.json`;

async function readModelFile(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ClearwordError('MODEL_NOT_FOUND', `${what} ${path}: expected a readable file, found none`, { cause });
  }
}

function parseCard(text: string, path: string): ModelCard {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ClearwordError(
      'MODEL_INVALID',
      `model card ${path}: expected JSON, received ${(cause as Error).message}`,
      { cause },
    );
  }
  const parsed = cardSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path: place, message }) => `${place.join('.') || '(top)'}: ${message}`);
  throw new ClearwordError('MODEL_INVALID', `model card ${path}: ${problems.join('; ')}`);
}

export interface ModelFile {
  readonly card: ModelCard;
  readonly weights: SafetensorsFile;
}

/**
 * Reads a model: the weights at `path` (.safetensors) and the card beside them.
 *
 * @throws ClearwordError MODEL_NOT_FOUND, or MODEL_INVALID if card and weights do not belong together
 */
export async function readModel(path: string): Promise<ModelFile> {
  const bytes = await readModelFile(path, 'model');
  // A foreign file is reported as what it is, before its card is missed.
  const weights = readSafetensors(bytes, `model ${path}`);
  const card = parseCard((await readModelFile(cardPath(path), 'model card')).toString('utf8'), cardPath(path));
  const hash = createHash('sha256').update(bytes).digest('hex');
  if (hash !== card.sha256) {
    throw new ClearwordError(
      'MODEL_INVALID',
      `model ${path}: expected SHA-256 ${card.sha256} as its card says, received ${hash}`,
    );
  }
  return { card, weights };
}

/**
 * The values of a network's parameters out of a weights file.
 *
 * @throws ClearwordError MODEL_INVALID listing missing, unexpected and misshapen tensors
 */
export function parameterValues(
  layout: ParameterLayout,
  { tensors }: SafetensorsFile,
  source: string,
): Map<string, Float32Array> {
  const known = new Map(layout.entries.map((entry) => [entry.name, entry]));
  const missing = layout.entries.filter(({ name }) => !tensors.has(name)).map(({ name }) => name);
  const unexpected = [...tensors.keys()].filter((name) => !known.has(name));
  const misshapen = layout.entries.flatMap(({ name, shape }) => {
    const stored = tensors.get(name);
    if (!stored || (stored.dtype !== 'I64' && String(stored.shape) === String(shape))) return [];
    return [`${name} (expected [${shape}], received ${stored.dtype} [${stored.shape}])`];
  });
  const list = (what: string, names: readonly string[]) => {
    if (names.length === 0) return [];
    return [`${what} ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`];
  };
  const problems = [...list('missing', missing), ...list('unexpected', unexpected), ...list('wrong', misshapen)];
  if (problems.length > 0) throw new ClearwordError('MODEL_INVALID', `${source}: tensors ${problems.join('; ')}`);
  const valuesOf = ({ name }: LayoutEntry) => {
    const stored = tensors.get(name);
    if (!stored) throw new RangeError(name);
    return loadFloats(stored);
  };
  return new Map(layout.entries.map((entry) => [entry.name, valuesOf(entry)]));
}

/** What the writer of a model adds to what follows from its weights. */
export type CardText = Pick<ModelCard, 'name' | 'preset' | 'licence' | 'training' | 'quality'>;

/** Writes weights and card. Half precision halves the file; matrices keep 11 significant bits, which is enough for 8-bit pictures. */
export async function writeModel(
  path: string,
  layout: ParameterLayout,
  flat: Float32Array,
  text: CardText,
  precision: 'float16' | 'float32',
): Promise<ModelCard> {
  const store = precision === 'float16' ? storeFloat16 : storeFloat32;
  const tensors = new Map(
    layout.entries.map(({ name, shape, offset, size }) => [name, store(flat.slice(offset, offset + size), shape)]),
  );
  const bytes = Buffer.concat(writeSafetensors({ tensors, metadata: { format: 'clearword-model-1' } }));
  const card: ModelCard = {
    format: 'clearword-model-1',
    ...text,
    parameters: layout.size,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  await writeFileAtomic(path, bytes, { overwrite: true });
  await writeFileAtomic(cardPath(path), `${JSON.stringify(card, null, 2)}\n`, { overwrite: true });
  return card;
}
