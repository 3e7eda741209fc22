import { describe, expect, it } from 'vitest';
import { checkAgainst, filled } from '../../test/support/gradient-check.ts';
import { graphRunner, hostTensor } from '../../test/support/graph-run.ts';
import { type NdArray, read, sum, tabulate, withAxis } from '../../test/support/ndarray.ts';
import * as f from '../graph/functions.ts';
import { gradients } from '../graph/gradient.ts';
import { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  attention,
  binaryCrossEntropy,
  charbonnierLoss,
  cropTo,
  crossEntropy,
  grn,
  grnFactor,
  groupNorm,
  l1Loss,
  l2Loss,
  l2Normalise,
  mergeHeads,
  padToMultiple,
  splitHeads,
} from './functional.ts';

const run = graphRunner();
type Four = readonly [number, number, number, number];

/** Value and gradient of a composition at one input, for inputs that are special. */
async function at(values: readonly number[], shape: readonly number[], build: (x: Tensor) => Tensor) {
  const graph = new Graph();
  const x = graph.input('x', shape);
  const y = build(x);
  graph.output('y', y);
  graph.output('dx', gradients(f.reduceSum(y), [x])[0] as Tensor);
  const { y: value, dx } = await run(graph, { x: hostTensor(values, shape) });
  return { value: [...(value?.data ?? [])], gradient: [...(dx?.data ?? [])] };
}

describe('groupNorm', () => {
  const reference =
    (groups: number, epsilon: number) =>
    (x: NdArray, scale: NdArray, bias: NdArray): NdArray => {
      const [, c, h, w] = x.shape as unknown as Four;
      const width = c / groups;
      const area = h * w;
      const over = (index: readonly number[], g: (value: number) => number) => {
        const first = Math.floor((index[1] as number) / width) * width;
        const value = (k: number) =>
          read(x, [index[0] as number, first + Math.floor(k / area), Math.floor((k % area) / w), k % w]);
        return sum(width * area, (k) => g(value(k))) / (width * area);
      };
      return tabulate(x.shape, (index) => {
        const mean = over(index, (v) => v);
        const variance = over(index, (v) => (v - mean) ** 2);
        const channel = [index[1] as number];
        return ((read(x, index) - mean) / Math.sqrt(variance + epsilon)) * read(scale, channel) + read(bias, channel);
      });
    };

  it.each([1, 2, 3, 6])('%i groups of six channels', async (groups) => {
    const inputs = [filled([2, 6, 2, 3]), filled([6], 0.5, 1.5, 0.2), filled([6], -1, 1, 0.4)];
    await checkAgainst(
      run,
      inputs,
      (x, scale, bias) => groupNorm(x as Tensor, scale as Tensor, bias as Tensor, groups, 1e-5),
      reference(groups, 1e-5),
    );
  });
});

describe('global response normalisation', () => {
  const factor = (v: NdArray, gamma: NdArray): NdArray => {
    const [n, h, w, c] = v.shape as unknown as Four;
    const norm = tabulate([n, c], ([image, channel]) =>
      Math.sqrt(sum(h * w, (k) => read(v, [image as number, Math.floor(k / w), k % w, channel as number]) ** 2)),
    );
    return tabulate([n, 1, 1, c], ([image, , , channel]) => {
      const mean = sum(c, (k) => read(norm, [image as number, k])) / c;
      const own = read(norm, [image as number, channel as number]);
      return 1 + (read(gamma, [0, 0, 0, channel as number]) * own) / (mean + 1e-6);
    });
  };
  const inputs = [filled([2, 3, 2, 4]), filled([1, 1, 1, 4], -1, 1, 0.2), filled([1, 1, 1, 4], -1, 1, 0.4)];

  const energy = (v: Tensor) => f.reduceSum(f.square(v), [1, 2], true);

  it('grnFactor', () =>
    checkAgainst(run, inputs.slice(0, 2), (v, gamma) => grnFactor(energy(v as Tensor), gamma as Tensor), factor));

  it('grn is v times that factor, plus beta', () =>
    checkAgainst(run, inputs, grn, (v, gamma, beta) => {
      const factors = factor(v, gamma);
      return tabulate(v.shape, (index) => {
        const [image, , , channel] = index as unknown as Four;
        return read(v, index) * read(factors, [image, 0, 0, channel]) + read(beta, [0, 0, 0, channel]);
      });
    }));

  it('stays finite where a channel, or everything, is zero', async () => {
    const gamma = (x: Tensor) => x.graph.constant(Float32Array.of(1, 1), [1, 1, 1, 2], 'float32');
    for (const values of [
      [0, 1, 0, 2],
      [0, 0, 0, 0],
    ]) {
      const { value, gradient } = await at(values, [1, 2, 1, 2], (v) => f.mul(v, grnFactor(energy(v), gamma(v))));
      expect([...value, ...gradient].every(Number.isFinite)).toBe(true);
    }
  });
});

