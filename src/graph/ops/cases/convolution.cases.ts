import { type NdArray, read, readOrZero, sum, tabulate } from '../../../../test/support/ndarray.ts';
import type { Shape } from '../../tensor.ts';
import type { OpAttributes } from '../attributes.ts';
import { WIDEST_BY_ROWS } from '../convolution-gradients.ts';
import { type OpCase, type OpCases, type Reference, values } from './case.cases.ts';

type Four = readonly [number, number, number, number];
type Conv = OpAttributes['conv'];
type Transposed = OpAttributes['convTranspose'];

/** y[n,o,Y,X] = bias[o] + sum over the group's inputs c and the kernel (i, j) of w[o,c,i,j] x[n,c',s Y + i - top,s X + j - left]. */
const correlate =
  ({ strides, pads, group }: Conv): Reference =>
  (x: NdArray, weight: NdArray, bias?: NdArray) => {
    const [n, , height, width] = x.shape as unknown as Four;
    const [outputs, perGroup, kh, kw] = weight.shape as unknown as Four;
    const [top, left, bottom, right] = pads;
    const rows = Math.floor((height + top + bottom - kh) / strides[0]) + 1;
    const columns = Math.floor((width + left + right - kw) / strides[1]) + 1;
    return tabulate([n, outputs, rows, columns], ([image, o, Y, X]) => {
      const [image0, o0, Y0, X0] = [image, o, Y, X] as unknown as Four;
      const first = Math.floor(o0 / (outputs / group)) * perGroup;
      const total = sum(perGroup, (c) =>
        sum(kh, (i) =>
          sum(
            kw,
            (j) =>
              read(weight, [o0, c, i, j]) *
              readOrZero(x, [image0, first + c, Y0 * strides[0] + i - top, X0 * strides[1] + j - left]),
          ),
        ),
      );
      return total + (bias ? read(bias, [o0]) : 0);
    });
  };

/** Each value of x adds its multiple of the kernel to the place it came from in a convolution. */
const spreadOut =
  ({ strides, pads, group, outputPads }: Transposed): Reference =>
  (x: NdArray, weight: NdArray) => {
    const [n, inputs, height, width] = x.shape as unknown as Four;
    const [, perGroup, kh, kw] = weight.shape as unknown as Four;
    const [top, left, bottom, right] = pads;
    const rows = (height - 1) * strides[0] + kh - top - bottom + outputPads[0];
    const columns = (width - 1) * strides[1] + kw - left - right + outputPads[1];
    const y = tabulate([n, perGroup * group, rows, columns], () => 0);
    tabulate([n, inputs, height, width], (index) => {
      const [image, c, Y, X] = index as unknown as Four;
      const first = Math.floor(c / (inputs / group)) * perGroup;
      tabulate([perGroup, kh, kw], (place) => {
        const [o, i, j] = place as unknown as readonly [number, number, number];
        const [row, column] = [Y * strides[0] + i - top, X * strides[1] + j - left];
        if (row < 0 || row >= rows || column < 0 || column >= columns) return 0;
        const target = ((image * perGroup * group + first + o) * rows + row) * columns + column;
        y.data[target] = (y.data[target] as number) + read(x, index) * read(weight, [c, o, i, j]);
        return 0;
      });
      return 0;
    });
    return y;
  };

interface Options {
  readonly stride?: number;
  readonly strides?: Conv['strides'];
  readonly pads?: Conv['pads'];
  readonly group?: number;
  readonly bias?: boolean;
  readonly outputPads?: readonly [number, number];
}

function conv(name: string, x: Shape, weight: Shape, options: Options = {}): OpCase<'conv'> {
  const { stride = 1, strides = [stride, stride], pads = [0, 0, 0, 0], group = 1, bias = false } = options;
  const attributes = { strides, pads, group };
  const inputs = [values(x), values(weight, 0.29), ...(bias ? [values(weight.slice(0, 1), 0.53)] : [])];
  return { name, inputs, attributes, reference: correlate(attributes) };
}

function convTranspose(name: string, x: Shape, weight: Shape, options: Options = {}): OpCase<'convTranspose'> {
  const { stride = 1, strides = [stride, stride], pads = [0, 0, 0, 0], group = 1, outputPads = [0, 0] } = options;
  const attributes = { strides, pads, group, outputPads };
  return { name, inputs: [values(x), values(weight, 0.29)], attributes, reference: spreadOut(attributes) };
}

