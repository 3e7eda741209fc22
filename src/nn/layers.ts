/**
 * Layers with parameters. A layer is a function that declares its parameters in the current scope of the graph.
 *
 * Unless told, weights and biases start uniformly in -1/sqrt(fan_in)..1/sqrt(fan_in), as PyTorch's layers do.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import type { Initialiser } from '../graph/tensor.ts';
import { dim, type Tensor } from '../graph/tensor.ts';

const fanIn = (fan: number): Initialiser => ({ kind: 'uniform', bound: 1 / Math.sqrt(fan) });

export interface LinearOptions {
  readonly bias?: boolean;
  readonly initialiser?: Initialiser;
}

/** x [...,in] -> [...,out]; weight [out,in], bias [out]. */
export function linear(x: Tensor, name: string, out: number, options: LinearOptions = {}): Tensor {
  const { graph } = x;
  const features = dim(x.shape, -1);
  return graph.scope(name, () => {
    const weight = graph.parameter('weight', [out, features], options.initialiser ?? fanIn(features));
    const y = f.matMul(x, f.transpose(weight, [1, 0]));
    return options.bias === false ? y : f.add(y, graph.parameter('bias', [out], fanIn(features)));
  });
}

export interface Conv2dOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly bias?: boolean;
  readonly group?: number;
  readonly initialiser?: Initialiser;
}

/** x [N,C,H,W] -> [N,out,H',W']; weight [out,C/group,k,k], bias [out]. Padding keeps the size unless told. */
export function conv2d(x: Tensor, name: string, out: number, options: Conv2dOptions): Tensor {
  const { kernel, stride = 1, padding = (kernel - 1) >> 1, bias = true, group = 1 } = options;
  const { graph } = x;
  const perGroup = dim(x.shape, 1) / group;
  const fan = fanIn(perGroup * kernel * kernel);
  return graph.scope(name, () => {
    const weight = graph.parameter('weight', [out, perGroup, kernel, kernel], options.initialiser ?? fan);
    return f.conv(x, weight, bias ? graph.parameter('bias', [out], fan) : undefined, { stride, padding, group });
  });
}

/** Over the last axis, with scale (at first `gain`) and bias. */
export function layerNorm(x: Tensor, name: string, epsilon: number, gain = 1): Tensor {
  const features = dim(x.shape, -1);
  return x.graph.scope(name, () =>
    f.layerNorm(
      x,
      x.graph.parameter('weight', [features], { kind: 'constant', value: gain }),
      x.graph.parameter('bias', [features], { kind: 'zeros' }),
      epsilon,
    ),
  );
}

/** Over the channels of x [N,C,H,W], with a scale g [1,C,1,1] and no bias. */
export function channelNorm(x: Tensor, name: string): Tensor {
  const { graph } = x;
  const c = dim(x.shape, 1);
  return graph.scope(name, () => {
    const scale = f.reshape(graph.parameter('g', [1, c, 1, 1], { kind: 'ones' }), [c]);
    const zeros = f.expand(graph.scalar(0), [c]);
    return f.transpose(f.layerNorm(f.transpose(x, [0, 2, 3, 1]), scale, zeros, 1e-5), [0, 3, 1, 2]);
  });
}
