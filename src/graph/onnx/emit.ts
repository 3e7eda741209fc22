/**
 * A graph as an ONNX model.
 *
 * @module
 */
import { ClearwordError } from '../../errors.ts';
import type { Graph } from '../graph.ts';
import type { OpName } from '../ops/attributes.ts';
import { ops } from '../ops/index.ts';
import type { Emitter, OnnxAttribute, OnnxNode, OpRecord } from '../ops/record.ts';
import {
  type ConstantValue,
  type DType,
  type Node,
  type Shape,
  sizeOf,
  type Tensor,
  type TypedData,
} from '../tensor.ts';
import { encodeMessage } from './encode.ts';
import { HalfPrecision } from './half-precision.ts';
import { withHiddenSizes } from './hidden-sizes.ts';
import { ModelProto } from './schema.ts';

/** Opset 20 is the first with Gelu; IR 10 is what that opset's release used. */
const OPSET = 20;
const IR_VERSION = 10;

/** Numbers of TensorProto.DataType. */
const DATA_TYPE: Readonly<Record<DType, number>> = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 };
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;

function attribute(name: string, value: OnnxAttribute): object {
  if (typeof value === 'number') return { name, i: value, type: ATTRIBUTE.int };
  if (typeof value === 'string') return { name, s: new TextEncoder().encode(value), type: ATTRIBUTE.string };
  if ('float' in value) return { name, f: value.float, type: ATTRIBUTE.float };
  return { name, ints: [...value], type: ATTRIBUTE.ints };
}

/** Names of the sides of pictures [N,C,H,W] that are known only when the model runs. */
const FREE: Readonly<Record<number, string>> = { 2: 'height', 3: 'width' };

const isPicture = (shape: Shape) => shape.length === 4;

function valueInfo(name: string, { shape, dtype }: { shape: Shape; dtype: DType }, free: boolean) {
  const dim = shape.map((dimValue, axis) => {
    const dimParam = free && isPicture(shape) ? FREE[axis] : undefined;
    return dimParam === undefined ? { dimValue } : { dimParam };
  });
  return { name, type: { tensorType: { elemType: DATA_TYPE[dtype], shape: { dim } } } };
}

const bytes = (data: TypedData) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Nodes that a result depends on; the rest (gradients nobody asked for) is left out. */
function liveNodes(graph: Graph, results: readonly Tensor[]): { nodes: Node[]; used: Set<Tensor> } {
  const used = new Set(results);
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => used.has(output))) continue;
    nodes.push(node);
    for (const input of node.inputs) used.add(input);
  }
  return { nodes: nodes.reverse(), used };
}

class ModelEmitter implements Emitter {
  readonly initialisers: object[] = [];
  readonly #known = new Map<string, string>();
  #next = 0;

  tensor(name: string, { data, shape, dtype }: ConstantValue): void {
    this.initialisers.push({ name, dims: [...shape], dataType: DATA_TYPE[dtype], rawData: bytes(data) });
  }

  ints(values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.#shared(`i${values.join(',')}`, { data, shape: [values.length], dtype: 'int64' });
  }

  floats(data: Float32Array, shape: Shape): string {
    return this.#shared(`t${shape.join(',')}:${data.join(',')}`, { data, shape, dtype: 'float32' });
  }

  scalar(value: number, dtype: DType): string {
    if (dtype !== 'float32') throw new ClearwordError('GRAPH_INVALID', `constant expected float32, received ${dtype}`);
    return this.#shared(`f${value}`, { data: Float32Array.of(value), shape: [], dtype });
  }

  temporary(): string {
    return `inner_${this.#next++}`;
  }

  #shared(key: string, value: ConstantValue): string {
    const known = this.#known.get(key);
    if (known) return known;
    const name = `literal_${this.#known.size}`;
    this.#known.set(key, name);
    this.tensor(name, value);
    return name;
  }
}