describe('l2Normalise', () => {
  it('divides by the length along the last axis', () =>
    checkAgainst(run, [filled([2, 3, 4])], l2Normalise, (x) =>
      tabulate(x.shape, (index) => read(x, index) / Math.sqrt(sum(4, (k) => read(x, withAxis(index, 2, k)) ** 2))),
    ));

  it('leaves a vector of zeros as it is, with a finite gradient', async () => {
    const { value, gradient } = await at([0, 0, 0], [1, 3], l2Normalise);
    expect(value).toEqual([0, 0, 0]);
    expect(gradient.every(Number.isFinite)).toBe(true);
  });
});

describe('attention', () => {
  const reference = (q: NdArray, k: NdArray, v: NdArray, mask: NdArray): NdArray => {
    const [n, length, width] = q.shape as unknown as readonly [number, number, number];
    const [, positions] = k.shape as unknown as readonly [number, number];
    return tabulate([n, length, v.shape[2] as number], ([image, row, feature]) => {
      const [i, l, d] = [image as number, row as number, feature as number];
      const weight = (s: number) =>
        Math.exp(sum(width, (e) => read(q, [i, l, e]) * read(k, [i, s, e])) / Math.sqrt(width) + read(mask, [0, 0, s]));
      const total = sum(positions, weight);
      return sum(positions, (s) => weight(s) * read(v, [i, s, d])) / total;
    });
  };

  it('weighs the values by the softmax of the masked scores', async () => {
    const mask = { shape: [1, 1, 4], data: Float64Array.of(0, -1, 0.5, -1e9) };
    const inputs = [filled([2, 3, 5]), filled([2, 4, 5], -1, 1, 0.2), filled([2, 4, 6], -1, 1, 0.4), mask];
    await checkAgainst(run, inputs, attention, reference, 1);
  });

  it('of several heads: splitting and merging undo each other', async () => {
    const x = filled([2, 3, 8]);
    await checkAgainst(
      run,
      [x],
      (t) => mergeHeads(splitHeads(t, 4)),
      (a) => a,
    );
    await checkAgainst(
      run,
      [x],
      (t) => splitHeads(t, 4),
      (a) =>
        tabulate([2, 4, 3, 2], ([n, head, l, d]) => read(a, [n, l, (head as number) * 2 + (d as number)] as number[])),
    );
  });
});

