/**
 * The gradients of convolutions, as ordinary nodes, in the forms that ONNX Runtime's CPU provider runs fastest
 * (docs/engine.md has the measurements).
 *
 * @module
 */
import * as f from '../functions.ts';
import { dim, formatShape, type Tensor } from '../tensor.ts';
import type { ConvAttributes } from './attributes.ts';
import { at } from './record.ts';
import { sumOver } from './sums.ts';

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
  // Rows and columns backwards are the whole kernel backwards.
  const { shape } = swapped;
  return kh * kw === 1
    ? swapped
    : f.reshape(f.reverse(f.reshape(swapped, [dim(shape, 0), dim(shape, 1), -1]), 2), shape);
}

/** Gradient of the convolution's input: the output's gradient `g`, convolved with the turned kernel. */
export function inputGradient(x: Tensor, weight: Tensor, g: Tensor, { strides, pads, group }: ConvAttributes): Tensor {
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

/** What a place of the kernel reads along one axis: x[stride * position + offset] = phase[position + shift]. */
interface Tap {
  /** Of the `stride` interleaved parts of x. */
  readonly phase: number;
  readonly shift: number;
}

function tapsOf(kernel: number, stride: number, before: number): Tap[] {
  return Array.from({ length: kernel }, (_, i) => {
    const shift = Math.floor((i - before) / stride);
    return { phase: i - before - shift * stride, shift };
  });
}

/** Every `stride`-th of an axis, from `phase`. */
const phaseOf = (x: Tensor, axis: number, phase: number, stride: number): Tensor =>
  stride === 1 ? x : f.slice(x, axis, phase, dim(x.shape, axis), stride);

/**
 * Signals [N,C,*], each delayed by its own number of zeros and filled up to `length`, as [N,C signals,length]: the
 * channels' signals one after the other, which makes it a single copy.
 */
function delayed(signals: readonly Tensor[], delays: readonly number[], length: number): Tensor {
  const [n, c] = [dim(at(signals, 0).shape, 0), dim(at(signals, 0).shape, 1)];
  const { graph, dtype } = at(signals, 0);
  const zeros = (count: number) => (count === 0 ? [] : [f.expand(graph.scalar(0, dtype), [n, c, count])]);
  let gap = 0;
  const parts = signals.flatMap((signal, i) => {
    const delay = delays[i] ?? 0;
    const part = [...zeros(gap + delay), signal];
    gap = length - delay - dim(signal.shape, 2);
    return part;
  });
  return f.reshape(f.concat([...parts, ...zeros(gap)], 2), [n, c * signals.length, length]);
}

/**
 * Dense. With rows of one length P one after the other, reading x a row down and a column right is reading it P + 1
 * places later, so that with g[y, v] at place y P + v
 *
 *   dW[i, j] = sum over n, m of g[n, m - i P] x[n, m + j]:
 *
 * one product of delayed copies of g (one for each kernel row) with delayed copies of x (one for each kernel column), which
 * takes a third of the copies of the usual columns. A column that would be reached around the end of a row is zeroed
 * first. A stride reads interleaved parts of x; the kernel rows of each are a product of their own.
 */
function denseWeightGradient(x: Tensor, weight: Tensor, g: Tensor, attributes: ConvAttributes): Tensor {
  const [outputs, inputs, kh, kw] = weight.shape as [number, number, number, number];
  const { strides, pads } = attributes;
  const [n, , height, width] = g.shape as [number, number, number, number];
  if (kh === 1 && kw === 1 && formatShape([...strides, ...pads]) === '[1,1,0,0,0,0]') {
    const columns = f.transpose(f.reshape(x, [n, inputs, -1]), [0, 2, 1]);
    return f.reshape(sumOver(f.matMul(f.reshape(g, [n, outputs, -1]), columns), [0]), weight.shape);
  }
  const [rows, columns] = [tapsOf(kh, strides[0], pads[0]), tapsOf(kw, strides[1], pads[1])];
  const pitch = Math.max(width, Math.ceil(dim(x.shape, 3) / strides[1]));
  const wide = (image: Tensor) => f.pad(image, [0, 0, 0, 0], [0, 0, 0, pitch - dim(image.shape, 3)]);
  const flat = (image: Tensor) => f.reshape(image, [n, dim(image.shape, 1), -1]);
  const upstream = flat(wide(g));

  /** The part of x that kernel column (phase, shift) meets: only columns u with 0 <= u - shift < width count. */
  const met = (part: Tensor, { phase, shift }: Tap): Tensor => {
    const image = wide(phaseOf(part, 3, phase, strides[1]));
    const counts = Float32Array.from({ length: pitch }, (_, u) => (u >= shift && u - shift < width ? 1 : 0));
    if (counts.every((one) => one === 1)) return flat(image);
    return flat(f.mul(image, f.cast(x.graph.constant(counts, [pitch], 'float32'), x.dtype)));
  };

  /** Kernel rows that share a phase, [O,C,rows,kw]. */
  const ofPhase = (phase: number): Tensor => {
    const shifts = rows.filter((row) => row.phase === phase).map(({ shift }) => shift);
    const [least, most] = [Math.min(...shifts), Math.max(...shifts)];
    // A common lead makes all delays positive.
    const lead = Math.max(0, least * pitch + Math.max(...columns.map(({ shift }) => shift)));
    const part = phaseOf(x, 2, phase, strides[0]);
    const delays = columns.map(({ shift }) => lead - least * pitch - shift);
    const end = Math.max(...delays) + dim(part.shape, 2) * pitch;
    const length = Math.max(end, lead + (most - least + height) * pitch);
    const seen = delayed(
      columns.map((column) => met(part, column)),
      delays,
      length,
    );
    const sent = delayed(
      shifts.map(() => upstream),
      shifts.map((shift) => lead + (shift - least) * pitch),
      length,
    );
    const products = sumOver(f.matMul(sent, f.transpose(seen, [0, 2, 1])), [0]);
    return f.transpose(f.reshape(products, [outputs, shifts.length, inputs, kw]), [0, 2, 1, 3]);
  };

  const phases = [...new Set(rows.map(({ phase }) => phase))];
  const [only] = phases;
  if (phases.length === 1 && only !== undefined) return ofPhase(only);
  // The phases take turns along the kernel's rows.
  const single = phases.map((phase) => {
    const whole = ofPhase(phase);
    const sizes = Array.from({ length: dim(whole.shape, 2) }, () => 1);
    return [...f.split(whole, 2, sizes)];
  });
  return f.concat(
    rows.map(({ phase }) => at(single[phases.indexOf(phase)]?.splice(0, 1) ?? [], 0)),
    2,
  );
}

/** Widest map for which the products of {@link depthwiseByRows} beat a grouped convolution. */
export const WIDEST_BY_ROWS = 256;

/**
 * Depthwise, stride 1. For each kernel row i, the product over all rows of a channel,
 *
 *   M[u, v] = sum over n, y of x[n, y + i - top, u] g[n, y, v],
 *
 * holds dW[i, j] on one of its diagonals (u = v + j - left); a constant 0/1 matrix sums the diagonals. It computes W / k
 * times what is needed, at matrix-product speed, which on maps of ordinary width is 2 to 3 times faster than a convolution.
 */
function depthwiseByRows(x: Tensor, weight: Tensor, g: Tensor, { pads }: ConvAttributes): Tensor {
  const [n, c, height, width] = g.shape as [number, number, number, number];
  const [kh, kw, wide] = [dim(weight.shape, 2), dim(weight.shape, 3), dim(x.shape, 3)];
  const padded = f.pad(f.transpose(x, [1, 0, 2, 3]), [0, 0, pads[0], 0], [0, 0, pads[2], 0]);
  const upstream = f.reshape(f.transpose(g, [1, 0, 2, 3]), [c, n * height, width]);
  const products = Array.from({ length: kh }, (_, i) => {
    const seen = f.reshape(f.slice(padded, 2, i, i + height), [c, n * height, wide]);
    return f.matMul(f.transpose(seen, [0, 2, 1]), upstream);
  });
  const diagonals = new Float32Array(wide * width * kw);
  for (let j = 0; j < kw; j++) {
    for (let v = 0; v < width; v++) {
      const u = v + j - pads[1];
      if (u >= 0 && u < wide) diagonals[(u * width + v) * kw + j] = 1;
    }
  }
  const sums = x.graph.constant(diagonals, [wide * width, kw], 'float32');
  return f.reshape(f.matMul(f.reshape(f.concat(products, 1), [c * kh, wide * width]), sums), weight.shape);
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
  return f.reshape(sumOver(f.reshape(perImage, [n, ...weight.shape]), [0]), weight.shape);
}

/** Gradient of the weights [O,C/g,kh,kw]: x correlated with the output's gradient `g`, summed over the batch. */
export function weightGradient(x: Tensor, weight: Tensor, g: Tensor, attributes: ConvAttributes): Tensor {
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
