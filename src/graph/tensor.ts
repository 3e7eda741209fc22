/**
 * Symbolic tensors: a static shape, an element type and the node that makes them.
 *
 * @module
 */
import type { OpAttributes, OpName } from './ops/attributes.ts';
import type { DType, Shape, TensorType } from './tensor-type.ts';

export type { DType, Shape, TensorType } from './tensor-type.ts';

/** How a parameter starts. `std` is that of a normal distribution; uniform is over -bound..bound. */
export type Initialiser =
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'uniform'; readonly bound: number };

/** What can be built on from a tensor: its graph, of which `graph.ts` has the whole. */
export interface GraphBuilder {
  readonly nodes: readonly Node[];
  /** The node that makes a tensor; inputs, constants and parameters have none. */
  readonly producers: ReadonlyMap<Tensor, Node>;
  /** Runs `build` with `name` appended to the layer path, for parameter names and messages. */
  scope<T>(name: string, build: () => T): T;
  /** A value that each run supplies. */
  input(name: string, shape: Shape, dtype?: DType): Tensor;
  /** A trainable tensor named by the layer path. Asked for twice under one name, it is the same tensor. */
  parameter(name: string, shape: Shape, initialiser: Initialiser): Tensor;
  /** A constant tensor; equal small constants are stored once. */
  constant(data: TypedData, shape: Shape, dtype: DType): Tensor;
  /** A float scalar of the given type (float32 unless told). */
  scalar(value: number, dtype?: DType): Tensor;
  /** Adds a node and returns its first output. */
  apply<K extends OpName>(op: K, inputs: readonly Tensor[], attributes: OpAttributes[K]): Tensor;
  /** Adds a node and returns all its outputs. Shape and type errors name operator, argument, shapes and layer path. */
  applyAll<K extends OpName>(op: K, inputs: readonly Tensor[], attributes: OpAttributes[K]): readonly Tensor[];
}

/** A value in a graph. Only a graph makes tensors. */
export interface Tensor extends TensorType {
  readonly graph: GraphBuilder;
  readonly id: number;
  /** Unique in its graph; the name of the value in the emitted ONNX model. */
  readonly name: string;
}

/** One application of an operator. Nodes are kept in an order in which every input precedes its use. */
export interface Node<K extends OpName = OpName> {
  readonly op: K;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: OpAttributes[K];
  /** Layer path in which the node was made, for messages. */
  readonly path: string;
}

export type TypedData = Float32Array | BigInt64Array | Int32Array | Uint8Array | Uint16Array;

/** A constant: its data is part of the model. Bool and uint8 are bytes; float16 are the bits. */
export interface ConstantValue extends TensorType {
  readonly data: TypedData;
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

/** `[2,3,8,8]`, or `scalar` for the empty shape. */
export function formatShape(shape: Shape): string {
  return shape.length === 0 ? 'scalar' : `[${shape.join(',')}]`;
}

/** Non-negative axis; `axis` may count from the end. */
export function normaliseAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Dimension of a shape at an axis that the caller knows to exist. */
export function dim(shape: Shape, axis: number): number {
  const value = shape[normaliseAxis(axis, shape.length)];
  if (value === undefined) throw new RangeError(`axis ${axis} of shape ${formatShape(shape)}`);
  return value;
}

/** NumPy broadcasting of two shapes, or undefined where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let i = 0; i < rank; i++) {
    const da = a[a.length - rank + i] ?? 1;
    const db = b[b.length - rank + i] ?? 1;
    if (da !== db && da !== 1 && db !== 1) return undefined;
    result.push(da === 1 ? db : da);
  }
  return result;
}
