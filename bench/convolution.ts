/**
 * Ways to compute convolutions and their gradients, each written out, so that those that lost can be measured again: the
 * numbers of docs/engine.md and docs/performance.md.
 *
 *   npx tsx bench/convolution.ts [--threads 2] [--rounds 15]
 *
 * Candidates take turns, and the fastest round of each counts: it is the one that other programs disturbed least.
 */
import { parseArgs } from 'node:util';
import * as f from '../src/graph/functions.ts';
import { gradients } from '../src/graph/gradient.ts';
import { Graph } from '../src/graph/graph.ts';
import { emitModel } from '../src/graph/onnx/emit.ts';
import { dim, type Shape, sizeOf, type Tensor } from '../src/graph/tensor.ts';
import { Engine, float32, floats } from '../src/runtime/engine.ts';

const { values } = parseArgs({
  options: { threads: { type: 'string', default: '0' }, rounds: { type: 'string', default: '15' } },
});

interface Shapes {
  readonly x: Shape;
  readonly weight: Shape;
}

/** x, weight and the output's gradient g -> a gradient, or the convolution itself. */
type Recipe = (x: Tensor, weight: Tensor, g: Tensor) => Tensor;

interface Contest {
  readonly name: string;
  readonly shapes: Shapes;
  /** Of inference: the weights are constants, and there is no gradient. */
  readonly forward?: boolean;
  readonly recipes: Readonly<Record<string, Recipe>>;
}

const padding = (weight: Tensor): number => (dim(weight.shape, 2) - 1) >> 1;
const padded = (x: Tensor, by: number): Tensor => f.pad(x, [0, 0, by, by], [0, 0, by, by]);

/** What the reverse walker appends, with the forward convolution removed by the runtime because nothing asks for it. */
const shipped =
  (of: 'x' | 'weight', group = 1): Recipe =>
  (x, weight, g) => {
    const y = f.conv(x, weight, undefined, { padding: padding(weight), group });
    const [result] = gradients(y, [of === 'x' ? x : weight], g);
    if (!result) throw new Error('expected a gradient');
    return result;
  };

const transposedConvolution: Recipe = (_x, weight, g) => f.convTranspose(g, weight, { padding: padding(weight) });

/** One product a kernel position, instead of one over all of them. */
const productEach: Recipe = (x, weight, g) => {
  const [n, o, height, width] = g.shape as [number, number, number, number];
  const [c, k] = [dim(weight.shape, 1), dim(weight.shape, 2)];
  const source = padded(x, padding(weight));
  const upstream = f.reshape(g, [n, o, height * width]);
  const parts: Tensor[] = [];
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      const view = f.slice(f.slice(source, 2, i, i + height), 3, j, j + width);
      const columns = f.transpose(f.reshape(view, [n, c, height * width]), [0, 2, 1]);
      parts.push(f.reshape(f.reduceSum(f.matMul(upstream, columns), [0]), [o, c, 1]));
    }
  }
  return f.concat(parts, 2);
};

/** The usual columns: all views of the input concatenated, one product over them. */
const allViews: Recipe = (x, weight, g) => {
  const [n, o, height, width] = g.shape as [number, number, number, number];
  const [c, k] = [dim(weight.shape, 1), dim(weight.shape, 2)];
  const source = padded(x, padding(weight));
  const views: Tensor[] = [];
  for (let i = 0; i < k; i++) {
    const rows = f.slice(source, 2, i, i + height);
    for (let j = 0; j < k; j++) views.push(f.slice(rows, 3, j, j + width));
  }
  const columns = f.reshape(f.concat(views, 1), [n, k * k * c, height * width]);
  const products = f.matMul(f.reshape(g, [n, o, height * width]), f.transpose(columns, [0, 2, 1]));
  return f.transpose(f.reshape(f.reduceSum(products, [0]), [o, k, k, c]), [0, 3, 1, 2]);
};

/** Batch and channels change places: x is the picture, g the kernel. */
const swappedConvolution: Recipe = (x, weight, g) =>
  f.conv(f.transpose(x, [1, 0, 2, 3]), f.transpose(g, [1, 0, 2, 3]), undefined, { padding: padding(weight) });

