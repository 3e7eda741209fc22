/**
 * An ONNX network in a browser: a file that a visitor chose, or one at an address.
 *
 * @module
 */
import { ClearwordError, throwIfCancelled } from '../errors.ts';
import { type DescriptorOption, descriptorOf } from '../models/plain/descriptor.ts';
import type { OnnxModelParts } from '../models/plain/onnx-model.ts';
import { understandOnnx } from '../models/plain/understand.ts';
import { fetchBytes, type OnBytes, sha256 } from './download.ts';

/** Bytes of a file that is read at all: the format holds no more. */
const MOST_BYTES = 2 ** 31 - 1;

/** The name of the file, for messages and for the model. */
function nameOf(source: Blob | string): string {
  if (typeof source !== 'string') return 'name' in source ? String(source.name) : 'model.onnx';
  return decodeURIComponent(new URL(source).pathname.split('/').at(-1) ?? '') || 'model.onnx';
}

async function fileBytes(file: Blob, name: string, onBytes: OnBytes): Promise<Uint8Array<ArrayBuffer>> {
  if (file.size > MOST_BYTES) {
    const message = `model ${name}: expected at most ${MOST_BYTES} bytes, received ${file.size}`;
    throw new ClearwordError('MODEL_INVALID', message);
  }
  const bytes = await file.arrayBuffer().catch((cause: unknown) => {
    throw new ClearwordError('MODEL_NOT_FOUND', `model ${name}: expected a readable file`, { cause });
  });
  onBytes(bytes.byteLength, bytes.byteLength);
  return new Uint8Array(bytes);
}

/**
 * Reads and understands an ONNX network. Its weights have to be in the file itself: a page cannot look beside it.
 *
 * @throws ClearwordError MODEL_NOT_FOUND, MODEL_INVALID, INVALID_OPTION, CANCELLED
 */
export async function readOnnx(
  source: Blob | string,
  given: DescriptorOption | undefined,
  signal: AbortSignal,
  onBytes: OnBytes,
): Promise<OnnxModelParts> {
  const name = nameOf(source);
  const said = given === undefined ? [] : [descriptorOf(given)];
  const bytes =
    typeof source === 'string'
      ? await fetchBytes(source, 'model', signal, onBytes)
      : await fileBytes(source, name, onBytes);
  throwIfCancelled(signal, 'loading the model');
  const label = `model ${name}`;
  const { file, descriptor, reading } = understandOnnx(bytes, said, name.replace(/\.onnx$/i, ''), label);
  if (file.graph.initialisers.some(({ external }) => external !== undefined)) {
    throw new ClearwordError('MODEL_INVALID', `${label}: expected weights in the file itself, found some in another`, {
      fix: 'Export the network as one file.',
    });
  }
  return { bytes, reading, descriptor, hash: (await sha256(bytes)) ?? 'unknown' };
}
