/**
 * Depthwise convolutions with large kernels that change from run to run, as they do in training.
 *
 * @module
 */
import { dim, type Node } from '../tensor.ts';
import { at, type Emitter, type OnnxNode } from './record.ts';

/** Rows that become channels. */
const FOLD = 4;
/** Smallest kernel for which folding pays. */
const SMALLEST_KERNEL = 7;

/**
 * Where the places of a kernel go when rows are folded, [FOLD FOLD taps, kh] of 0 and 1: tap t of channel r, for result
 * p, is row FOLD (first + t) + r - p + top.
 */
function places(kh: number, top: number, first: number, taps: number): Float32Array {
  const table = new Float32Array(FOLD * FOLD * taps * kh);
  for (let p = 0; p < FOLD; p++) {
    for (let r = 0; r < FOLD; r++) {
      for (let t = 0; t < taps; t++) {
        const row = FOLD * (first + t) + r - p + top;
        if (row >= 0 && row < kh) table[((p * FOLD + r) * taps + t) * kh + row] = 1;
      }
    }
  }
  return table;
}

/**
 * A depthwise convolution as a grouped one, with FOLD rows of a plane as the channels of a group; undefined where that
 * cannot be done or does not pay.
 *
 * The CPU provider unfolds the input for each convolution. For a single channel that takes longer than the product that
 * follows; with rows folded, half as much is unfolded, and the product has several rows. 7x7: 25 to 40 % faster
 * (docs/performance.md). Kernels that are constants have faster ways of their own.
 */
export function emitFolded({ inputs, outputs, attributes }: Node<'conv'>, emitter: Emitter): OnnxNode[] | undefined {
  const [x, weight, bias, y] = [at(inputs, 0), at(inputs, 1), inputs[2], at(outputs, 0)];
  const { group, strides, pads } = attributes;
  const [n, c, height, width] = x.shape as [number, number, number, number];
  const [rows, columns] = [dim(y.shape, 2), dim(y.shape, 3)];
  const [kh, kw] = [dim(weight.shape, 2), dim(weight.shape, 3)];
  const depthwise = group === c && dim(weight.shape, 0) === c && strides[0] === 1 && strides[1] === 1;
  const changing = weight.graph.producers.has(weight) && weight.dtype === 'float32';
  const whole = height % FOLD === 0 && rows % FOLD === 0;
  if (!depthwise || !changing || !whole || kh < SMALLEST_KERNEL) return undefined;

  const first = Math.floor(-pads[0] / FOLD);
  const taps = Math.floor((FOLD - 1 + kh - 1 - pads[0]) / FOLD) - first + 1;
  const below = (rows - height) / FOLD + taps - 1 + first;
  if (first > 0 || below < 0) return undefined;

  const nodes: OnnxNode[] = [];
  const add = (type: string, from: readonly string[], attributes: OnnxNode['attributes'] = {}) => {
    const to = emitter.temporary();
    nodes.push({ type, inputs: from, outputs: [to], attributes });
    return to;
  };
  const shaped = (value: string, ...shape: readonly number[]) => add('Reshape', [value, emitter.ints(shape)]);
  const turned = (value: string) => add('Transpose', [value], { perm: [0, 2, 1, 3] });

  const table = emitter.floats(places(kh, pads[0], first, taps), [FOLD * FOLD * taps, kh]);
  const kernel = shaped(add('MatMul', [table, shaped(weight.name, c, kh, kw)]), c * FOLD, FOLD, taps, kw);
  const folded = shaped(turned(shaped(x.name, n * c, height / FOLD, FOLD, width)), n, c * FOLD, height / FOLD, width);
  // Every result of a group has the channel's bias.
  const biases = bias && shaped(add('Expand', [shaped(bias.name, c, 1), emitter.ints([c, FOLD])]), c * FOLD);
  const result = add('Conv', biases === undefined ? [folded, kernel] : [folded, kernel, biases], {
    kernel_shape: [taps, kw],
    strides,
    pads: [-first, pads[1], below, pads[3]],
    group,
  });
  const unfolded = turned(shaped(result, n * c, FOLD, rows / FOLD, columns));
  nodes.push({ type: 'Reshape', inputs: [unfolded, emitter.ints(y.shape)], outputs: [y.name] });
  return nodes;
}
