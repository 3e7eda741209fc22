/**
 * The networks against what is published about them: a wrong stride, padding or width changes parameters or operations.
 * The arithmetic of the classifiers is compared with PyTorch in test/parity/metrics.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { graphRunner, hostTensor } from '../../../test/support/graph-run.ts';
import { countGraph } from '../../graph/count.ts';
import { Graph } from '../../graph/graph.ts';
import { averagePool, maxPool, type PoolOptions } from '../pooling.ts';
import { alexnet, squeezenet, vgg16 } from './classifiers.ts';
import { INCEPTION_FEATURES, INCEPTION_SIDE, inception } from './inception.ts';

const run = graphRunner();

describe('published sizes', () => {
  // Parameters of torchvision's models without their classifiers; operations of a 224x224 picture.
  it.each([
    ['AlexNet', alexnet, 2_469_696, 0.656e9],
    ['SqueezeNet 1.1', squeezenet, 722_496, 0.2626e9],
    ['VGG-16', vgg16, 14_714_688, 15.35e9],
  ] as const)('%s', (_, backbone, parameters, macs) => {
    const graph = new Graph();
    backbone(graph.input('x', [1, 3, 224, 224]));
    const count = countGraph(graph);
    expect(count.parameters).toBe(parameters);
    expect(count.macs / macs).toBeCloseTo(1, 2);
  });

  it('Inception v3: torchvision counts 23,834,568 parameters with a classifier of 2,049,000, and 5.71 G operations', () => {
    const graph = new Graph();
    const features = inception(graph.input('x', [1, 3, INCEPTION_SIDE, INCEPTION_SIDE]));
    expect(features.shape).toEqual([1, INCEPTION_FEATURES]);
    const names = [...graph.parameters.keys()];
    const trained = names.filter((name) => !/running_/.test(name));
    const size = (name: string) => (graph.parameters.get(name)?.shape ?? []).reduce((product, d) => product * d, 1);
    expect(trained.reduce((sum, name) => sum + size(name), 0)).toBe(23_834_568 - 2_049_000);
    expect((countGraph(graph).macs + 2_048_000) / 5.71e9).toBeCloseTo(1, 2);
    // Names as in the published state dict.
    expect(names).toContain('Conv2d_2b_3x3.bn.running_var');
    expect(names).toContain('Mixed_6e.branch7x7dbl_5.conv.weight');
    expect(names).toContain('Mixed_7c.branch3x3dbl_3b.bn.weight');
  });
});

describe('pooling', () => {
  const size = { height: 7, width: 8 };
  const values = Array.from({ length: 2 * size.height * size.width }, (_, k) => Math.sin(1.7 * k) - 0.5);

  /** Windows as PyTorch places them; `combine` gets the values inside the input. */
  function reference(
    { kernel, stride, padding = 0, ceil = false }: PoolOptions,
    combine: (inside: readonly number[]) => number,
  ): number[] {
    const count = (length: number) => {
      const n = (ceil ? Math.ceil : Math.floor)((length + 2 * padding - kernel) / stride) + 1;
      return ceil && (n - 1) * stride >= length + padding ? n - 1 : n;
    };
    const result: number[] = [];
    for (let c = 0; c < 2; c++)
      for (let y = 0; y < count(size.height); y++)
        for (let x = 0; x < count(size.width); x++) {
          const inside: number[] = [];
          for (let i = y * stride - padding; i < y * stride - padding + kernel; i++)
            for (let j = x * stride - padding; j < x * stride - padding + kernel; j++)
              if (i >= 0 && j >= 0 && i < size.height && j < size.width)
                inside.push(values[(c * size.height + i) * size.width + j] ?? Number.NaN);
          result.push(combine(inside));
        }
    return result;
  }

  it.each<PoolOptions>([
    { kernel: 3, stride: 2 },
    { kernel: 3, stride: 2, ceil: true },
    { kernel: 2, stride: 2, ceil: true },
    { kernel: 3, stride: 1, padding: 1 },
    { kernel: 3, stride: 2, padding: 1, ceil: true },
  ])('%o equals a plain loop', async (options) => {
    for (const [pool, combine] of [
      [maxPool, (inside: readonly number[]) => Math.max(...inside)],
      [averagePool, (inside: readonly number[]) => inside.reduce((sum, v) => sum + v, 0) / inside.length],
    ] as const) {
      // Windows beyond the end are for maxima alone: no network here averages them.
      if (pool === averagePool && options.ceil === true) continue;
      const graph = new Graph();
      const shape = [1, 2, size.height, size.width];
      graph.output('y', pool(graph.input('x', shape), options));
      const { y } = await run(graph, { x: hostTensor(values, shape) });
      const expected = reference(options, combine);
      expect(y?.data.length).toBe(expected.length);
      expected.forEach((value, i) => {
        expect(y?.data[i]).toBeCloseTo(value, 6);
      });
    }
  });
});
