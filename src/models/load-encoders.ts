/**
 * External encoders from their published weights.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { dirname, relative, resolve } from 'node:path';
import { ClearwordError } from '../errors.ts';
import { type DownloadProgress, fetchFile } from '../hub/download.ts';
import { parseSource } from '../hub/source.ts';
import type { InferenceEngine } from '../runtime/session.ts';
import type { ModelCard } from './card.ts';
import type { ExternalEncoders } from './clip-config.ts';
import { loadClipTokenizer } from './clip-vocabulary.ts';
import { DaclipEncoders } from './daclip-encoders.ts';
import { encoderEntries, takeEncoderWeights } from './encoder-weights.ts';
import { readWeights } from './weights-file.ts';

export interface LoadEncodersOptions {
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LoadedEncoders {
  readonly encoders: DaclipEncoders;
  /** SHA-256 over all values, hex: the same weights have the same one in every file format and naming. */
  readonly hash: string;
}

interface EncoderValues {
  readonly values: Map<string, Float32Array>;
  readonly hash: string;
}

async function encoderValues(
  config: ExternalEncoders,
  source: string,
  { onDownload, signal }: LoadEncodersOptions,
): Promise<EncoderValues> {
  const path = await fetchFile(source, { onProgress: onDownload, signal });
  const entries = encoderEntries(config);
  const { values } = takeEncoderWeights(await readWeights(path), entries, config, `encoders ${source}`);
  const hash = createHash('sha256');
  for (const { name } of entries) {
    const data = values.get(name);
    if (data) hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return { values, hash: hash.digest('hex') };
}

/**
 * What a model's card says of its encoders: where they are, as seen from the model, and their hash, by which others are
 * refused.
 *
 * @param source path (relative to `folder`, or whole), hub name or address of their weights
 * @param folder that the path is relative to
 * @param model file beside which the card lies
 * @returns without a hash where the weights are not at hand
 * @throws ClearwordError MODEL_INVALID, INVALID_OPTION, CANCELLED
 */
export async function encodersOnCard(
  config: ExternalEncoders,
  source: string,
  { folder, model, ...options }: LoadEncodersOptions & { readonly folder: string; readonly model: string },
): Promise<NonNullable<ModelCard['encoders']>> {
  const local = parseSource(source).kind === 'path';
  const path = resolve(folder, source);
  const seen = local ? relative(dirname(resolve(model)), path).replaceAll('\\', '/') : source;
  try {
    const { hash } = await encoderValues(config, local ? path : source, options);
    return { source: seen, sha256: hash };
  } catch (error) {
    const absent = error instanceof ClearwordError && ['MODEL_NOT_FOUND', 'DOWNLOAD_FAILED'].includes(error.code);
    if (absent) return { source: seen };
    throw error;
  }
}

/**
 * Loads text tower and controller.
 *
 * @param source path, `hub:owner/name/file` or https address of their weights
 * @throws ClearwordError INVALID_OPTION, DOWNLOAD_FAILED, MODEL_NOT_FOUND, MODEL_INVALID
 */
export async function loadEncoders(
  engine: InferenceEngine,
  config: ExternalEncoders,
  source: string,
  options: LoadEncodersOptions = {},
): Promise<LoadedEncoders> {
  const { values, hash } = await encoderValues(config, source, options);
  const tokenizer = await loadClipTokenizer(config.clip.text.vocabularySize);
  return { encoders: new DaclipEncoders(config, values, tokenizer, engine), hash };
}
