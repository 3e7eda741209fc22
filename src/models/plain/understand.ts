/**
 * From the bytes of an ONNX file to what is known of its network: checked, described and read, wherever the bytes came from.
 *
 * @module
 */
import { type Descriptor, parseDescriptor } from './descriptor.ts';
import type { OnnxFile } from './file/onnx-file.ts';
import { checkedOnnxFile } from './guard/onnx-guard.ts';
import { type Reading, readingOf } from './reading.ts';

/** Property of an ONNX file that holds its descriptor. */
export const DESCRIPTOR_PROPERTY = 'clearword';

export interface Understood {
  readonly file: OnnxFile;
  /** What was said about it, from all places. */
  readonly descriptor: Descriptor;
  readonly reading: Reading;
}

/**
 * Checks the file and finds out how its network is to be used.
 *
 * @param said what is known beside the file; later ones count for more, and all for more than the file's own descriptor
 * @param stem name of the network unless a descriptor has one
 * @param label what to call it in messages
 * @throws ClearwordError MODEL_INVALID
 */
export function understandOnnx(
  bytes: Uint8Array,
  said: readonly Descriptor[],
  stem: string,
  label: string,
): Understood {
  const file = checkedOnnxFile(bytes, label);
  const own = file.metadata.get(DESCRIPTOR_PROPERTY);
  const descriptor: Descriptor = Object.assign(
    {},
    ...[...(own === undefined ? [] : [parseDescriptor(own, `in ${label}`)]), ...said],
  );
  return { file, descriptor, reading: readingOf(file, descriptor, stem, label) };
}
