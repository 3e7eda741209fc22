/**
 * Loading a network from an ONNX file.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ClearwordError } from '../../errors.ts';
import type { DownloadProgress } from '../../hub/download.ts';
import { fetchFile } from '../../hub/download.ts';
import { parseSource } from '../../hub/source.ts';
import { type Descriptor, type DescriptorOption, descriptorOf, parseDescriptor } from './descriptor.ts';
import { withExternalData } from './file/external-data.ts';
import type { OnnxFile } from './file/onnx-file.ts';
import { checkedOnnxFile } from './guard/onnx-guard.ts';
import type { OnnxModelParts } from './onnx-model.ts';
import { understandOnnx } from './understand.ts';

/** Bytes of a file that is read at all: the format holds no more. */
const MOST_BYTES = 2 ** 31 - 1;

/** Bytes of a descriptor, whose texts have some thousand characters. */
const MOST_DESCRIPTOR = 100_000;

export interface ReadOnnxOptions {
  /** What the caller knows; counts for more than the file beside the model. */
  readonly descriptor?: DescriptorOption | undefined;
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An ONNX file that was checked and understood. */
export interface OnnxModelFile extends OnnxModelParts {
  readonly file: OnnxFile;
}

/** `x.onnx` -> `x.json`. */
export const descriptorPath = (path: string): string => `${path.replace(/\.onnx$/i, '')}.json`;

/**
 * Whether a file that begins so is to be read as ONNX: its first field is the version of the format, a small number. A name
 * that says so gets the message about what is wrong with it.
 */
async function beginsAsOnnx(path: string): Promise<boolean> {
  await sizeOf(path);
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    const [tag = 0, version = 0] = buffer;
    return bytesRead === 2 && tag === 0x08 && version > 0 && version < 0x40;
  } finally {
    await file.close();
  }
}

/** Whether a source is an ONNX model: by its content. Errors: those of downloads. */
export async function isOnnxModel(source: string, options: ReadOnnxOptions): Promise<boolean> {
  const path = await fetchFile(source, { onProgress: options.onDownload, signal: options.signal });
  if (/\.onnx(?:[@?#].*)?$/i.test(source)) return true;
  return beginsAsOnnx(path).catch(() => false);
}

async function readBounded(path: string, source: string): Promise<Uint8Array> {
  let size: number;
  try {
    size = await sizeOf(path);
    if (size <= MOST_BYTES) return await readFile(path);
  } catch (cause) {
    throw new ClearwordError('MODEL_NOT_FOUND', `${source}: expected a readable file, found none`, { cause });
  }
  throw new ClearwordError('MODEL_INVALID', `${source}: expected at most ${MOST_BYTES} bytes, received ${size}`);
}

/** Bytes of a file. Opening what is none, such as a pipe, could wait without end. */
async function sizeOf(path: string): Promise<number> {
  const stats = await stat(path);
  if (!stats.isFile()) throw new TypeError('no file');
  return stats.size;
}

/** The descriptor beside a model on this machine, if there is one. */
async function besideDescriptor(source: string): Promise<Descriptor> {
  if (parseSource(source).kind !== 'path') return {};
  const path = descriptorPath(source);
  if (path === source) return {};
  let [size, text] = [0, ''];
  try {
    size = await sizeOf(path);
    if (size <= MOST_DESCRIPTOR) text = await readFile(path, 'utf8');
  } catch {
    return {};
  }
  if (size <= MOST_DESCRIPTOR) return parseDescriptor(text, path);
  const message = `descriptor ${path}: expected at most ${MOST_DESCRIPTOR} bytes, received ${size}`;
  throw new ClearwordError('MODEL_INVALID', message, {
    fix: 'Move the file away, or let `clearword inspect-model` write the descriptor.',
  });
}

/**
 * Reads and understands an ONNX model.
 *
 * @param source path, `hub:owner/name/file.onnx` or https address
 * @throws ClearwordError MODEL_NOT_FOUND, MODEL_INVALID, INVALID_OPTION, DOWNLOAD_FAILED, CANCELLED
 */
export async function readOnnxModel(source: string, options: ReadOnnxOptions = {}): Promise<OnnxModelFile> {
  const label = `model ${source}`;
  const path = await fetchFile(source, { onProgress: options.onDownload, signal: options.signal });
  const stored = await readBounded(path, label);
  const said = [
    await besideDescriptor(source),
    ...(options.descriptor === undefined ? [] : [descriptorOf(options.descriptor)]),
  ];
  const stem = basename(path).replace(/\.onnx$/i, '');
  const { file: before, descriptor, reading } = understandOnnx(stored, said, stem, label);
  const bytes = await withExternalData(stored, before.graph.initialisers, path, label);
  const file = bytes === stored ? before : checkedOnnxFile(bytes, label);
  return { bytes, file, descriptor, reading, hash: createHash('sha256').update(bytes).digest('hex') };
}
