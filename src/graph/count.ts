/**
 * Size and cost of a network, counted from its graph.
 *
 * @module
 */
import type { Graph } from './graph.ts';
import type { OpName } from './ops/attributes.ts';
import { dim, type Node, sizeOf } from './tensor.ts';

export interface LayerCount {
  /** Layer path, as in the names of its parameters. */
  readonly layer: string;
  /** Trained values. */
  readonly parameters: number;
  /** Multiply-accumulate operations of convolutions and matrix products; what papers call FLOPs is this or its double. */
  readonly macs: number;
  /** Values written by all other operators: their cost is memory traffic. */
  readonly elements: number;
}

export interface GraphCount extends Omit<LayerCount, 'layer'> {
  /** In the order of their first node or parameter. */
  readonly layers: readonly LayerCount[];
}

/** Path of nodes outside of every layer. */
const TOP = '(top)';
/** Operators that make no values of their own: views, and what the runtime folds into a copy. */
const FREE: ReadonlySet<OpName> = new Set(['reshape', 'expand', 'cast']);

/**
 * Multiply-accumulates of one node:
 *
 *   convolution: N O H' W' (C / group) kh kw;  transposed: N C H W (O / group) kh kw;  product [..,M,K] x [..,K,N]: .. M K N
 */
function macsOf(node: Node): number {
  const [a, b] = node.inputs;
  const [out] = node.outputs;
  if (!a || !b || !out) return 0;
  switch (node.op) {
    case 'conv':
      return sizeOf(out.shape) * sizeOf(b.shape.slice(1));
    case 'convTranspose':
      // Weights [C,O/group,kh,kw]: each input value reaches that many outputs, whatever the group.
      return sizeOf(a.shape) * sizeOf(b.shape.slice(1));
    case 'matMul':
      return sizeOf(out.shape) * dim(a.shape, -1);
    default:
      return 0;
  }
}

/** Counts all nodes and parameters of a graph, in total and by layer path. */
export function countGraph(graph: Graph): GraphCount {
  const layers = new Map<string, { parameters: number; macs: number; elements: number }>();
  const at = (layer: string) => {
    const known = layers.get(layer) ?? { parameters: 0, macs: 0, elements: 0 };
    layers.set(layer, known);
    return known;
  };
  for (const node of graph.nodes) {
    const macs = macsOf(node);
    const layer = at(node.path);
    layer.macs += macs;
    if (macs === 0 && !FREE.has(node.op)) layer.elements += node.outputs.reduce((sum, o) => sum + sizeOf(o.shape), 0);
  }
  for (const { name, shape } of graph.parameters.values()) {
    const path = name.slice(0, Math.max(0, name.lastIndexOf('.')));
    at(path === '' ? TOP : path).parameters += sizeOf(shape);
  }
  const list = [...layers].map(([layer, count]) => ({ layer, ...count }));
  const total = (key: 'parameters' | 'macs' | 'elements') => list.reduce((sum, count) => sum + count[key], 0);
  return { layers: list, parameters: total('parameters'), macs: total('macs'), elements: total('elements') };
}

/** The counts of layers that share the first `depth` parts of their path, added up. */
export function groupLayers({ layers }: GraphCount, depth: number): LayerCount[] {
  const groups = new Map<string, LayerCount>();
  for (const { layer, parameters, macs, elements } of layers) {
    const name = layer.split('.').slice(0, depth).join('.');
    const sum = groups.get(name);
    groups.set(name, {
      layer: name,
      parameters: (sum?.parameters ?? 0) + parameters,
      macs: (sum?.macs ?? 0) + macs,
      elements: (sum?.elements ?? 0) + elements,
    });
  }
  return [...groups.values()];
}