export const convolutionCases: { readonly [K in 'conv' | 'convTranspose']: OpCases<K> } = {
  conv: [
    conv('3x3, padded to keep the size', [2, 3, 4, 5], [4, 3, 3, 3], { pads: [1, 1, 1, 1], bias: true }),
    conv('3x3 without padding, one picture', [1, 2, 5, 4], [3, 2, 3, 3]),
    conv('1x1', [2, 3, 3, 4], [5, 3, 1, 1], { bias: true }),
    conv('1x1 of one picture', [1, 3, 3, 4], [2, 3, 1, 1]),
    conv('1x1 with stride 2, a row left over', [2, 2, 4, 5], [3, 2, 1, 1], { stride: 2 }),
    conv('1x1 padded', [1, 2, 3, 3], [2, 2, 1, 1], { pads: [1, 1, 1, 1] }),
    conv('4x4 with stride 2, halving', [2, 2, 4, 6], [3, 2, 4, 4], { stride: 2, pads: [1, 1, 1, 1], bias: true }),
    conv('3x3 with stride 2, a row and a column left over', [1, 2, 6, 8], [2, 2, 3, 3], { stride: 2 }),
    conv('stride 3, two rows left over', [1, 1, 7, 6], [2, 1, 2, 2], { stride: 3 }),
    conv('strides that differ', [1, 2, 6, 5], [2, 2, 3, 2], { strides: [1, 2], pads: [1, 0, 1, 1] }),
    conv('padded asymmetrically', [1, 2, 4, 4], [2, 2, 3, 3], { pads: [2, 0, 1, 1] }),
    conv('stride 2, padded asymmetrically', [1, 2, 5, 6], [2, 2, 3, 3], { stride: 2, pads: [0, 1, 2, 0] }),
    conv('a margin as wide as the kernel', [1, 2, 3, 3], [2, 2, 2, 2], { pads: [2, 1, 0, 2] }),
    conv('1x3', [2, 2, 3, 5], [2, 2, 1, 3], { pads: [0, 1, 0, 1] }),
    conv('3x1', [2, 2, 5, 3], [2, 2, 3, 1], { pads: [1, 0, 1, 0] }),
    conv('depthwise', [2, 3, 4, 5], [3, 1, 3, 3], { pads: [1, 1, 1, 1], group: 3, bias: true }),
    conv('depthwise 5x3, padded asymmetrically', [2, 2, 5, 4], [2, 1, 5, 3], { pads: [1, 0, 3, 2], group: 2 }),
    conv('depthwise 7x7, whose input gradient folds rows', [1, 2, 8, 5], [2, 1, 7, 7], {
      pads: [3, 3, 3, 3],
      group: 2,
    }),
    conv('depthwise, the widest map by rows', [1, 2, 2, WIDEST_BY_ROWS], [2, 1, 3, 3], {
      pads: [1, 1, 1, 1],
      group: 2,
    }),
    conv('depthwise, the first width by planes', [2, 2, 3, WIDEST_BY_ROWS + 1], [2, 1, 3, 3], {
      pads: [1, 1, 1, 1],
      group: 2,
    }),
    conv('depthwise by planes, padded asymmetrically', [1, 2, 3, WIDEST_BY_ROWS + 2], [2, 1, 3, 2], {
      pads: [2, 1, 0, 0],
      group: 2,
    }),
    conv('depthwise with stride 2', [2, 3, 4, 6], [3, 1, 4, 4], { stride: 2, pads: [1, 1, 1, 1], group: 3 }),
    conv('two outputs for each input channel', [1, 2, 4, 4], [4, 1, 3, 3], { pads: [1, 1, 1, 1], group: 2 }),
    conv('grouped', [2, 4, 3, 4], [6, 2, 3, 3], { pads: [1, 1, 1, 1], group: 2, bias: true }),
    conv('grouped with stride 2, a row left over', [1, 4, 5, 6], [4, 2, 2, 2], { stride: 2, group: 2 }),
  ],
  convTranspose: [
    convTranspose('stride 1', [2, 3, 3, 4], [3, 2, 3, 3], { pads: [1, 1, 1, 1] }),
    convTranspose('stride 2, doubling', [2, 2, 3, 2], [2, 3, 4, 4], { stride: 2, pads: [1, 1, 1, 1] }),
    convTranspose('stride 2 with a row and a column more', [1, 2, 3, 3], [2, 2, 3, 3], {
      stride: 2,
      pads: [1, 1, 1, 1],
      outputPads: [1, 1],
    }),
    convTranspose('cropped asymmetrically', [1, 2, 4, 3], [2, 2, 3, 3], { stride: 2, pads: [2, 0, 1, 1] }),
    convTranspose('grouped', [1, 4, 3, 3], [4, 3, 2, 2], { stride: 2, group: 2 }),
    convTranspose('depthwise', [2, 3, 3, 4], [3, 1, 3, 3], { pads: [1, 1, 1, 1], group: 3 }),
  ],
};
