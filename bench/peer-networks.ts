/**
 * Networks whose speed `bench/peers.ts` compares. All but `lite` have random weights: what a pass costs does not depend on them.
 */
import * as f from '../src/graph/functions.ts';
import { Graph } from '../src/graph/graph.ts';
import { layoutOf, unflatten } from '../src/graph/parameters.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { predictionGraph } from '../src/models/networks.ts';
import type { Preset } from '../src/models/preset-schema.ts';
import { conv2d } from '../src/nn/layers.ts';
import type { HostTensors } from '../src/runtime/protocol.ts';
import { initialValues } from '../src/train/initialise.ts';
import { forwardInputs, networkValues, presetOf, uniform } from './train-cases.ts';

export interface PeerNetwork {
  readonly build: (graph: Graph) => void;
  /** Drawn when they are asked for: those of the largest take seconds. */
  readonly values: () => ReadonlyMap<string, Float32Array>;
  readonly feeds: HostTensors;
}

const SEED = 7;
/** Rows and columns of the matrices whose product shows what the machine can do. */
const PRODUCT = 2048;

/** 12 convolutions of 96 channels over pixels folded by 2, as FFDNet for colour has them (Zhang et al. 2018): 0.85 million values. */
function ffdnetSized(x: Tensor): Tensor {
  let h = f.relu(conv2d(f.spaceToDepth(x, 2), 'first', 96, { kernel: 3 }));
  for (let i = 0; i < 10; i++) h = f.relu(conv2d(h, `middle.${i}`, 96, { kernel: 3 }));
  return f.depthToSpace(conv2d(h, 'last', 12, { kernel: 3 }), 2);
}

/** A U-Net of 64, 128, 256 and 512 channels with four residual blocks a level, as DRUNet has them (Zhang et al. 2021): 32.6 million values. */
function drunetSized(x: Tensor): Tensor {
  const widths = [64, 128, 256, 512];
  const blocks = (h: Tensor, name: string): Tensor => {
    const width = h.shape[1] as number;
    for (let i = 0; i < 4; i++) {
      const inner = f.relu(conv2d(h, `${name}.${i}.0`, width, { kernel: 3, bias: false }));
      h = f.add(h, conv2d(inner, `${name}.${i}.1`, width, { kernel: 3, bias: false }));
    }
    return h;
  };
  let h = conv2d(x, 'head', 64, { kernel: 3, bias: false });
  const skips: Tensor[] = [];
  widths.slice(0, -1).forEach((_, level) => {
    skips.push(h);
    h = conv2d(blocks(h, `down.${level}`), `down.${level}.stride`, widths[level + 1] as number, {
      kernel: 2,
      stride: 2,
      padding: 0,
      bias: false,
    });
  });
  h = blocks(h, 'body');
  for (let level = widths.length - 2; level >= 0; level--) {
    const width = widths[level] as number;
    // A transposed convolution of stride 2 whose kernel has its size is a pointwise one and an unfolding.
    const risen = f.depthToSpace(conv2d(h, `up.${level}.stride`, 4 * width, { kernel: 1, bias: false }), 2);
    const skip = skips[level] as Tensor;
    h = f.add(blocks(risen, `up.${level}`), skip);
  }
  return conv2d(h, 'tail', 3, { kernel: 3, bias: false });
}

/** A network from one picture to one, with random weights. */
function plain(side: number, network: (x: Tensor) => Tensor): PeerNetwork {
  const shape = [1, 3, side, side];
  const build = (graph: Graph) => {
    graph.output('prediction', network(graph.input('x', shape)));
  };
  const values = () => {
    const layout = layoutOf(build);
    return unflatten(layout, initialValues(layout, SEED));
  };
  return { build, values, feeds: { x: uniform(1, shape) } };
}

/** The network of a preset, without encoders. */
export function presetPeer(preset: Preset, side: number): PeerNetwork {
  return {
    build: (graph) => predictionGraph(graph, preset, side, side),
    values: () => networkValues(preset, side, side).values,
    feeds: forwardInputs(preset, side, side),
  };
}

/** By name; `at` makes a network for pictures of a side, in pixels. */
export const PEER_NETWORKS: Readonly<
  Record<string, { readonly title: string; readonly at: (side: number) => PeerNetwork }>
> = {
  product: {
    title: `product with a matrix of ${PRODUCT} x ${PRODUCT}`,
    at: () => {
      const shape = [PRODUCT, PRODUCT];
      return {
        build: (graph) => {
          const weight = graph.parameter('weight', shape, { kind: 'zeros' });
          graph.output('prediction', f.matMul(graph.input('x', shape), weight));
        },
        values: () => new Map([['weight', uniform(2, shape).data as Float32Array]]),
        feeds: { x: uniform(1, shape) },
      };
    },
  },
  lite: {
    title: '`lite`',
    at: (side) => presetPeer(presetOf('lite'), side),
  },
  ffdnet: { title: 'plain, the size of FFDNet', at: (side) => plain(side, ffdnetSized) },
  drunet: { title: 'plain, the size of DRUNet', at: (side) => plain(side, drunetSized) },
};

/** The network by itself, as no rewriting has seen it. */
export function graphOf({ build }: PeerNetwork): Graph {
  const graph = new Graph();
  build(graph);
  return graph;
}