/** Depthwise: the batch folded into the channels, each plane of g the kernel of its plane of x. */
const byPlanes: Recipe = (x, weight, g) => {
  const [n, c, height, width] = x.shape as [number, number, number, number];
  const kernels = f.reshape(g, [n * c, 1, height, width]);
  const options = { padding: padding(weight), group: n * c };
  const each = f.conv(f.reshape(x, [1, n * c, height, width]), kernels, undefined, options);
  return f.reduceSum(f.reshape(each, [n, ...weight.shape]), [0]);
};

/** Depthwise: for each kernel row the product of all rows of x and g, whose diagonals are the kernel's columns. */
const byRows: Recipe = (x, weight, g) => {
  const [n, c, height, width] = g.shape as [number, number, number, number];
  const k = dim(weight.shape, 2);
  const source = f.transpose(padded(x, padding(weight)), [1, 0, 2, 3]);
  const wide = dim(source.shape, 3);
  const upstream = f.reshape(f.transpose(g, [1, 0, 2, 3]), [c, n * height, width]);
  const diagonals = new Float32Array(wide * width * k);
  for (let j = 0; j < k; j++) for (let v = 0; v < width; v++) diagonals[((v + j) * width + v) * k + j] = 1;
  const sums = x.graph.constant(diagonals, [wide * width, k], 'float32');
  const rows = Array.from({ length: k }, (_, i) => {
    const shifted = f.reshape(f.slice(source, 2, i, i + height), [c, n * height, wide]);
    const products = f.reshape(f.matMul(f.transpose(shifted, [0, 2, 1]), upstream), [c, wide * width]);
    return f.reshape(f.matMul(products, sums), [c, 1, 1, k]);
  });
  return f.concat(rows, 2);
};

/**
 * Winograd's F(4, 3) along rows (Lavin and Gray 2016, arXiv 1509.09308): of each 4 outputs of a kernel's row, 6 products instead
 * of 12. What goes in and out is transformed by these matrices.
 */
const WINOGRAD = {
  input: [
    ...[4, 0, -5, 0, 1, 0, 0, -4, -4, 1, 1, 0, 0, 4, -4, -1, 1, 0],
    ...[0, -2, -1, 2, 1, 0, 0, 2, -1, -2, 1, 0, 0, 4, 0, -5, 0, 1],
  ],
  kernel: [6, 0, 0, -4, -4, -4, -4, 4, -4, 1, 2, 4, 1, -2, 4, 0, 0, 24].map((value) => value / 24),
  output: [1, 1, 1, 1, 1, 0, 0, 1, -1, 2, -2, 0, 0, 1, 1, 4, 4, 0, 0, 1, -1, 8, -8, 1],
};

const winograd: Recipe = (x, weight) => {
  const [, c, height, width] = x.shape as [number, number, number, number];
  const o = dim(weight.shape, 0);
  const constant = (values: number[], shape: Shape) => x.graph.constant(Float32Array.from(values), shape, 'float32');
  const kernel = constant(WINOGRAD.kernel, [6, 3]);
  const products = f.matMul(f.reshape(weight, [o * c * 3, 3]), f.transpose(kernel, [1, 0]));
  const kernels = f.reshape(f.transpose(f.reshape(products, [o, c, 3, 6]), [3, 0, 1, 2]), [6 * o, c, 3, 1]);
  const fours = width / 4;
  // Quarters of the columns: those of each tile, the last of the tile before, the first of the one after.
  const tiles = f.transpose(f.reshape(f.pad(x, [0, 0, 0, 4], [0, 0, 0, 4]), [c * height, fours + 2, 4]), [2, 0, 1]);
  const column = (i: number, from: number) => f.slice(f.slice(tiles, 0, i, i + 1), 2, from, from + fours);
  const six = f.concat([column(3, 0), ...[0, 1, 2, 3].map((i) => column(i, 1)), column(0, 2)], 0);
  const inputs = f.matMul(constant(WINOGRAD.input, [6, 6]), f.reshape(six, [6, c * height * fours]));
  const rows = f.pad(f.reshape(inputs, [1, 6 * c, height, fours]), [0, 0, 1, 0], [0, 0, 1, 0]);
  const outputs = f.reshape(f.conv(rows, kernels, undefined, { padding: 0, group: 6 }), [6, o * height * fours]);
  const four = f.transpose(f.matMul(constant(WINOGRAD.output, [4, 6]), outputs), [1, 0]);
  return f.reshape(four, [1, o, height, width]);
};

