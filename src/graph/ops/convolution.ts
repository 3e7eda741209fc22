/**
 * Convolution and its transpose. The forms of the gradients are those that ONNX Runtime's CPU provider runs fastest
 * (docs/engine.md has the measurements).
 *
 * @module
 */
import * as f from '../functions.ts';
import { dim, formatShape, type Tensor } from '../tensor.ts';
import type { ConvAttributes } from './attributes.ts';
import { at, expectCount, type Fail, type OpRecord, onnxNode } from './record.ts';

function expectRank4(name: string, tensor: Tensor, fail: Fail): void {
  if (tensor.shape.length !== 4) fail(name, 'rank 4', formatShape(tensor.shape));
}

function expectBias(bias: Tensor | undefined, channels: number, fail: Fail): void {
  if (bias && formatShape(bias.shape) !== formatShape([channels]))
    fail('bias', `[${channels}]`, formatShape(bias.shape));
}

/** Weights [O,C/g,kh,kw] -> [C,O/g,kh,kw], read backwards in space: the kernel of the input gradient. */
function flippedKernel(weight: Tensor, group: number): Tensor {
  const [outputs, inputs, kh, kw] = [0, 1, 2, 3].map((axis) => dim(weight.shape, axis)) as [
    number,
    number,
    number,
    number,
  ];
  let swapped = weight;
  if (inputs === 1 && outputs === group) swapped = weight;
  else if (group === 1) swapped = f.transpose(weight, [1, 0, 2, 3]);
  else {
    const grouped = f.reshape(weight, [group, outputs / group, inputs, kh, kw]);
    swapped = f.reshape(f.transpose(grouped, [0, 2, 1, 3, 4]), [group * inputs, outputs / group, kh, kw]);
  }
  if (kh > 1) swapped = f.reverse(swapped, 2);
  return kw > 1 ? f.reverse(swapped, 3) : swapped;
}

function inputGradient(x: Tensor, weight: Tensor, g: Tensor, { strides, pads, group }: ConvAttributes): Tensor {
  const [kh, kw] = [dim(weight.shape, 2), dim(weight.shape, 3)];
  const [top, left, bottom, right] = pads;
  if (strides[0] === 1 && strides[1] === 1 && top < kh && left < kw && bottom < kh && right < kw) {
    const padding = [kh - 1 - top, kw - 1 - left, kh - 1 - bottom, kw - 1 - right] as const;
    return f.conv(g, flippedKernel(weight, group), undefined, { padding, group });
  }
  // Rows and columns that the stride left over received no gradient; output padding restores them.
  const rest = (axis: number, k: number, s: number, p: number) =>
    dim(x.shape, axis) - ((dim(g.shape, axis) - 1) * s + k - p);
  const outputPads = [rest(2, kh, strides[0], top + bottom), rest(3, kw, strides[1], left + right)] as const;
  return x.graph.apply('convTranspose', [g, weight], { strides, pads, group, outputPads });
}

/** x padded, then the kh kw views that the kernel sees, each [N,C,H',W'], in row-major order of the kernel. */
function shiftedViews(x: Tensor, kh: number, kw: number, g: Tensor, { strides, pads }: ConvAttributes): Tensor[] {
  const padded = f.pad(x, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]]);
  const [height, width] = [dim(g.shape, 2), dim(g.shape, 3)];
  const views: Tensor[] = [];
  for (let i = 0; i < kh; i++) {
    const rows = f.slice(padded, 2, i, i + (height - 1) * strides[0] + 1, strides[0]);
    for (let j = 0; j < kw; j++) views.push(f.slice(rows, 3, j, j + (width - 1) * strides[1] + 1, strides[1]));
  }
  return views;
}

/** Dense: one product of the output gradient with the concatenated views, summed over the batch. */
function denseWeightGradient(x: Tensor, weight: Tensor, g: Tensor, attributes: ConvAttributes): Tensor {
  const [outputs, inputs, kh, kw] = [0, 1, 2, 3].map((axis) => dim(weight.shape, axis)) as [
    number,
    number,
    number,
    number,
  ];
  const n = dim(x.shape, 0);
  const area = dim(g.shape, 2) * dim(g.shape, 3);
  const pointwise =
    kh === 1 && kw === 1 && formatShape([...attributes.strides, ...attributes.pads]) === '[1,1,0,0,0,0]';
  const views = pointwise ? x : f.concat(shiftedViews(x, kh, kw, g, attributes), 1);
  const columns = f.transpose(f.reshape(views, [n, kh * kw * inputs, area]), [0, 2, 1]);
  const products = f.matMul(f.reshape(g, [n, outputs, area]), columns);
  const summed = n === 1 ? f.reshape(products, [outputs, -1]) : f.reduceSum(products, [0]);
  return f.transpose(f.reshape(summed, [outputs, kh, kw, inputs]), [0, 3, 1, 2]);
}

