/**
 * A graph under construction: typed, static shapes, checked node by node.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import type { OpAttributes, OpName } from './ops/attributes.ts';
import { ops } from './ops/index.ts';
import type { OpRecord } from './ops/record.ts';
import {
  type ConstantValue,
  type DType,
  formatShape,
  type GraphBuilder,
  type Initialiser,
  type Node,
  type Shape,
  sizeOf,
  type Tensor,
  type TypedData,
} from './tensor.ts';

/** A trainable tensor of a network. Names are layer paths such as `downs.0.0.mlp.1.weight`. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly initialiser: Initialiser;
}

/**
 * Decides what a parameter is in this graph: an initialiser with its values (inference), or a slice of the flat
 * parameter vector (training).
 */
export type ParameterProvider = (graph: Graph, spec: ParameterSpec) => Tensor;

const isWhole = (shape: Shape) => shape.every((dimension) => Number.isInteger(dimension) && dimension > 0);

export class Graph implements GraphBuilder {
  readonly nodes: Node[] = [];
  readonly inputs: Tensor[] = [];
  readonly outputs = new Map<string, Tensor>();
  readonly constants = new Map<Tensor, ConstantValue>();
  readonly parameters = new Map<string, ParameterSpec & { readonly tensor: Tensor }>();
  /** The node that makes a tensor; inputs, constants and parameters have none. */
  readonly producers = new Map<Tensor, Node>();
  readonly #names = new Set<string>();
  readonly #shared = new Map<string, Tensor>();
  readonly #path: string[] = [];
  #provider: ParameterProvider;
  #nextId = 0;

  /** Without a provider, parameters are declared without a value: enough to list or count them. */
  constructor(provider: ParameterProvider = (graph, spec) => graph.placeholder(spec.name, spec.shape, 'float32')) {
    this.#provider = provider;
  }

  /** From here on, parameters come from `provider`: for providers that need tensors of this graph themselves. */
  provideParameters(provider: ParameterProvider): void {
    this.#provider = provider;
  }

  /** Runs `build` with `name` appended to the layer path, for parameter names and messages. */
  scope<T>(name: string, build: () => T): T {
    this.#path.push(name);
    try {
      return build();
    } finally {
      this.#path.pop();
    }
  }

  get path(): string {
    return this.#path.join('.');
  }

  /** A value that each run supplies. */
  input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor {
    const tensor = this.placeholder(name, shape, dtype);
    this.inputs.push(tensor);
    return tensor;
  }

  /** Names a result of the graph. The emitted value has this name. */
  output(name: string, tensor: Tensor): void {
    if (this.#names.has(name)) {
      throw new ClearwordError('GRAPH_INVALID', `output ${name}: expected a name not used before, received it twice`);
    }
    if (tensor.graph !== this) {
      const message = `output ${name}: expected a tensor of this graph, received ${tensor.name} of another`;
      throw new ClearwordError('GRAPH_INVALID', message);
    }
    this.#names.add(name);
    this.outputs.set(name, tensor);
  }

  /** A trainable tensor named by the layer path. Asked for twice under one name, it is the same tensor. */
  parameter(name: string, shape: Shape, initialiser: Initialiser): Tensor {
    const full = [...this.#path, name].join('.');
    const known = this.parameters.get(full);
    if (known) {
      if (formatShape(known.shape) !== formatShape(shape)) {
        const message = `parameter ${full}: expected the shape ${formatShape(known.shape)} of its first use, received ${formatShape(shape)}`;
        throw new ClearwordError('GRAPH_INVALID', message);
      }
      return known.tensor;
    }
    const spec = { name: full, shape, initialiser };
    const tensor = this.#provider(this, spec);
    this.parameters.set(full, { ...spec, tensor });
    return tensor;
  }

  /** A constant tensor; equal small constants are stored once. */
  constant(data: TypedData, shape: Shape, dtype: DType): Tensor {
    if (data.length !== sizeOf(shape)) {
      const message = `constant at ${this.path || '(top)'}: expected ${sizeOf(shape)} values for ${formatShape(shape)}, received ${data.length}`;
      throw new ClearwordError('GRAPH_INVALID', message);
    }
    const key = data.length <= 16 ? `${dtype}${formatShape(shape)}:${Array.from(data, String).join(',')}` : undefined;
    const shared = key === undefined ? undefined : this.#shared.get(key);
    if (shared) return shared;
    const tensor = this.#tensor(this.#unique('constant'), shape, dtype);
    this.constants.set(tensor, { data, shape, dtype });
    if (key !== undefined) this.#shared.set(key, tensor);
    return tensor;
  }

  /** A float scalar of the given type (float32 unless told). */
  scalar(value: number, dtype: DType = 'float32'): Tensor {
    if (dtype === 'float32') return this.constant(Float32Array.of(value), [], dtype);
    if (dtype === 'int64') return this.constant(BigInt64Array.of(BigInt(value)), [], dtype);
    return this.apply('cast', [this.scalar(value)], { to: dtype });
  }

  /** Adds a node and returns its first output. */
  apply<K extends OpName>(op: K, inputs: readonly Tensor[], attributes: OpAttributes[K]): Tensor {
    const [first] = this.applyAll(op, inputs, attributes);
    if (!first) throw new RangeError(`${op} has no output`);
    return first;
  }

  /** Adds a node and returns all its outputs. Shape and type errors name operator, argument, shapes and layer path. */
  applyAll<K extends OpName>(op: K, inputs: readonly Tensor[], attributes: OpAttributes[K]): readonly Tensor[] {
    const path = this.path || '(top)';
    const fail = (argument: string, expected: string, received: string): never => {
      throw new ClearwordError(
        'GRAPH_INVALID',
        `${op} at ${path}: ${argument} expected ${expected}, received ${received}`,
      );
    };
    const foreign = inputs.findIndex((tensor) => tensor.graph !== this);
    if (foreign >= 0) fail(`input ${foreign}`, 'a tensor of this graph', `${inputs[foreign]?.name} of another`);
    // The table is total, but TypeScript cannot follow the key through the indexed access.
    const record = ops[op] as unknown as OpRecord<K>;
    const types = record.infer(inputs, attributes, fail);
    const outputs = types.map((type) => {
      if (!isWhole(type.shape)) {
        fail('result', 'positive whole dimensions', formatShape(type.shape));
      }
      return this.#tensor(this.#unique(op), type.shape, type.dtype);
    });
    const node: Node<K> = { op, inputs, outputs, attributes, path };
    this.nodes.push(node as unknown as Node);
    for (const output of outputs) this.producers.set(output, node as unknown as Node);
    return outputs;
  }

  /** A named value without a producer: for inputs, and for parameters that have no value yet. */
  placeholder(name: string, shape: Shape, dtype: DType): Tensor {
    if (this.#names.has(name)) {
      throw new ClearwordError('GRAPH_INVALID', `${name}: expected a name not used before, received it twice`);
    }
    if (!isWhole(shape)) {
      const message = `${name}: expected positive whole dimensions, received ${formatShape(shape)}`;
      throw new ClearwordError('GRAPH_INVALID', message);
    }
    this.#names.add(name);
    return this.#tensor(name, shape, dtype);
  }

  #unique(stem: string): string {
    let name = `${stem}_${this.#nextId}`;
    // An input may have taken it.
    while (this.#names.has(name)) name = `${name}_`;
    this.#names.add(name);
    return name;
  }

  #tensor(name: string, shape: Shape, dtype: DType): Tensor {
    return { graph: this, id: this.#nextId++, name, shape, dtype };
  }
}
