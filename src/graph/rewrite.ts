/**
 * A graph with some of its nodes computed in another way. A rule never changes what comes out, only what it costs.
 *
 * @module
 */
import { Graph } from './graph.ts';
import type { Node, Tensor } from './tensor.ts';

/** What a rule may ask about the graph that it reads, and about the one that it writes. */
export interface Rewriting {
  /** The node that makes a tensor of the graph that is read; inputs, constants and parameters have none. */
  producer(tensor: Tensor): Node | undefined;
  /** How often nodes and outputs of that graph use a tensor. */
  uses(tensor: Tensor): number;
  /** The tensor in the graph that is written. */
  written(tensor: Tensor): Tensor;
}

/** What stands for a node's only output, made of tensors of the graph that is written; undefined: the node itself. */
export type RewriteRule = (node: Node, rewriting: Rewriting) => Tensor | undefined;

/**
 * A new graph with the same inputs, outputs and parameters, in which each node is what the first rule that answers makes of
 * it. What nothing needs any more is left out when the graph is emitted.
 *
 * @param graph one whose parameters are placeholders, as for inference
 */
export function rewritten(graph: Graph, rules: readonly RewriteRule[]): Graph {
  const next = new Graph();
  const counterparts = new Map<Tensor, Tensor>();
  for (const tensor of graph.inputs) counterparts.set(tensor, next.input(tensor.name, tensor.shape, tensor.dtype));
  for (const [tensor, { data, shape, dtype }] of graph.constants) {
    counterparts.set(tensor, next.constant(data, shape, dtype));
  }
  for (const { name, shape, initialiser, tensor } of graph.parameters.values()) {
    counterparts.set(tensor, next.parameter(name, shape, initialiser));
  }
  const used = [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.values()];
  const uses = new Map<Tensor, number>();
  for (const tensor of used) uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  const rewriting: Rewriting = {
    producer: (tensor) => graph.producers.get(tensor),
    uses: (tensor) => uses.get(tensor) ?? 0,
    written(tensor) {
      const counterpart = counterparts.get(tensor);
      if (!counterpart) throw new RangeError(`${tensor.name} is used before it is made`);
      return counterpart;
    },
  };
  for (const node of graph.nodes) next.scope(node.path, () => copy(node));
  for (const [name, tensor] of graph.outputs) next.output(name, rewriting.written(tensor));
  return next;

  function copy(node: Node): void {
    for (const rule of rules) {
      const result = rule(node, rewriting);
      if (result) return void counterparts.set(node.outputs[0] as Tensor, result);
    }
    const outputs = next.applyAll(node.op, node.inputs.map(rewriting.written), node.attributes);
    node.outputs.forEach((tensor, i) => {
      counterparts.set(tensor, outputs[i] as Tensor);
    });
  }
}

/** The node as one of operator `op`, with the attributes that it has; undefined for any other. */
export function asOp<K extends Node['op']>(node: Node | undefined, op: K): Node<K> | undefined {
  return node?.op === op ? (node as unknown as Node<K>) : undefined;
}
