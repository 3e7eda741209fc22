/**
 * Reverse-mode differentiation: walks the nodes backwards and appends their gradients as ordinary operators.
 *
 * The difficult part lives here once: accumulation where a tensor is used several times, broadcasting and its reverse,
 * and knowing which tensors want a gradient at all. The rules in `ops/` state derivatives and nothing else.
 *
 * A gradient whose values are equal along an axis is carried with an axis of one there, through elementwise operators,
 * until it meets something of full size: passes over memory are what these operators cost.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import * as f from './functions.ts';
import type { OpName } from './ops/attributes.ts';
import { ops } from './ops/index.ts';
import { at, type OpRecord } from './ops/record.ts';
import { sumOver } from './ops/sums.ts';
import { formatShape, type Node, type Shape, sameShape, sizeOf, type Tensor } from './tensor.ts';

/**
 * Sums a gradient back to the shape that broadcasting started from.
 *
 * A gradient may be kept smaller than what it belongs to: along an axis of one it stands for equal values. Where such an
 * axis is to be summed, the sum is a factor; where it is not, it stays an axis of one.
 *
 * @param full shape of the broadcast result whose gradient this is
 */
export function unbroadcast(gradient: Tensor, shape: Shape, full: Shape = gradient.shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const extra = full.length - shape.length;
  const missing = full.length - gradient.shape.length;
  const stretched = full.flatMap((dimension, axis) =>
    dimension !== 1 && (axis < extra || shape[axis - extra] === 1) ? [axis] : [],
  );
  const isKept = (axis: number) => (gradient.shape[axis - missing] ?? 1) !== 1;
  const summed = sumOver(
    gradient,
    stretched.filter(isKept).map((axis) => axis - missing),
  );
  const copies = stretched.filter((axis) => !isKept(axis)).reduce((product, axis) => product * (full[axis] ?? 1), 1);
  const result = copies === 1 ? summed : f.mul(summed, copies);
  const surplus = result.shape.length - shape.length;
  return surplus > 0 ? f.reshape(result, result.shape.slice(surplus)) : result;
}

/** The gradient in the shape that it stands for. */
const stretchedTo = (gradient: Tensor, shape: Shape): Tensor =>
  sameShape(gradient.shape, shape) ? gradient : f.expand(gradient, shape);

/** Sum of what a tensor received from its uses; the smallest first, because a sum of small tensors is small. */
function total(parts: readonly Tensor[] | undefined): Tensor | undefined {
  if (!parts) return undefined;
  const ascending = [...parts].sort((a, b) => sizeOf(a.shape) - sizeOf(b.shape));
  return ascending.reduce((sum, part) => f.add(part, sum));
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
  const pending = new Map<Tensor, Tensor[]>();
  const receive = (tensor: Tensor, part: Tensor) => {
    const parts = pending.get(tensor);
    if (parts) parts.push(part);
    else pending.set(tensor, [part]);
  };
  receive(loss, seed ?? f.expand(graph.scalar(1, loss.dtype), loss.shape));

  for (const node of nodes.reverse()) {
    if (!node.outputs.some((output) => pending.has(output)) || !node.inputs.some((tensor) => active.has(tensor)))
      continue;
    graph.scope(`gradient of ${node.path}`, () => {
      const received = node.outputs.map((output) => total(pending.get(output)));
      // What is summed once stays so, for a source that is also an intermediate.
      received.forEach((g, i) => {
        if (g) pending.set(at(node.outputs, i), [g]);
      });
      const parts = inputGradients(node, received, active);
      const full = isElementwise(node) ? at(node.outputs, 0).shape : undefined;
      node.inputs.forEach((input, i) => {
        const part = parts[i];
        if (part && active.has(input)) receive(input, unbroadcast(part, input.shape, full));
      });
    });
  }
  return sources.map((source) => {
    const gradient = total(pending.get(source)) ?? graph.scalar(0, source.dtype);
    return stretchedTo(gradient, source.shape);
  });
}

const recordOf = (node: Node) => ops[node.op] as unknown as OpRecord<OpName>;
const isElementwise = (node: Node): boolean => recordOf(node).elementwise === true;

function inputGradients(
  node: Node,
  received: readonly (Tensor | undefined)[],
  active: ReadonlySet<Tensor>,
): readonly (Tensor | undefined)[] {
  const record = recordOf(node);
  if (typeof record.gradient !== 'function') {
    const reason = record.gradient.notDifferentiable;
    throw new ClearwordError(
      'GRAPH_INVALID',
      `gradients: ${node.op} at ${node.path} cannot be differentiated: ${reason}`,
    );
  }
  const whole = received.map((g, i) => (g && !record.elementwise ? stretchedTo(g, at(node.outputs, i).shape) : g));
  const first = at(node.outputs, 0);
  return record.gradient({
    inputs: node.inputs,
    outputs: node.outputs,
    attributes: node.attributes,
    gradient: whole[0] ?? f.expand(first.graph.scalar(0, first.dtype), first.shape),
    gradients: whole,
    wanted: node.inputs.map((tensor) => active.has(tensor)),
  });
}
