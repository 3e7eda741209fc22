/**
 * The weights of a network out of its ONNX model, by the names that they had in PyTorch.
 *
 * PyTorch's exporter keeps most names, but transposes the matrices of linear layers and renames them (`onnx::MatMul_812`).
 * Their layer is then told by the node that uses them (`/text_model/encoder/layers.0/mlp/fc1/MatMul`).
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import { ModelProto } from '../graph/onnx/schema.ts';
import { decodeElements, type ElementType, elementBytes } from './element-types.ts';
import type { NamedTensor } from './named-tensor.ts';

/** Numbers of TensorProto.DataType, and the field that has their values where they are not raw bytes. */
const TYPES: Readonly<Record<number, { readonly type: ElementType; readonly field: keyof TensorFields }>> = {
  1: { type: 'float32', field: 'floatData' },
  2: { type: 'uint8', field: 'int32Data' },
  3: { type: 'int8', field: 'int32Data' },
  5: { type: 'int16', field: 'int32Data' },
  6: { type: 'int32', field: 'int32Data' },
  7: { type: 'int64', field: 'int64Data' },
  9: { type: 'bool', field: 'int32Data' },
  10: { type: 'float16', field: 'int32Data' },
  11: { type: 'float64', field: 'doubleData' },
  16: { type: 'bfloat16', field: 'int32Data' },
};

interface TensorFields {
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly int64Data: readonly unknown[];
  readonly doubleData: readonly number[];
}

interface TensorMessage extends TensorFields {
  readonly name: string;
  readonly dims: readonly unknown[];
  readonly dataType: number;
  readonly rawData: Uint8Array;
  readonly dataLocation: number;
}

interface GraphMessage {
  readonly node: readonly { readonly input: readonly string[]; readonly name: string; readonly opType: string }[];
  readonly initializer: readonly TensorMessage[];
}

const EXTERNAL = 1;

/** @throws ClearwordError MODEL_INVALID */
export function readOnnxWeights(bytes: Uint8Array, source: string): Map<string, NamedTensor> {
  const fail = (expected: string, received: string): never => {
    throw new ClearwordError('MODEL_INVALID', `${source}: expected ${expected}, received ${received}`);
  };
  const graph = decode(bytes, fail);
  const tensors = new Map<string, NamedTensor>();
  for (const tensor of graph.initializer) tensors.set(tensor.name, valuesOf(tensor, fail));
  if (tensors.size === 0) fail('weights (safetensors, PyTorch or ONNX)', 'a file without tensors');
  for (const node of graph.node) nameConstant(node, tensors);
  // What is left without a layer's name are constants of the computation.
  for (const name of [...tensors.keys()]) if (!PARAMETER.test(name) || CONSTANT.test(name)) tensors.delete(name);
  return tensors;
}

/** Names of parameters are layer paths; this program's own models hold constants of their own besides. */
const PARAMETER = /^[A-Za-z_]\w*(\.\w+)*$/;
const CONSTANT = /^(constant|literal)_\d+_?$/;

/** Gives a weight that the exporter renamed its name again, from the node that uses it. */
function nameConstant({ input, name, opType }: GraphMessage['node'][number], tensors: Map<string, NamedTensor>): void {
  const [, layer] = /^\/(.+)\/[A-Za-z]+(?:_\d+)?$/.exec(name) ?? [];
  const renamed = input.find((value) => value.startsWith('onnx::') && tensors.has(value));
  const tensor = renamed === undefined ? undefined : tensors.get(renamed);
  if (layer === undefined || renamed === undefined || !tensor) return;
  const path = layer.replaceAll('/', '.');
  if ((opType === 'MatMul' || opType === 'Gemm') && tensor.shape.length === 2) {
    tensors.set(`${path}.weight`, transposed(tensor));
  } else if (opType === 'Add' && path.endsWith('embeddings')) {
    // A lookup at constant positions, which the exporter did in advance.
    tensors.set(`${path}.position_embedding.weight`, { ...tensor, shape: tensor.shape.slice(-2) });
  }
}

function decode(bytes: Uint8Array, fail: (expected: string, received: string) => never): GraphMessage {
  try {
    const message = ModelProto.decode(bytes) as unknown as { readonly graph?: GraphMessage | null };
    if (message.graph) return message.graph;
  } catch {
    // The one message below for everything that is no ONNX model.
  }
  return fail('weights (safetensors, PyTorch or ONNX)', 'a file of none of these formats, or a damaged one');
}

function valuesOf(tensor: TensorMessage, fail: (expected: string, received: string) => never): NamedTensor {
  const { name, rawData, dataType, dataLocation } = tensor;
  if (dataLocation === EXTERNAL) fail(`tensor ${name} in the file itself`, 'one in a file of its own');
  const known = TYPES[dataType];
  if (!known) return fail(`a known element type for tensor ${name}`, `type ${dataType}`);
  const shape = tensor.dims.map(Number);
  const listed = tensor[known.field];
  // A field that is not in the file is an empty list, not empty bytes.
  const raw = rawData instanceof Uint8Array ? rawData : new Uint8Array(0);
  const data = listed.length > 0 ? listedValues(listed, known.type) : decodeElements(raw, known.type);
  const size = shape.reduce((product, d) => product * d, 1);
  if (data.length !== size) fail(`${size} values for tensor ${name} [${shape}]`, `${data.length}`);
  const bytes = size * elementBytes(known.type);
  if (listed.length === 0 && raw.byteLength !== bytes)
    fail(`${bytes} bytes for tensor ${name} [${shape}]`, `${raw.byteLength}`);
  return { shape, data };
}

/** Values out of a field; floats of 16 bits are there as the integers of their bits. */
function listedValues(values: readonly unknown[], type: ElementType): Float32Array {
  if (type !== 'float16' && type !== 'bfloat16') return Float32Array.from(values, Number);
  return decodeElements(new Uint8Array(Uint16Array.from(values, Number).buffer), type);
}

export function transposed({ shape, data }: NamedTensor): NamedTensor {
  const [rows = 0, columns = 0] = shape;
  const result = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j] ?? 0;
  }
  return { shape: [columns, rows], data: result };
}
