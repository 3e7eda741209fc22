/**
 * Keeps the sizes of pictures from the runtime.
 *
 * ONNX Runtime plans its memory before a run: of two values that are known to have one shape, the later one gets the buffer of
 * the earlier one, and between them the buffer lies idle. A U-Net returns to each size on its way up, so nearly every buffer of
 * the way down is kept. Where sizes are not known, a buffer is given back after its last use, and is cut anew: the paper's
 * network then takes half the memory (docs/performance.md).
 *
 * Inputs say nothing of the sides of pictures (`hideSizes` of emit.ts). What is left are the shapes that Reshape nodes name: to
 * each a zero is added that the runtime only knows when it runs.
 *
 * @module
 */
import type { OnnxNode } from '../ops/record.ts';

/**
 * The nodes with the targets of all Reshapes hidden whose values come from a picture; what is made of parameters alone stays
 * known, and is computed when the model is loaded.
 *
 * @param pictures names of the inputs [N,C,H,W], at least one
 * @param nought name of a constant: 0, as a vector of one
 */
export function withHiddenSizes(nodes: readonly OnnxNode[], pictures: readonly string[], nought: string): OnnxNode[] {
  const [size, zero] = ['hidden_size', 'hidden_zero'];
  const [picture = ''] = pictures;
  const hidden: OnnxNode[] = [
    { type: 'Shape', inputs: [picture], outputs: [size], attributes: { start: 0, end: 1 } },
    { type: 'Mul', inputs: [size, nought], outputs: [zero] },
  ];
  const targets = new Map<string, string>();
  const changing = new Set(pictures);
  for (const node of nodes) {
    const [values, target] = node.inputs;
    if (node.inputs.some((name) => changing.has(name))) for (const name of node.outputs) changing.add(name);
    if (node.type !== 'Reshape' || values === undefined || target === undefined || !changing.has(values)) {
      hidden.push(node);
      continue;
    }
    const name = targets.get(target) ?? `hidden_${target}`;
    if (!targets.has(target)) hidden.push({ type: 'Add', inputs: [target, zero], outputs: [name] });
    targets.set(target, name);
    hidden.push({ ...node, inputs: [values, name] });
  }
  return targets.size > 0 ? hidden : [...nodes];
}
