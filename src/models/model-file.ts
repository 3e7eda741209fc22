/**
 * Model files: weights as safetensors, and beside them their card.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../atomic-file.ts';
import { ClearwordError } from '../errors.ts';
import type { ParameterLayout } from '../graph/parameters.ts';
import { type FetchOptions, fetchFile } from '../hub/download.ts';
import { besideSource, parseSource } from '../hub/source.ts';
import { cardPath, type ModelCard, type ModelFile, parseModel } from './card.ts';
import { readSafetensors, type StoredTensor, storeFloat16, storeFloat32, writeSafetensors } from './safetensors.ts';
import { formatOf } from './weights-file.ts';

async function readModelFile(path: string, what: string, fix?: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const options = { cause, ...(fix !== undefined && { fix }) };
    throw new ClearwordError('MODEL_NOT_FOUND', `${what} ${path}: expected a readable file, found none`, options);
  }
}

/** What to do about weights without a card. */
const CARDLESS =
  'Put the card beside the weights; if they were published for another program, make a model of them with `clearword import`.';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The source of the card that lies beside weights; `x.safetensors@main` has it at `x.json@main`. */
function cardSource(source: string): string {
  if (parseSource(source).kind === 'path') return cardPath(source);
  const [, name = ''] = /([^/]*?)(?:[@?#].*)?$/.exec(source) ?? [];
  return besideSource(source, decodeURIComponent(cardPath(name)));
}

/**
 * Reads a model: the weights (.safetensors) and the card beside them.
 *
 * @param source path, `hub:owner/name/file.safetensors` or https address of the weights
 * @throws ClearwordError MODEL_NOT_FOUND, INVALID_OPTION, DOWNLOAD_FAILED, CANCELLED, or MODEL_INVALID if card and weights
 *   do not belong together
 */
export async function readModel(source: string, options: FetchOptions = {}): Promise<ModelFile> {
  const path = await fetchFile(source, options);
  const weights = await readModelFile(path, 'model');
  // A foreign file is reported as what it is, before its card is missed.
  if (formatOf(weights) === 'pytorch') {
    throw new ClearwordError(
      'MODEL_INVALID',
      `model ${source}: expected a .safetensors file, received one of PyTorch`,
      {
        fix: 'Make a model out of it: clearword import FILE -o model.safetensors',
      },
    );
  }
  const { metadata } = readSafetensors(weights, `model ${source}`);
  if (metadata.format?.startsWith('clearword-checkpoint-')) {
    throw new ClearwordError(
      'MODEL_INVALID',
      `model ${source}: expected a model, received a checkpoint of a training`,
      {
        fix: 'Make a model out of it: clearword export CHECKPOINT -o model.safetensors',
      },
    );
  }
  const beside = await fetchFile(cardSource(source), options);
  const card = (await readModelFile(beside, 'model card', CARDLESS)).toString('utf8');
  return parseModel({ weights, hash: sha256(weights), card, source });
}

/** Element type of the weights in a file. */
export type StoredPrecision = 'float16' | 'float32';

/** What the writer of a model adds to what follows from its weights. */
export type CardText = Pick<
  ModelCard,
  'name' | 'preset' | 'licence' | 'training' | 'quality' | 'encoders' | 'calibration'
>;

/** @throws ClearwordError INVALID_OPTION unless the name is one from which the card's follows */
export function expectModelName(path: string): void {
  if (path.endsWith('.safetensors')) return;
  throw new ClearwordError('INVALID_OPTION', `output: expected a name that ends in .safetensors, received ${path}`);
}

/** From here on half precision rounds to infinity; its largest value is 65504. */
const HALF_OVERFLOW = 65520;

/**
 * Values of a tensor as they are stored.
 *
 * @throws ClearwordError INVALID_OPTION if half precision cannot hold them
 */
export function storeTensor(
  name: string,
  values: Float32Array,
  shape: readonly number[],
  precision: StoredPrecision,
): StoredTensor {
  if (precision === 'float32') return storeFloat32(values, shape);
  const beyond = values.find((value) => Math.abs(value) >= HALF_OVERFLOW);
  if (beyond === undefined) return storeFloat16(values, shape);
  throw new ClearwordError('INVALID_OPTION', `tensor ${name}: expected values that float16 holds, received ${beyond}`, {
    fix: 'Use --precision float32.',
  });
}

/** Writes weights and card. Half precision halves the file; matrices keep 11 significant bits, which is enough for 8-bit pictures. */
export async function writeModel(
  path: string,
  layout: ParameterLayout,
  flat: Float32Array,
  text: CardText,
  precision: StoredPrecision,
): Promise<ModelCard> {
  const tensors = new Map(
    layout.entries.map(({ name, shape, offset, size }) => [
      name,
      storeTensor(name, flat.slice(offset, offset + size), shape, precision),
    ]),
  );
  const bytes = Buffer.concat(writeSafetensors({ tensors, metadata: { format: 'clearword-model-1' } }));
  const card: ModelCard = {
    format: 'clearword-model-1',
    ...text,
    parameters: layout.size,
    sha256: sha256(bytes),
  };
  await writeFileAtomic(path, bytes, { overwrite: true });
  await writeFileAtomic(cardPath(path), `${JSON.stringify(card, null, 2)}\n`, { overwrite: true });
  return card;
}
