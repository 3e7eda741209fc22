/**
 * What an operator is: shape inference, its ONNX form and its gradient, in one place.
 *
 * @module
 */
import type { DType, Node, Shape, Tensor, TensorType } from '../tensor.ts';
import type { OpAttributes, OpName } from './attributes.ts';

/** Throws GRAPH_INVALID naming operator, layer path, argument, what was expected and what came. */
export type Fail = (argument: string, expected: string, received: string) => never;

export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

/** A node of the emitted model. Empty input names are omitted optional inputs. */
export interface OnnxNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** What `emit` may ask of the model under construction. */
export interface Emitter {
  /** Name of an int64 vector constant. */
  ints(values: readonly number[]): string;
  /** Name of a float32 constant. */
  floats(values: Float32Array, shape: Shape): string;
  /** Name of a float scalar of the given type. */
  scalar(value: number, dtype: DType): string;
  /** A fresh value name, for inner results. */
  temporary(): string;
}

export interface GradientContext<K extends OpName> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: OpAttributes[K];
  /** Gradient with respect to the first output, in its shape; to elementwise rules, or smaller (see {@link OpRecord}). */
  readonly gradient: Tensor;
  /** Gradients with respect to all outputs; undefined where an output was not used. */
  readonly gradients: readonly (Tensor | undefined)[];
  /** Which inputs want a gradient; a rule may skip work for the others. */
  readonly wanted: readonly boolean[];
}

/** Why an operator has no gradient. */
export interface NotDifferentiable {
  readonly notDifferentiable: string;
}

/**
 * One gradient per input, or undefined for "none" (an integer input, or one not wanted). Its shape is the input's, or one
 * that broadcasting made larger (the walker sums it back), with axes of one wherever its values are equal.
 */
export type GradientRule<K extends OpName> = (context: GradientContext<K>) => readonly (Tensor | undefined)[];

export interface OpRecord<K extends OpName> {
  infer(inputs: readonly Tensor[], attributes: OpAttributes[K], fail: Fail): readonly TensorType[];
  emit(node: Node<K>, emitter: Emitter): readonly OnnxNode[];
  readonly gradient: GradientRule<K> | NotDifferentiable;
  /**
   * Each value of the result comes from the values at its place. The rule may then be given a gradient that has axes of
   * one where the result has more, and what it returns stretches to the result's shape in the same way.
   */
  readonly elementwise?: true;
}

/** The usual case: one ONNX node with the same inputs and outputs. */
export function onnxNode(type: string, node: Node, attributes?: Readonly<Record<string, OnnxAttribute>>): OnnxNode[] {
  const inputs = node.inputs.map((tensor) => tensor.name);
  const outputs = node.outputs.map((tensor) => tensor.name);
  return [attributes ? { type, inputs, outputs, attributes } : { type, inputs, outputs }];
}

/** Argument of a record that is known to exist because `infer` checked the count. */
export function at(tensors: readonly Tensor[], index: number): Tensor {
  const tensor = tensors[index];
  if (!tensor) throw new RangeError(`operator has no tensor ${index}`);
  return tensor;
}

export function expectCount(inputs: readonly Tensor[], counts: readonly number[], fail: Fail): void {
  if (!counts.includes(inputs.length)) fail('inputs', `${counts.join(' or ')} tensors`, `${inputs.length}`);
}
