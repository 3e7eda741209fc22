/**
 * Reverse-mode differentiation: walks the nodes backwards and appends their gradients as ordinary operators.
 *
 * The difficult part lives here once: accumulation where a tensor is used several times, un-broadcasting, and knowing
 * which tensors want a gradient at all. The rules in `ops/` state derivatives and nothing else.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import * as f from './functions.ts';
import type { OpName } from './ops/attributes.ts';
import { ops } from './ops/index.ts';
import type { OpRecord } from './ops/record.ts';
import { formatShape, type Node, type Shape, sameShape, type Tensor } from './tensor.ts';

/** Sums a gradient back to the shape that broadcasting started from. */
export function unbroadcast(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const extra = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((dimension, axis) =>
    axis < extra || (shape[axis - extra] === 1 && dimension !== 1) ? [axis] : [],
  );
  const summed = axes.length > 0 ? f.reduceSum(gradient, axes, true) : gradient;
  return f.reshape(summed, shape);
}

/** Tensors on a way from any of `sources` to a result. */
function dependents(nodes: readonly Node[], sources: readonly Tensor[]): Set<Tensor> {
  const reached = new Set(sources);
  for (const node of nodes) {
    if (node.inputs.some((tensor) => reached.has(tensor))) for (const output of node.outputs) reached.add(output);
  }
  return reached;
}

/**
 * Gradients of a scalar with respect to tensors of the same graph.
 *
 * @param loss one value (shape `scalar`, [1], ...), or any tensor when `seed` gives the gradient to start from
 * @param sources tensors to differentiate by; one that does not influence the loss gets zeros
 * @param seed gradient of the loss itself, in its shape; ones unless told
 * @throws ClearwordError GRAPH_INVALID if the loss is no scalar and no seed is given, the seed is not like the loss, or the way leads through an
 *   operator without a gradient
 */
export function gradients(loss: Tensor, sources: readonly Tensor[], seed?: Tensor): Tensor[] {
  const { graph } = loss;
  if (!seed && loss.shape.some((dimension) => dimension !== 1)) {
    throw new ClearwordError('GRAPH_INVALID', `gradients: loss expected a scalar, received ${formatShape(loss.shape)}`);
  }
  if (seed && (seed.dtype !== loss.dtype || !sameShape(seed.shape, loss.shape))) {
    const describe = ({ dtype, shape }: Tensor) => `${dtype} ${formatShape(shape)}`;
    const message = `gradients: seed expected ${describe(loss)}, received ${describe(seed)}`;
    throw new ClearwordError('GRAPH_INVALID', message);
  }
  const nodes = [...graph.nodes];
  const active = dependents(nodes, sources);
  const pending = new Map<Tensor, Tensor>();
  pending.set(loss, seed ?? f.expand(graph.scalar(1, loss.dtype), loss.shape));

  for (const node of nodes.reverse()) {
    const received = node.outputs.map((output) => pending.get(output));
    if (received.every((g) => g === undefined) || !node.inputs.some((tensor) => active.has(tensor))) continue;
    const parts = graph.scope(`gradient of ${node.path}`, () => inputGradients(node, received, active));
    node.inputs.forEach((input, i) => {
      const part = parts[i];
      if (!part || !active.has(input)) return;
      const reduced = unbroadcast(part, input.shape);
      const known = pending.get(input);
      pending.set(input, known ? f.add(known, reduced) : reduced);
    });
  }
  return sources.map((source) => pending.get(source) ?? f.expand(graph.scalar(0, source.dtype), source.shape));
}

function inputGradients(
  node: Node,
  received: readonly (Tensor | undefined)[],
  active: ReadonlySet<Tensor>,
): readonly (Tensor | undefined)[] {
  const record = ops[node.op] as unknown as OpRecord<OpName>;
  if (typeof record.gradient !== 'function') {
    const reason = record.gradient.notDifferentiable;
    throw new ClearwordError(
      'GRAPH_INVALID',
      `gradients: ${node.op} at ${node.path} cannot be differentiated: ${reason}`,
    );
  }
  const [first] = node.outputs;
  if (!first) return [];
  return record.gradient({
    inputs: node.inputs,
    outputs: node.outputs,
    attributes: node.attributes,
    gradient: received[0] ?? f.expand(first.graph.scalar(0, first.dtype), first.shape),
    gradients: received,
    wanted: node.inputs.map((tensor) => active.has(tensor)),
  });
}