/** Widest map for which the products of {@link depthwiseByRows} beat a grouped convolution. */
export const WIDEST_BY_ROWS = 64;

/**
 * Depthwise, stride 1. For each kernel row i, the product over all rows of a channel,
 *
 *   M[u, v] = sum over n, y of x[n, y + i, u] g[n, y, v],
 *
 * holds dW[i, j] on its j-th diagonal (u = v + j); a constant 0/1 matrix sums the diagonals. It computes W / k times what
 * is needed, at matrix-product speed, which on maps of ordinary width is 2 to 3 times faster than a convolution.
 */
function depthwiseByRows(x: Tensor, weight: Tensor, g: Tensor, { pads }: ConvAttributes): Tensor {
  const [n, c, height, width] = g.shape as [number, number, number, number];
  const [kh, kw] = [dim(weight.shape, 2), dim(weight.shape, 3)];
  const padded = f.transpose(f.pad(x, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]]), [1, 0, 2, 3]);
  const wide = dim(padded.shape, 3);
  const upstream = f.reshape(f.transpose(g, [1, 0, 2, 3]), [c, n * height, width]);
  const diagonals = new Float32Array(wide * width * kw);
  for (let j = 0; j < kw; j++) for (let v = 0; v < width; v++) diagonals[((v + j) * width + v) * kw + j] = 1;
  const sums = x.graph.constant(diagonals, [wide * width, kw], 'float32');
  const rows = Array.from({ length: kh }, (_, i) => {
    const shifted = f.reshape(f.slice(padded, 2, i, i + height), [c, n * height, wide]);
    const products = f.matMul(f.transpose(shifted, [0, 2, 1]), upstream);
    return f.reshape(f.matMul(f.reshape(products, [c, wide * width]), sums), [c, 1, 1, kw]);
  });
  return f.concat(rows, 2);
}

/**
 * Depthwise, stride 1, wide maps: with the batch folded into the channels, correlating each plane of x with its plane of
 * g is again a grouped convolution, x [1,N C,H,W] with kernels g [N C,1,H',W'].
 */
function depthwiseByPlanes(x: Tensor, weight: Tensor, g: Tensor, { pads }: ConvAttributes): Tensor {
  const [n, channels] = [dim(x.shape, 0), dim(x.shape, 1)];
  const planes = f.reshape(x, [1, n * channels, dim(x.shape, 2), dim(x.shape, 3)]);
  const kernels = f.reshape(g, [n * channels, 1, dim(g.shape, 2), dim(g.shape, 3)]);
  const perImage = f.conv(planes, kernels, undefined, { padding: pads, group: n * channels });
  return f.reduceSum(f.reshape(perImage, [n, ...weight.shape]), [0]);
}

function weightGradient(x: Tensor, weight: Tensor, g: Tensor, attributes: ConvAttributes): Tensor {
  const { group, strides } = attributes;
  if (group === 1) return denseWeightGradient(x, weight, g, attributes);
  const depthwise = group === dim(x.shape, 1) && group === dim(weight.shape, 0);
  if (depthwise && strides[0] === 1 && strides[1] === 1) {
    return dim(g.shape, 3) <= WIDEST_BY_ROWS
      ? depthwiseByRows(x, weight, g, attributes)
      : depthwiseByPlanes(x, weight, g, attributes);
  }
  const sizes = (total: number) => Array.from({ length: group }, () => total / group);
  const xs = f.split(x, 1, sizes(dim(x.shape, 1)));
  const ws = f.split(weight, 0, sizes(dim(weight.shape, 0)));
  const gs = f.split(g, 1, sizes(dim(g.shape, 1)));
  const parts = xs.map((part, i) => denseWeightGradient(part, at(ws, i), at(gs, i), { ...attributes, group: 1 }));
  return f.concat(parts, 0);
}