const dense: Shapes = { x: [4, 64, 128, 128], weight: [64, 64, 3, 3] };
const depthwise = (side: number, kernel: number): Contest => {
  // As many values whatever the side, as in the levels of a U-Net with growing channels.
  const channels = Math.round((64 * 32 * 32) / side ** 2);
  return {
    name: `weight gradient, depthwise ${kernel}x${kernel}, ${side}x${side}`,
    shapes: { x: [16, channels, side, side], weight: [channels, 1, kernel, kernel] },
    recipes: { shipped: shipped('weight', channels), 'grouped convolution': byPlanes, 'products of rows': byRows },
  };
};

const contests: readonly Contest[] = [
  ...[64, 128].map((channels) => ({
    name: `forward, 3x3, ${channels} channels`,
    shapes: { x: [1, channels, 16384 / channels, 256], weight: [channels, channels, 3, 3] },
    forward: true,
    recipes: { shipped: (x: Tensor, weight: Tensor) => f.conv(x, weight, undefined, { padding: 1 }), winograd },
  })),
  {
    name: 'input gradient, 3x3, 64 channels',
    shapes: dense,
    recipes: { shipped: shipped('x'), 'transposed convolution': transposedConvolution },
  },
  {
    name: 'weight gradient, 3x3, 64 channels',
    shapes: dense,
    recipes: {
      shipped: shipped('weight'),
      'all views': allViews,
      'nine products': productEach,
      'swapped convolution': swappedConvolution,
    },
  },
  ...[16, 32, 64, 128, 256].map((side) => depthwise(side, 7)),
  ...[16, 32, 64, 128, 256].map((side) => depthwise(side, 5)),
];

/** Values that are neither equal nor tiny: denormal numbers would be slow, zeros perhaps fast. */
const filled = (shape: Shape) =>
  float32(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 0.7) + 0.01),
    shape,
  );

function model({ shapes: { x, weight }, forward }: Contest, recipe: Recipe): Uint8Array {
  const graph = new Graph();
  const output = [dim(x, 0), dim(weight, 0), dim(x, 2), dim(x, 3)];
  const kernel = forward
    ? graph.constant(filled(weight).data as Float32Array, weight, 'float32')
    : graph.input('weight', weight);
  const result = recipe(graph.input('x', x), kernel, graph.input('g', output));
  // One number, so that no time goes into handing large results over; of squares, so that it tells recipes apart.
  graph.output('y', f.reduceMean(f.square(result)));
  return emitModel(graph);
}

const engine = new Engine({ threads: Number(values.threads) });
for (const contest of contests) {
  const { name, shapes, forward, recipes } = contest;
  const { x, weight } = shapes;
  const g = filled([dim(x, 0), dim(weight, 0), dim(x, 2), dim(x, 3)]);
  const feeds = { x: filled(x), ...(!forward && { weight: filled(weight) }), g };
  const entries = await Promise.all(
    Object.entries(recipes).map(async ([label, recipe]) => ({
      label,
      session: await engine.load(model(contest, recipe)),
      best: Number.POSITIVE_INFINITY,
      result: Number.NaN,
    })),
  );
  // The first round warms up: memory is taken, kernels are packed.
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const entry of entries) {
      const { busy, outputs } = await entry.session.run(feeds);
      entry.result = floats(outputs, 'y')[0] ?? Number.NaN;
      if (round > 0) entry.best = Math.min(entry.best, busy);
    }
  }
  const [first] = entries;
  for (const { label, result } of entries) {
    if (!(Math.abs(result / (first?.result ?? 0) - 1) < 1e-3))
      throw new Error(`${name}: ${label} computes something else`);
  }
  console.log(name);
  const operations = (2 * sizeOf(x) * sizeOf(weight)) / dim(x, 1);
  for (const { label, best, session } of entries) {
    console.log(
      `  ${label.padEnd(24)} ${best.toFixed(1).padStart(7)} ms  ${(operations / best / 1e6).toFixed(0)} GFLOP/s`,
    );
    await session.release();
  }
}
await engine.close();
