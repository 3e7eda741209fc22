/**
 * What an emitted model says.
 *
 * @module
 */
import { ModelProto } from '../../src/graph/onnx/schema.ts';

interface Value {
  readonly name: string;
  readonly type: { readonly tensorType: { readonly shape: { readonly dim: readonly object[] } } };
}

export interface EmittedGraph {
  readonly node: readonly {
    readonly opType: string;
    readonly input: string[];
    readonly output: string[];
    readonly attribute: readonly { readonly name: string; readonly ints: readonly unknown[] }[];
  }[];
  readonly initializer: readonly { readonly name: string }[];
  readonly input: readonly Value[];
  readonly output: readonly Value[];
}

export const emittedGraph = (model: Uint8Array): EmittedGraph =>
  (ModelProto.toObject(ModelProto.decode(model), { arrays: true }) as { graph: EmittedGraph }).graph;
