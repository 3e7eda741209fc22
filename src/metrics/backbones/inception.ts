/**
 * Inception v3 up to its pooled features, as FID uses it.
 *
 * Szegedy et al.: Rethinking the Inception architecture for computer vision, 2016; weights and deviations of the network
 * with which Heusel et al. (2017) defined FID, ported by the pytorch-fid project: average pooling leaves the padding out
 * of its count, and the last block pools by the maximum. Parameter names are those of pytorch-fid's state dict.
 *
 * @module
 */
import * as f from '../../graph/functions.ts';
import { dim, type Tensor } from '../../graph/tensor.ts';
import { averagePool, maxPool } from '../pooling.ts';

/** Side of the pictures that it takes, and length of the features that it gives. */
export const INCEPTION_SIDE = 299;
export const INCEPTION_FEATURES = 2048;

const BATCH_NORM_EPSILON = 1e-3;

interface UnitOptions {
  /** Rows and columns of the kernel. */
  readonly kernel: readonly [number, number];
  readonly stride?: number;
  readonly padding?: readonly [number, number];
}

const point: UnitOptions = { kernel: [1, 1] };
const square = (side: number): UnitOptions => ({ kernel: [side, side], padding: [(side - 1) / 2, (side - 1) / 2] });
const halving: UnitOptions = { kernel: [3, 3], stride: 2 };
const row = (length: number): UnitOptions => ({ kernel: [1, length], padding: [0, (length - 1) / 2] });
const column = (length: number): UnitOptions => ({ kernel: [length, 1], padding: [(length - 1) / 2, 0] });

/** Convolution without bias, batch normalisation with its stored statistics, ReLU. */
function unit(x: Tensor, name: string, out: number, options: UnitOptions): Tensor {
  const {
    kernel: [kh, kw],
    stride = 1,
    padding: [ph, pw] = [0, 0],
  } = options;
  const { graph } = x;
  return graph.scope(name, () => {
    const weight = graph.parameter('conv.weight', [out, dim(x.shape, 1), kh, kw], { kind: 'normal', std: 0.1 });
    const statistic = (statisticName: string, kind: 'zeros' | 'ones') =>
      f.reshape(graph.parameter(`bn.${statisticName}`, [out], { kind }), [1, out, 1, 1]);
    const [gain, bias] = [statistic('weight', 'ones'), statistic('bias', 'zeros')];
    const [mean, variance] = [statistic('running_mean', 'zeros'), statistic('running_var', 'ones')];
    const scale = f.div(gain, f.sqrt(f.add(variance, BATCH_NORM_EPSILON)));
    const y = f.conv(x, weight, undefined, { stride, padding: [ph, pw, ph, pw] });
    return f.relu(f.add(f.mul(f.sub(y, mean), scale), bias));
  });
}

/** Several units one after the other. */
function chain(x: Tensor, ...units: readonly (readonly [name: string, out: number, options: UnitOptions])[]): Tensor {
  return units.reduce((h, [name, out, options]) => unit(h, name, out, options), x);
}

const smooth = (x: Tensor) => averagePool(x, { kernel: 3, stride: 1, padding: 1 });

function blockA(x: Tensor, pooled: number): Tensor {
  return f.concat(
    [
      unit(x, 'branch1x1', 64, point),
      chain(x, ['branch5x5_1', 48, point], ['branch5x5_2', 64, square(5)]),
      chain(x, ['branch3x3dbl_1', 64, point], ['branch3x3dbl_2', 96, square(3)], ['branch3x3dbl_3', 96, square(3)]),
      unit(smooth(x), 'branch_pool', pooled, point),
    ],
    1,
  );
}

function blockB(x: Tensor): Tensor {
  return f.concat(
    [
      unit(x, 'branch3x3', 384, halving),
      chain(x, ['branch3x3dbl_1', 64, point], ['branch3x3dbl_2', 96, square(3)], ['branch3x3dbl_3', 96, halving]),
      maxPool(x, { kernel: 3, stride: 2 }),
    ],
    1,
  );
}

function blockC(x: Tensor, inner: number): Tensor {
  return f.concat(
    [
      unit(x, 'branch1x1', 192, point),
      chain(x, ['branch7x7_1', inner, point], ['branch7x7_2', inner, row(7)], ['branch7x7_3', 192, column(7)]),
      chain(
        x,
        ['branch7x7dbl_1', inner, point],
        ['branch7x7dbl_2', inner, column(7)],
        ['branch7x7dbl_3', inner, row(7)],
        ['branch7x7dbl_4', inner, column(7)],
        ['branch7x7dbl_5', 192, row(7)],
      ),
      unit(smooth(x), 'branch_pool', 192, point),
    ],
    1,
  );
}

function blockD(x: Tensor): Tensor {
  return f.concat(
    [
      chain(x, ['branch3x3_1', 192, point], ['branch3x3_2', 320, halving]),
      chain(
        x,
        ['branch7x7x3_1', 192, point],
        ['branch7x7x3_2', 192, row(7)],
        ['branch7x7x3_3', 192, column(7)],
        ['branch7x7x3_4', 192, halving],
      ),
      maxPool(x, { kernel: 3, stride: 2 }),
    ],
    1,
  );
}

function blockE(x: Tensor, pool: (input: Tensor) => Tensor): Tensor {
  const fork = (h: Tensor, name: string): Tensor[] => [
    unit(h, `${name}a`, 384, row(3)),
    unit(h, `${name}b`, 384, column(3)),
  ];
  return f.concat(
    [
      unit(x, 'branch1x1', 320, point),
      ...fork(unit(x, 'branch3x3_1', 384, point), 'branch3x3_2'),
      ...fork(chain(x, ['branch3x3dbl_1', 448, point], ['branch3x3dbl_2', 384, square(3)]), 'branch3x3dbl_3'),
      unit(pool(x), 'branch_pool', 192, point),
    ],
    1,
  );
}

/** Pictures [N,3,299,299] in -1..1 -> features [N,2048]. */
export function inception(picture: Tensor): Tensor {
  const { graph } = picture;
  const pool = (x: Tensor) => maxPool(x, { kernel: 3, stride: 2 });
  let h = chain(
    picture,
    ['Conv2d_1a_3x3', 32, halving],
    ['Conv2d_2a_3x3', 32, { kernel: [3, 3] }],
    ['Conv2d_2b_3x3', 64, square(3)],
  );
  h = chain(pool(h), ['Conv2d_3b_1x1', 80, point], ['Conv2d_4a_3x3', 192, { kernel: [3, 3] }]);
  h = pool(h);
  const blocks: readonly (readonly [string, (x: Tensor) => Tensor])[] = [
    ['Mixed_5b', (x) => blockA(x, 32)],
    ['Mixed_5c', (x) => blockA(x, 64)],
    ['Mixed_5d', (x) => blockA(x, 64)],
    ['Mixed_6a', blockB],
    ['Mixed_6b', (x) => blockC(x, 128)],
    ['Mixed_6c', (x) => blockC(x, 160)],
    ['Mixed_6d', (x) => blockC(x, 160)],
    ['Mixed_6e', (x) => blockC(x, 192)],
    ['Mixed_7a', blockD],
    ['Mixed_7b', (x) => blockE(x, smooth)],
    ['Mixed_7c', (x) => blockE(x, (input) => maxPool(input, { kernel: 3, stride: 1, padding: 1 }))],
  ];
  for (const [name, block] of blocks) {
    const input = h;
    h = graph.scope(name, () => block(input));
  }
  return f.reduceMean(h, [2, 3]);
}