function onnxAttributes(weight: Tensor, { strides, pads, group }: ConvAttributes) {
  return { kernel_shape: [dim(weight.shape, 2), dim(weight.shape, 3)], strides, pads, group };
}

export const convolution: { readonly [K in 'conv' | 'convTranspose']: OpRecord<K> } = {
  conv: {
    infer(inputs, { strides, pads, group }, fail) {
      expectCount(inputs, [2, 3], fail);
      const [x, weight] = [at(inputs, 0), at(inputs, 1)];
      expectRank4('x', x, fail);
      expectRank4('weight', weight, fail);
      if (x.dtype !== weight.dtype) fail('weight', x.dtype, weight.dtype);
      const [n, channels] = [dim(x.shape, 0), dim(x.shape, 1)];
      const [outputs, perGroup, kh, kw] = [0, 1, 2, 3].map((axis) => dim(weight.shape, axis)) as [
        number,
        number,
        number,
        number,
      ];
      if (perGroup * group !== channels || outputs % group !== 0) {
        fail(
          'weight',
          `[O,${channels / group},kh,kw] with O a multiple of ${group} for x ${formatShape(x.shape)}`,
          formatShape(weight.shape),
        );
      }
      expectBias(inputs[2], outputs, fail);
      const size = (axis: number, k: number, before: number, after: number, stride: number) => {
        const padded = dim(x.shape, axis) + before + after;
        if (padded < k) fail('x', `at least ${k} along axis ${axis} with padding`, formatShape(x.shape));
        return Math.floor((padded - k) / stride) + 1;
      };
      const shape = [n, outputs, size(2, kh, pads[0], pads[2], strides[0]), size(3, kw, pads[1], pads[3], strides[1])];
      return [{ shape, dtype: x.dtype }];
    },
    emit: (node) => onnxNode('Conv', node, onnxAttributes(at(node.inputs, 1), node.attributes)),
    gradient({ gradient: g, inputs, attributes, wanted }) {
      const [x, weight] = [at(inputs, 0), at(inputs, 1)];
      return [
        wanted[0] ? inputGradient(x, weight, g, attributes) : undefined,
        wanted[1] ? weightGradient(x, weight, g, attributes) : undefined,
        ...(inputs.length === 3 ? [wanted[2] ? f.reduceSum(g, [0, 2, 3]) : undefined] : []),
      ];
    },
  },
  convTranspose: {
    infer(inputs, { strides, pads, group, outputPads }, fail) {
      expectCount(inputs, [2], fail);
      const [x, weight] = [at(inputs, 0), at(inputs, 1)];
      expectRank4('x', x, fail);
      expectRank4('weight', weight, fail);
      if (x.dtype !== weight.dtype) fail('weight', x.dtype, weight.dtype);
      if (dim(x.shape, 1) !== dim(weight.shape, 0) || dim(weight.shape, 0) % group !== 0) {
        fail(
          'weight',
          `[${dim(x.shape, 1)},O/${group},kh,kw] for x ${formatShape(x.shape)}`,
          formatShape(weight.shape),
        );
      }
      const size = (i: 0 | 1) =>
        (dim(x.shape, 2 + i) - 1) * strides[i] +
        dim(weight.shape, 2 + i) -
        pads[i] -
        pads[i + 2 === 2 ? 2 : 3] +
        outputPads[i];
      return [{ shape: [dim(x.shape, 0), dim(weight.shape, 1) * group, size(0), size(1)], dtype: x.dtype }];
    },
    emit(node) {
      const attributes = onnxAttributes(at(node.inputs, 1), node.attributes);
      return onnxNode('ConvTranspose', node, { ...attributes, output_padding: node.attributes.outputPads });
    },
    // The transpose's gradient is the convolution itself; in the weights, x and g change places.
    gradient({ gradient: g, inputs, attributes, wanted }) {
      const [x, weight] = [at(inputs, 0), at(inputs, 1)];
      const { strides, pads, group } = attributes;
      const forward = { strides, pads, group };
      return [
        wanted[0] ? x.graph.apply('conv', [g, weight], forward) : undefined,
        wanted[1] ? weightGradient(g, weight, x, forward) : undefined,
      ];
    },
  },
};