describe('losses', () => {
  const scalar = (value: number): NdArray => ({ shape: [], data: Float64Array.of(value) });
  const mean = (a: NdArray, b: NdArray, g: (x: number, y: number) => number) =>
    scalar(sum(a.data.length, (k) => g(a.data[k] as number, b.data[k] as number)) / a.data.length);
  const pair = [filled([2, 3, 4]), filled([2, 3, 4], -1, 1, 0.21)];

  it('l1', () => checkAgainst(run, pair, l1Loss, (a, b) => mean(a, b, (x, y) => Math.abs(x - y))));
  it('l2', () => checkAgainst(run, pair, l2Loss, (a, b) => mean(a, b, (x, y) => (x - y) ** 2)));
  it.each([1e-3, 0.5])('Charbonnier with epsilon %f', (epsilon) =>
    checkAgainst(
      run,
      pair,
      (a, b) => charbonnierLoss(a, b, epsilon),
      (a, b) => mean(a, b, (x, y) => Math.hypot(x - y, epsilon)),
    ),
  );

  it('Charbonnier of equal pictures is epsilon, with a gradient of zero', async () => {
    const { value, gradient } = await at([1, 2], [2], (x) =>
      charbonnierLoss(x, x.graph.constant(Float32Array.of(1, 2), [2], 'float32')),
    );
    expect(value[0]).toBeCloseTo(1e-3, 7);
    expect(gradient).toEqual([0, 0]);
  });

  it('cross-entropy with distributions as targets', () => {
    const targets = { shape: [3, 4], data: Float64Array.of(0, 1, 0, 0, 0.25, 0.25, 0.5, 0, 0.1, 0.2, 0.3, 0.4) };
    return checkAgainst(
      run,
      [filled([3, 4], -3, 3), targets],
      crossEntropy,
      (x, t) => {
        const row = (n: number) => Math.log(sum(4, (k) => Math.exp(read(x, [n, k]))));
        return scalar(-sum(3, (n) => sum(4, (k) => read(t, [n, k]) * (read(x, [n, k]) - row(n)))) / 3);
      },
      1,
    );
  });

  it('binary cross-entropy with probabilities as targets', () => {
    const targets = filled([3, 4], 0, 1, 0.3);
    return checkAgainst(
      run,
      [filled([3, 4], -3, 3), targets],
      binaryCrossEntropy,
      (x, t) => mean(x, t, (logit, y) => Math.log(1 + Math.exp(logit)) - logit * y),
      1,
    );
  });

  it('binary cross-entropy of very sure and of undecided logits', async () => {
    const target = (x: Tensor) => x.graph.constant(Float32Array.of(0, 1, 0, 1, 0.25), [5], 'float32');
    const { value, gradient } = await at([200, 200, -200, -200, 0], [5], (x) => binaryCrossEntropy(x, target(x)));
    // 200 for each of the two that are surely wrong, ln 2 for the undecided one.
    expect(value[0]).toBeCloseTo((400 + Math.LN2) / 5, 4);
    // sigmoid(x) - target, for each of five.
    [1, 0, 0, -1, 0.25].forEach((expected, k) => {
      expect(gradient[k]).toBeCloseTo(expected / 5, 6);
    });
  });
});

describe('padToMultiple', () => {
  /** By reflection, or by the last row where the margin is as wide as the picture. */
  const reference =
    (multiple: number) =>
    (x: NdArray): NdArray => {
      const [n, c, height, width] = x.shape as unknown as Four;
      const source = (place: number, size: number, padded: number) => {
        if (place < size) return place;
        return padded - size < size ? 2 * (size - 1) - place : size - 1;
      };
      const [rows, columns] = [height, width].map((size) => Math.ceil(size / multiple) * multiple) as [number, number];
      return tabulate([n, c, rows, columns], (index) => {
        const [image, channel, y, column] = index as unknown as Four;
        return read(x, [image, channel, source(y, height, rows), source(column, width, columns)]);
      });
    };

  it.each([
    [1, 1, 4],
    [1, 1, 16],
    [1, 5, 4],
    [2, 3, 4],
    [3, 2, 8],
    [5, 7, 4],
    [4, 8, 4],
    [9, 17, 8],
  ])('%i x %i to a multiple of %i, and back', async (height, width, multiple) => {
    const x = filled([1, 2, height, width]);
    await checkAgainst(run, [x], (t) => padToMultiple(t, multiple), reference(multiple));
    await checkAgainst(
      run,
      [x],
      (t) => cropTo(padToMultiple(t, multiple), height, width),
      (a) => a,
    );
  });

  it('adds nothing to a picture that fits', () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 3, 8, 16]);
    expect(padToMultiple(x, 8)).toBe(x);
    expect(cropTo(x, 8, 16)).toBe(x);
    expect(graph.nodes).toHaveLength(0);
  });
});
