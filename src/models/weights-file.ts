/**
 * Named tensors out of any file that publishers of weights use: safetensors, PyTorch, ONNX. Told apart by their content.
 *
 * @module
 */
import { open, readFile } from 'node:fs/promises';
import { ClearwordError } from '../errors.ts';
import { decodeElements, type ElementType, elementBytes } from './element-types.ts';
import type { NamedTensors } from './named-tensor.ts';
import { readOnnxWeights } from './onnx-weights.ts';
import { readPytorchFile } from './pytorch-file.ts';
import { readSafetensorsOf } from './safetensors.ts';

/** Element types of the safetensors format. */
const SAFETENSORS_TYPES = {
  F32: 'float32',
  F64: 'float64',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
} as const satisfies Record<string, ElementType>;

const SIZES = Object.fromEntries(
  Object.entries(SAFETENSORS_TYPES).map(([name, type]) => [name, elementBytes(type)]),
) as Record<keyof typeof SAFETENSORS_TYPES, number>;

export type WeightsFormat = 'safetensors' | 'pytorch' | 'onnx';

/**
 * The format of a file that begins so. Zip and pickle begin with marks of their own, safetensors with a length and a brace;
 * ONNX has no mark. Safetensors first: its length may have the bytes of a pickle's mark.
 */
export function formatOf(start: Buffer): WeightsFormat {
  if (start.length >= 9 && start[8] === 0x7b && start.readUInt32LE(4) === 0) return 'safetensors';
  const zip = start.toString('latin1', 0, 4) === 'PK\u0003\u0004';
  const pickle = start[0] === 0x80 && (start[1] ?? 9) <= 5;
  return zip || pickle ? 'pytorch' : 'onnx';
}

async function startOf(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r');
    try {
      // A device or a pipe may have no end.
      if (!(await file.stat()).isFile()) throw new TypeError('no file');
      const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new ClearwordError('MODEL_NOT_FOUND', `weights ${path}: expected a readable file, found none`, {
      fix: 'Check the path of the weights; docs/paper-scale.md says where those of the encoders are published.',
      cause,
    });
  }
}

/**
 * Reads weights.
 *
 * @throws ClearwordError MODEL_NOT_FOUND, or MODEL_INVALID if the file is damaged or none of the three formats
 */
export async function readWeights(path: string): Promise<NamedTensors> {
  const format = formatOf(await startOf(path));
  if (format === 'pytorch') return readPytorchFile(path);
  const bytes = await readFile(path);
  if (format === 'onnx') return readOnnxWeights(bytes, `weights ${path}`);
  const { tensors } = readSafetensorsOf(SIZES, bytes, `weights ${path}`);
  return new Map(
    [...tensors].map(([name, { dtype, shape, bytes: data }]) => [
      name,
      { shape, data: decodeElements(data, SAFETENSORS_TYPES[dtype]) },
    ]),
  );
}
