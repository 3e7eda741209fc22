/**
 * The parameters of a measuring network out of a published file.
 *
 * @module
 */
import { ClearwordError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import { formatShape, sameShape } from '../../graph/tensor.ts';
import type { NamedTensors } from '../../models/named-tensor.ts';

/**
 * The values of all parameters of a graph out of a file's tensors.
 *
 * @param source what to call the file in messages
 * @throws ClearwordError MODEL_INVALID listing missing and misshapen tensors; more than is needed may be in the file
 */
export function valuesFor(graph: Graph, tensors: NamedTensors, source: string): Map<string, Float32Array> {
  const problems: string[] = [];
  const values = new Map<string, Float32Array>();
  for (const { name, shape } of graph.parameters.values()) {
    const tensor = tensors.get(name);
    if (tensor !== undefined && sameShape(tensor.shape, shape)) values.set(name, tensor.data);
    else
      problems.push(`${name} ${formatShape(shape)} (${tensor === undefined ? 'missing' : formatShape(tensor.shape)})`);
  }
  if (problems.length > 0) {
    const rest = problems.length > 5 ? ` and ${problems.length - 5} more` : '';
    const message = `${source}: expected the tensors ${problems.slice(0, 5).join(', ')}${rest}`;
    throw new ClearwordError('MODEL_INVALID', message, {
      fix: 'Give the weights of the network that the message names.',
    });
  }
  return values;
}