function protoNode({ type, inputs, outputs, attributes = {} }: OnnxNode): object {
  const attributeList = Object.entries(attributes).map(([name, value]) => attribute(name, value));
  return { opType: type, input: [...inputs], output: [...outputs], name: outputs[0], attribute: attributeList };
}

export interface EmitOptions {
  /** `float16`: inside, where it can be; inputs and outputs stay float32 (see half-precision.ts). */
  readonly precision?: 'float32' | 'float16';
  /**
   * Leaves height and width of pictures open. The caller sees to it that no node depends on them: then two sizes give the same
   * bytes.
   */
  readonly freeSides?: boolean;
  /** Keeps sides of pictures from the runtime, which then needs less memory (see hidden-sizes.ts). */
  readonly hideSizes?: boolean;
  /** Properties of the model, by name. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Serialises a graph.
 *
 * @param parameters values of the parameters that are initialisers of this model (inference), by name
 * @throws ClearwordError GRAPH_INVALID if the graph has no output, or a parameter in use has no value
 */
export function emitModel(
  graph: Graph,
  parameters: ReadonlyMap<string, Float32Array> = new Map(),
  { precision = 'float32', freeSides = false, hideSizes = false, metadata = {} }: EmitOptions = {},
): Uint8Array {
  const results = [...graph.outputs.values()];
  if (results.length === 0)
    throw new ClearwordError('GRAPH_INVALID', 'model expected at least one output, received none');
  const { nodes, used } = liveNodes(graph, results);
  const emitter = new ModelEmitter();

  for (const [tensor, value] of graph.constants) if (used.has(tensor)) emitter.tensor(tensor.name, value);
  const inputs = new Set(graph.inputs);
  for (const { name, tensor, shape } of graph.parameters.values()) {
    const hasValue = graph.producers.has(tensor) || graph.constants.has(tensor) || inputs.has(tensor);
    if (!used.has(tensor) || hasValue) continue;
    const data = parameters.get(name);
    if (!data || data.length !== sizeOf(shape)) {
      throw new ClearwordError(
        'GRAPH_INVALID',
        `parameter ${name}: expected ${sizeOf(shape)} values, received ${data?.length ?? 'none'}`,
      );
    }
    emitter.tensor(tensor.name, { data, shape, dtype: tensor.dtype });
  }

  const emit = (n: Node) => (ops[n.op] as unknown as OpRecord<OpName>).emit(n, emitter);
  const halves = precision === 'float16' ? new HalfPrecision(graph, nodes) : undefined;
  const plain = nodes.flatMap((n) => (halves ? halves.wrap(n, emit) : emit(n)));
  const taken = graph.inputs.filter((tensor) => used.has(tensor));
  const pictures = taken.filter(({ shape }) => isPicture(shape)).map(({ name }) => name);
  const emitted = hideSizes && pictures.length > 0 ? withHiddenSizes(plain, pictures, emitter.ints([0])) : plain;

  // A result takes the name its user gave it. One that no node makes, or that has two names, is copied to its name.
  const renamed = new Map<string, string>();
  const copies: OnnxNode[] = [];
  for (const [name, tensor] of graph.outputs) {
    const single = halves?.result(name, tensor);
    if (single) copies.push(single);
    else if (graph.producers.has(tensor) && !renamed.has(tensor.name)) renamed.set(tensor.name, name);
    else copies.push({ type: 'Identity', inputs: [tensor.name], outputs: [name] });
  }
  const rename = (name: string) => renamed.get(name) ?? name;
  const node = [...emitted, ...copies].map((entry) =>
    protoNode({ ...entry, inputs: entry.inputs.map(rename), outputs: entry.outputs.map(rename) }),
  );

  const open = freeSides || hideSizes;
  return encodeMessage(ModelProto, {
    irVersion: IR_VERSION,
    producerName: 'clearword',
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name: 'clearword',
      node,
      initializer: emitter.initialisers,
      input: taken.map((tensor) => valueInfo(tensor.name, tensor, open)),
      output: [...graph.outputs].map(([name, tensor]) => valueInfo(name, tensor, open)),
    },
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
}
