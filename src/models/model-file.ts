/**
 * Model files: weights as safetensors, and beside them their card.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../data/atomic-file.ts';
import { ClearwordError } from '../errors.ts';
import type { ParameterLayout } from '../graph/parameters.ts';
import { type FetchOptions, fetchFile } from '../hub/download.ts';
import { besideSource, parseSource } from '../hub/source.ts';
import { cardPath, type ModelCard, type ModelFile, parseModel } from './card.ts';
import { readSafetensors, storeFloat16, storeFloat32, writeSafetensors } from './safetensors.ts';

async function readModelFile(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ClearwordError('MODEL_NOT_FOUND', `${what} ${path}: expected a readable file, found none`, { cause });
  }
}

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
  const card = (await readModelFile(beside, 'model card')).toString('utf8');
  return parseModel({ weights, hash: sha256(weights), card, source });
}

/** What the writer of a model adds to what follows from its weights. */
export type CardText = Pick<ModelCard, 'name' | 'preset' | 'licence' | 'training' | 'quality' | 'encoders'>;

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
    sha256: sha256(bytes),
  };
  await writeFileAtomic(path, bytes, { overwrite: true });
  await writeFileAtomic(cardPath(path), `${JSON.stringify(card, null, 2)}\n`, { overwrite: true });
  return card;
}
