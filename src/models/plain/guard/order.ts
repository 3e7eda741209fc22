/**
 * The order in which a graph is followed. Files are meant to have their nodes sorted, but the runtime sorts them itself, and tools
 * rely on it: a conversion to float16 appends its casts at the end.
 *
 * @module
 */
import type { OnnxGraph, OnnxNode } from '../file/onnx-file.ts';

/** Names that graphs of a node take from around them, or have themselves: those that nothing around makes do not matter. */
function namesWithin(graph: OnnxGraph, names: string[] = []): string[] {
  for (const { name } of graph.outputs) names.push(name);
  for (const { inputs, attributes } of graph.nodes) {
    for (const name of inputs) names.push(name);
    for (const { graphs } of attributes.values()) for (const inner of graphs) namesWithin(inner, names);
  }
  return names;
}

function needs({ inputs, attributes }: OnnxNode): readonly string[] {
  const graphs = [...attributes.values()].flatMap((attribute) => attribute.graphs);
  return graphs.length === 0 ? inputs : [...inputs, ...graphs.flatMap((graph) => namesWithin(graph))];
}

/** Nodes of one graph, each behind those that make what it needs; nodes of a circle stay in the order of the file. */
export function inOrder(nodes: readonly OnnxNode[]): readonly OnnxNode[] {
  const makers = new Map<string, number>();
  for (const [i, { outputs }] of nodes.entries()) for (const name of outputs) makers.set(name, i);
  const before = nodes.map((node) =>
    needs(node).flatMap((name) => {
      const maker = name === '' ? undefined : makers.get(name);
      return maker === undefined ? [] : [maker];
    }),
  );
  if (before.every((list, i) => list.every((maker) => maker < i))) return nodes;
  const sorted: OnnxNode[] = [];
  const begun = new Set<number>();
  // A stack of its own: files may have chains of any length. Each entry is a node, and how many of its makers were looked at.
  for (const start of nodes.keys()) {
    const stack = begun.has(start) ? [] : [{ at: start, next: 0 }];
    begun.add(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const maker = before[top.at]?.[top.next++];
      if (maker === undefined) {
        sorted.push(nodes[top.at] as OnnxNode);
        stack.pop();
      } else if (!begun.has(maker)) {
        begun.add(maker);
        stack.push({ at: maker, next: 0 });
      }
    }
  }
  return sorted;
}
