/**
 * Float16 inside of a model whose inputs and outputs stay float32.
 *
 * Products, convolutions and everything large become float16, which halves the memory and doubles the speed of graphics
 * cards made for it. Float32 stay sums and means (65536 squares add up beyond the largest half, 65504), functions that lose
 * their digits (sines of steps, exponentials), what is small anyway, and what touches an input directly. Weights are cast
 * in the model; the runtime does that once, when it loads it.
 *
 * @module
 */
import type { Graph } from '../graph.ts';
import type { OpName } from '../ops/attributes.ts';
import { ops } from '../ops/index.ts';
import type { OnnxNode } from '../ops/record.ts';
import { type Node, sizeOf, type Tensor } from '../tensor.ts';

/** Numbers of TensorProto.DataType. */
const CODE = { single: 1, half: 10 } as const;
type Precision = keyof typeof CODE;

const REDUCTIONS: ReadonlySet<OpName> = new Set(['reduceSum', 'reduceMean', 'reduceMax']);
const SINGLE: ReadonlySet<OpName> = new Set([
  ...REDUCTIONS,
  'logSoftmax',
  'exp',
  'log',
  'sin',
  'cos',
  'cast',
  'greater',
]);
/** What may stand between a large tensor and its sum, and overflows as the sum would. */
const BEFORE_SUMS: ReadonlySet<OpName> = new Set(['mul', 'reshape']);
/** Values that a float32 tensor may have without costing anything. */
const SMALL = 65_536;

/** Which nodes compute in float32, and the casts between the two. */
export class HalfPrecision {
  readonly #single = new Set<Node>();
  /** Of float tensors; the others are not here. */
  readonly #precisions = new Map<Tensor, Precision>();
  readonly #casts = new Set<string>();

  constructor(graph: Graph, nodes: readonly Node[]) {
    const inputs = new Set<Tensor>(graph.inputs);
    const consumers = new Map<Tensor, Node[]>();
    // Backwards, so that what uses a node's results is decided first.
    for (const node of [...nodes].reverse()) {
      const users = node.outputs.flatMap((output) => consumers.get(output) ?? []);
      const summed =
        BEFORE_SUMS.has(node.op) &&
        users.length > 0 &&
        users.every((user) => this.#single.has(user) && (REDUCTIONS.has(user.op) || BEFORE_SUMS.has(user.op)));
      const elementwise = ops[node.op].elementwise === true;
      const small = elementwise && node.outputs.every(({ shape }) => sizeOf(shape) <= SMALL);
      const outer = elementwise && node.inputs.some((input) => inputs.has(input));
      if (SINGLE.has(node.op) || summed || small || outer) this.#single.add(node);
      for (const input of node.inputs) consumers.set(input, [...(consumers.get(input) ?? []), node]);
    }
  }

  /** The ONNX nodes of a node, behind the casts that its inputs need. */
  wrap(node: Node, emit: (node: Node) => readonly OnnxNode[]): OnnxNode[] {
    const wanted: Precision = this.#single.has(node) ? 'single' : 'half';
    node.outputs.forEach((output, i) => {
      // The statistics of a layer norm are float32 in either case.
      const statistic = node.op === 'layerNorm' && i > 0;
      if (output.dtype === 'float32') this.#precisions.set(output, statistic ? 'single' : wanted);
    });
    const casts: OnnxNode[] = [];
    const names = new Map<string, string>();
    for (const input of node.inputs) {
      if (input.dtype !== 'float32' || (this.#precisions.get(input) ?? 'single') === wanted) continue;
      const name = `${input.name}_as_${wanted}`;
      names.set(input.name, name);
      if (this.#casts.has(name)) continue;
      this.#casts.add(name);
      casts.push({ type: 'Cast', inputs: [input.name], outputs: [name], attributes: { to: CODE[wanted] } });
    }
    const emitted = emit(node).map((each) => ({ ...each, inputs: each.inputs.map((name) => names.get(name) ?? name) }));
    return [...casts, ...emitted];
  }

  /** The float32 value of a result under its name, where it is not float32 itself. */
  result(name: string, tensor: Tensor): OnnxNode | undefined {
    if (this.#precisions.get(tensor) !== 'half') return undefined;
    return { type: 'Cast', inputs: [tensor.name], outputs: [name], attributes: { to: CODE.single } };
  }
}
