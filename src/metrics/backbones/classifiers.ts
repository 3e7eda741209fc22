/**
 * The feature extractors of three image classifiers, with the parameter names of torchvision's state dicts
 * (`features.0.weight`, ...), so that their files can be read as they are.
 *
 * Each takes pictures [N,3,H,W], already normalised, and returns the feature maps that LPIPS compares, from fine to coarse.
 *
 * @module
 */
import * as f from '../../graph/functions.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Conv2dOptions, conv2d } from '../../nn/layers.ts';
import { maxPool } from '../pooling.ts';

export type Backbone = (picture: Tensor) => readonly Tensor[];

/** Layer number `index` of the network's `features`: convolution and ReLU. */
function convRelu(x: Tensor, index: number, out: number, options: Conv2dOptions): Tensor {
  return f.relu(conv2d(x, `features.${index}`, out, options));
}

/** Krizhevsky: One weird trick for parallelizing convolutional neural networks, 2014. relu1..relu5; H and W at least 31. */
export const alexnet: Backbone = (picture) => {
  const pool = (x: Tensor) => maxPool(x, { kernel: 3, stride: 2 });
  const relu1 = convRelu(picture, 0, 64, { kernel: 11, stride: 4, padding: 2 });
  const relu2 = convRelu(pool(relu1), 3, 192, { kernel: 5 });
  const relu3 = convRelu(pool(relu2), 6, 384, { kernel: 3 });
  const relu4 = convRelu(relu3, 8, 256, { kernel: 3 });
  const relu5 = convRelu(relu4, 10, 256, { kernel: 3 });
  return [relu1, relu2, relu3, relu4, relu5];
};

/** A squeezing 1x1 layer, then 1x1 and 3x3 layers side by side, each of `expand` channels. */
function fire(x: Tensor, index: number, squeeze: number, expand: number): Tensor {
  return x.graph.scope(`features.${index}`, () => {
    const squeezed = f.relu(conv2d(x, 'squeeze', squeeze, { kernel: 1 }));
    const point = f.relu(conv2d(squeezed, 'expand1x1', expand, { kernel: 1 }));
    return f.concat([point, f.relu(conv2d(squeezed, 'expand3x3', expand, { kernel: 3 }))], 1);
  });
}

/** Iandola et al.: SqueezeNet, 2016, version 1.1. Seven maps; H and W at least 17. */
export const squeezenet: Backbone = (picture) => {
  const pool = (x: Tensor) => maxPool(x, { kernel: 3, stride: 2, ceil: true });
  const relu1 = convRelu(picture, 0, 64, { kernel: 3, stride: 2, padding: 0 });
  const fire4 = fire(fire(pool(relu1), 3, 16, 64), 4, 16, 64);
  const fire7 = fire(fire(pool(fire4), 6, 32, 128), 7, 32, 128);
  const fire9 = fire(pool(fire7), 9, 48, 192);
  const fire10 = fire(fire9, 10, 48, 192);
  const fire11 = fire(fire10, 11, 64, 256);
  return [relu1, fire4, fire7, fire9, fire10, fire11, fire(fire11, 12, 64, 256)];
};

/** First layer and channels of each stage; between the stages the maps are halved. */
const VGG_STAGES = [
  { layers: [0, 2], channels: 64 },
  { layers: [5, 7], channels: 128 },
  { layers: [10, 12, 14], channels: 256 },
  { layers: [17, 19, 21], channels: 512 },
  { layers: [24, 26, 28], channels: 512 },
] as const;

/** Simonyan and Zisserman: Very deep convolutional networks, 2015, 16 layers. relu1_2..relu5_3; H and W at least 16. */
export const vgg16: Backbone = (picture) => {
  const maps: Tensor[] = [];
  let h = picture;
  for (const [stage, { layers, channels }] of VGG_STAGES.entries()) {
    if (stage > 0) h = maxPool(h, { kernel: 2, stride: 2 });
    for (const layer of layers) h = convRelu(h, layer, channels, { kernel: 3 });
    maps.push(h);
  }
  return maps;
};
