/**
 * External encoders from their published weights.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { type DownloadProgress, fetchFile } from '../hub/download.ts';
import type { InferenceEngine } from '../runtime/session.ts';
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
  { onDownload, signal }: LoadEncodersOptions = {},
): Promise<LoadedEncoders> {
  const path = await fetchFile(source, { onProgress: onDownload, signal });
  const entries = encoderEntries(config);
  const { values } = takeEncoderWeights(await readWeights(path), entries, config, `encoders ${source}`);
  const tokenizer = await loadClipTokenizer(config.clip.text.vocabularySize);
  const hash = createHash('sha256');
  for (const { name } of entries) {
    const data = values.get(name);
    if (data) hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return { encoders: new DaclipEncoders(config, values, tokenizer, engine), hash: hash.digest('hex') };
}
