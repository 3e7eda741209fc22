/**
 * Model cards: the JSON beside the weights that says what they are. Files are read and written in model-file.ts; a browser
 * gets the same bytes over HTTP.
 *
 * @module
 */
import { z } from 'zod';
import { ClearwordError } from '../errors.ts';
import type { LayoutEntry, ParameterLayout } from '../graph/parameters.ts';
import { calibrationSchema } from './calibration.ts';
import { presetSchema } from './preset-schema.ts';
import { loadFloats, readSafetensors, type SafetensorsFile } from './safetensors.ts';
import { expectFiniteTensor, problemsText } from './tensor-problems.ts';

const cardShape = z.strictObject({
  format: z.literal('clearword-model-1'),
  name: z.string().min(1),
  /** The whole preset, so that a model stays readable when the presets change. */
  preset: presetSchema,
  /** Number of trained values. */
  parameters: z.int().min(1),
  /** SHA-256 of the weights file, hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Where the weights of its external encoders are (a path beside the model, a hub name or an address), and their hash. */
  encoders: z.strictObject({ source: z.string().min(1), sha256: z.string().min(1).optional() }).optional(),
  /** How sure its controller has to be of each degradation; what is not listed is found when it is more likely than not. */
  calibration: z.record(z.string(), calibrationSchema).optional(),
  licence: z.string(),
  training: z.record(z.string(), z.unknown()),
  /** Measured quality, with the commands that measured it. */
  quality: z.record(z.string(), z.unknown()),
});

export const cardSchema = cardShape.superRefine(({ preset, calibration = {} }, { addIssue }) => {
  for (const name of Object.keys(calibration)) {
    if (preset.degradations.includes(name)) continue;
    const message = `expected one of preset.degradations (${preset.degradations.join(', ')}), received ${name}`;
    addIssue({ code: 'custom', path: ['calibration', name], message });
  }
});

export type ModelCard = Readonly<z.infer<typeof cardSchema>>;

/** `model.safetensors` -> `model.json`. */
export const cardPath = (weights: string): string => `${weights.replace(/\.safetensors$/, '')}.json`;

/** @throws ClearwordError MODEL_INVALID naming what is wrong with the card */
export function parseCard(text: string, path: string): ModelCard {
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

/** What a model's two files hold, wherever they came from. */
export interface ModelBytes {
  readonly weights: Uint8Array;
  /** SHA-256 of the weights, hex; undefined where there is nothing to compute it with. */
  readonly hash: string | undefined;
  readonly card: string;
  /** Where the weights came from, for messages. */
  readonly source: string;
}

/**
 * Parses a model and checks that its card belongs to it.
 *
 * @throws ClearwordError MODEL_INVALID
 */
export function parseModel({ weights: bytes, hash, card: text, source }: ModelBytes): ModelFile {
  const weights = readSafetensors(bytes, `model ${source}`);
  const card = parseCard(text, cardPath(source));
  if (hash !== undefined && hash !== card.sha256) {
    throw new ClearwordError(
      'MODEL_INVALID',
      `model ${source}: expected SHA-256 ${card.sha256} as its card says, received ${hash}`,
    );
  }
  return { card, weights };
}

/**
 * The values of a network's parameters out of a weights file.
 *
 * @throws ClearwordError MODEL_INVALID listing missing, unexpected and misshapen tensors, or naming one with a value that is
 *   not finite
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
  const problems = problemsText({ missing, unexpected, misshapen });
  if (problems !== undefined) throw new ClearwordError('MODEL_INVALID', `${source}: ${problems}`);
  const valuesOf = ({ name }: LayoutEntry) => {
    const stored = tensors.get(name);
    if (!stored) throw new RangeError(name);
    const values = loadFloats(stored);
    expectFiniteTensor(name, values, source);
    return values;
  };
  return new Map(layout.entries.map((entry) => [entry.name, valuesOf(entry)]));
}
