/**
 * Finding and loading the files of a vision-language model: from a folder, from the hub, or from the cache of downloads.
 *
 * @module
 */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { PreTrainedModel, Processor } from '@huggingface/transformers';
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { defaultCache } from '../hub/download.ts';
import { hubEndpoint, parseSource } from '../hub/source.ts';

export type Library = typeof import('@huggingface/transformers');

/** Which of a model's ONNX files are taken. */
export type Precision = 'fp32' | 'fp16' | 'q8' | 'q4';

/** Ends of the names of ONNX files. */
const SUFFIX: Readonly<Record<Precision, string>> = { fp32: '', fp16: '_fp16', q8: '_quantized', q4: '_q4' };

/** `owner/name`. Names without an owner are left out: none of a vision-language model is, and folders are called so. */
const HUB_NAME = /^\w[\w.-]*\/\w[\w.-]*$/;

interface Place {
  /** As the library takes it: it looks for paths that could be names of the hub in its own folder. */
  readonly id: string;
  readonly kind: 'folder' | 'hub';
}

/** Where a model is. A folder goes before a model of the same name on the hub. */
async function placeOf(model: string): Promise<Place> {
  if ((await stat(model).catch(() => undefined))?.isDirectory()) return { id: resolve(model), kind: 'folder' };
  if (HUB_NAME.test(model)) {
    // Refuses a mirror that is not encrypted, as for all downloads.
    parseSource(`hub:${model}/config.json`, hubEndpoint());
    return { id: model, kind: 'hub' };
  }
  throw new ClearwordError(
    'CAPTION_FAILED',
    `model ${model}: expected a folder, or a name on the hub such as owner/name, found neither`,
    { fix: 'Check the path of the folder that has config.json.' },
  );
}

/** Lets the library read and keep files where the rest of Clearword does. */
function configure({ env, LogLevel }: Library, signal: AbortSignal | undefined): void {
  env.allowLocalModels = true;
  env.allowRemoteModels = !process.env.CLEARWORD_OFFLINE;
  env.remoteHost = hubEndpoint();
  // By default it would be inside of node_modules, which others may own and the next installation removes.
  env.cacheDir = join(defaultCache(), 'captions');
  env.fetch = (address, init) => fetch(address, { ...init, ...(signal && { signal }) });
  // Errors come as exceptions; on top of them it prints whole pictures.
  env.logLevel = LogLevel.NONE;
}

/**
 * Loads a model and what prepares its inputs.
 *
 * @throws ClearwordError CAPTION_FAILED, INVALID_OPTION for a mirror that is not encrypted, CANCELLED
 */
export async function loadLocalModel(
  library: Library,
  model: string,
  precision: Precision,
  signal: AbortSignal | undefined,
): Promise<{ processor: Processor; network: PreTrainedModel }> {
  const place = await placeOf(model);
  configure(library, signal);
  try {
    throwIfCancelled(signal, `loading the model ${model}`);
    const processor = await library.AutoProcessor.from_pretrained(place.id);
    throwIfCancelled(signal, `loading the model ${model}`);
    const network = await library.AutoModelForImageTextToText.from_pretrained(place.id, { dtype: precision });
    return { processor, network };
  } catch (cause) {
    throwIfCancelled(signal, `loading the model ${model}`);
    const absent = cause instanceof library.ModelFileNotFoundError;
    throw absent ? absence(model, place, precision, cause) : failure(model, cause);
  }
}

function failure(model: string, cause: unknown): ClearwordError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ClearwordError('CAPTION_FAILED', `model ${model}: expected to load it, but ${reason}`, { cause });
}

/** A file that is not there. The library's own message speaks of its settings, which are not the user's. */
function absence(model: string, { kind }: Place, precision: Precision, cause: Error): ClearwordError {
  const path = /"([^"]+)"/.exec(cause.message)?.[1] ?? 'all files';
  const names = `Networks are read from onnx/*${SUFFIX[precision]}.onnx; --precision chooses others.`;
  if (kind === 'folder') {
    const message = `model ${model}: expected the file ${path}, found none`;
    return new ClearwordError('CAPTION_FAILED', message, { fix: `Complete the folder. ${names}`, cause });
  }
  if (process.env.CLEARWORD_OFFLINE) {
    const cache = join(defaultCache(), 'captions', model);
    const message = `model ${model}: expected its files in the cache ${cache}, because work is offline`;
    return new ClearwordError('CAPTION_FAILED', message, {
      fix: 'Go online once, or give the folder of a model.',
      cause,
    });
  }
  const message = `model ${model}: expected to download it, but the hub has no ${path}`;
  return new ClearwordError('CAPTION_FAILED', message, { fix: `Check the name of the model. ${names}`, cause });
}
