/**
 * Named tensors from the files in which networks are published: safetensors, ONNX and PyTorch's. Reading them executes
 * nothing.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { ClearwordError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import { ModelProto } from '../../graph/onnx/schema.ts';
import { formatShape, sameShape, sizeOf } from '../../graph/tensor.ts';
import { fromHalf } from '../../models/float-formats.ts';
import { readPytorchFile } from '../../models/pytorch-file.ts';
import { loadFloats, readSafetensors } from '../../models/safetensors.ts';

export interface NamedTensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
}

export type NamedTensors = ReadonlyMap<string, NamedTensor>;

/** Reads a file by its extension: .safetensors, .onnx, or PyTorch's .pth and .pt. Errors: MODEL_NOT_FOUND, MODEL_INVALID. */
export async function readTensorFile(path: string): Promise<NamedTensors> {
  if (/\.(pth|pt)$/i.test(path)) return readPytorchFile(path);
  if (!/\.(safetensors|onnx)$/i.test(path)) {
    throw new ClearwordError(
      'MODEL_INVALID',
      `weights ${path}: expected a name that ends in .safetensors, .onnx, .pth or .pt`,
      { fix: 'Give the weights in one of these formats; the extension says which.' },
    );
  }
  const bytes = await readFile(path).catch((cause: unknown) => {
    const message = `weights ${path}: expected a readable file, found none`;
    throw new ClearwordError('MODEL_NOT_FOUND', message, { cause, fix: 'Check the path.' });
  });
  return /\.onnx$/i.test(path) ? readOnnx(bytes, path) : readAllSafetensors(bytes, path);
}

function readAllSafetensors(bytes: Uint8Array, path: string): NamedTensors {
  const { tensors } = readSafetensors(bytes, `weights ${path}`);
  return new Map(
    [...tensors]
      // Counters such as num_batches_tracked are no parameters.
      .filter(([, { dtype }]) => dtype !== 'I64')
      .map(([name, tensor]) => [name, { shape: tensor.shape, data: loadFloats(tensor) }]),
  );
}

/** The part of a decoded ONNX model that matters here. */
interface OnnxTensor {
  readonly name?: string;
  readonly dims?: readonly (number | { toNumber(): number })[];
  readonly dataType?: number;
  readonly rawData?: Uint8Array;
}

/** TensorProto.DataType. */
const FLOAT = 1;
const FLOAT16 = 10;

/** Float initialisers, by their names. */
function readOnnx(bytes: Uint8Array, path: string): NamedTensors {
  const fail = (received: string, cause?: unknown): never => {
    const message = `weights ${path}: expected an ONNX model with its weights inside, received ${received}`;
    throw new ClearwordError('MODEL_INVALID', message, { cause, fix: 'Export it as one file, without external data.' });
  };
  let initialisers: readonly OnnxTensor[];
  try {
    const model = ModelProto.decode(bytes) as unknown as { graph?: { initializer?: readonly OnnxTensor[] } };
    initialisers = model.graph?.initializer ?? [];
  } catch (cause) {
    return fail('a file that cannot be read', cause);
  }
  const tensors = new Map<string, NamedTensor>();
  for (const { name = '', dims = [], dataType, rawData = new Uint8Array() } of initialisers) {
    if (dataType !== FLOAT && dataType !== FLOAT16) continue;
    const shape = dims.map((dimension) => (typeof dimension === 'number' ? dimension : dimension.toNumber()));
    const size = dataType === FLOAT ? 4 : 2;
    if (rawData.byteLength !== size * sizeOf(shape)) fail(`${rawData.byteLength} bytes for ${name}`);
    // A copy: in a protobuf message values start anywhere.
    const aligned = new Uint8Array(rawData).buffer;
    const data = size === 4 ? new Float32Array(aligned) : Float32Array.from(new Uint16Array(aligned), fromHalf);
    tensors.set(name, { shape, data });
  }
  return tensors.size === 0 ? fail('a model without them') : tensors;
}

/**
 * The values of all parameters of a graph out of a file's tensors.
 *
 * @param source what to call the file in messages
 * @throws ClearwordError MODEL_INVALID listing missing and misshapen tensors; more than is needed may be in the file
 */
export function valuesFor(graph: Graph, tensors: NamedTensors, source: string): Map<string, Float32Array> {
  const problems: string[] = [];
  const values = new Map<string, Float32Array>();
  for (const { name, shape } of graph.parameters.values()) {
    const tensor = tensors.get(name);
    if (tensor !== undefined && sameShape(tensor.shape, shape)) values.set(name, tensor.data);
    else
      problems.push(`${name} ${formatShape(shape)} (${tensor === undefined ? 'missing' : formatShape(tensor.shape)})`);
  }
  if (problems.length > 0) {
    const rest = problems.length > 5 ? ` and ${problems.length - 5} more` : '';
    const message = `${source}: expected the tensors ${problems.slice(0, 5).join(', ')}${rest}`;
    throw new ClearwordError('MODEL_INVALID', message, {
      fix: 'Give the weights of the network that the message names.',
    });
  }
  return values;
}
