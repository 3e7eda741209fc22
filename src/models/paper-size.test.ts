/**
 * The paper's network has the size that its authors' has: 45.2 million parameters and 75.8 GMAC for one pass over 256 x 256
 * pixels, and its plain U-Net 49.0 million and 129.0 GMAC. docs/paper-scale.md explains the differences that are computed here.
 */
import { expect, it } from 'vitest';
import { countGraph, type GraphCount } from '../graph/count.ts';
import { Graph } from '../graph/graph.ts';
import { dim, sizeOf, type Tensor } from '../graph/tensor.ts';
import { DACLIP_VIT_B_32 } from './clip-config.ts';
import { clipTextGraph, daclipGraph } from './daclip.ts';
import { predictionGraph } from './networks.ts';
import type { Preset } from './preset-schema.ts';
import { presets } from './presets.ts';

const paper = presets.paper as Preset;

function counted(build: (graph: Graph) => void): { graph: Graph; count: GraphCount } {
  const graph = new Graph();
  build(graph);
  return { graph, count: countGraph(graph) };
}

const network = (preset: Preset) => counted((graph) => predictionGraph(graph, preset, 256, 256));

/** Products of two activations (attention), which a count by layers leaves out. */
function productsOfActivations(graph: Graph): number {
  const weights = new Set<Tensor>([...graph.parameters.values()].map(({ tensor }) => tensor));
  let macs = 0;
  for (const { op, inputs, outputs } of graph.nodes) {
    // Weights are transposed before they are multiplied with, and those of an efficient block scaled by GRN's factor.
    const shaped = (op === 'transpose' || op === 'reshape') && inputs.every((input) => weights.has(input));
    const scaled = op === 'mul' && inputs.some((input) => weights.has(input));
    if (shaped || scaled) for (const output of outputs) weights.add(output);
    const [a, b] = inputs;
    if (op !== 'matMul' || !a || !b || weights.has(a) || weights.has(b)) continue;
    macs += outputs.reduce((sum, output) => sum + sizeOf(output.shape), 0) * dim(a.shape, -1);
  }
  return macs;
}

/** What the authors' code builds and never runs: the efficient blocks behind the decoder's 1x1 convolutions. */
const decoderBlocks = ({ layers }: GraphCount) =>
  layers
    .filter(({ layer }) => /^(ups|final_res_block)\b.*\.proj\.1\./.test(layer))
    .reduce((sum, { macs }) => sum + macs, 0);

it('the network: the same parameters; the operations beside what the authors do not run and layers do not show', () => {
  const { graph, count } = network(paper);
  expect(count.parameters / 1e6).toBeCloseTo(45.2, 1);
  expect(count.macs / 1e9).toBeCloseTo(120.5, 1);
  expect(decoderBlocks(count) / 1e9).toBeCloseTo(40.6, 1);
  expect(productsOfActivations(graph) / 1e9).toBeCloseTo(4.1, 1);
  expect((count.macs - decoderBlocks(count) - productsOfActivations(graph)) / 1e9).toBeCloseTo(75.8, 1);
});

it('the plain U-Net of the ablation', () => {
  const { graph, count } = network({ ...paper, network: { ...paper.network, inner: 'plain' } });
  expect(count.parameters / 1e6).toBeCloseTo(49.0, 1);
  expect((count.macs - productsOfActivations(graph)) / 1e9).toBeCloseTo(129.0, 1);
});

it('the encoders', () => {
  const text = counted((graph) => clipTextGraph(graph, DACLIP_VIT_B_32, 1)).count;
  const controller = counted((graph) => daclipGraph(graph, DACLIP_VIT_B_32, 1, 9)).count;
  expect(text.parameters / 1e6).toBeCloseTo(63.4, 1);
  expect(controller.parameters / 1e6).toBeCloseTo(94.9, 1);
  expect((text.macs + controller.macs) / 1e9).toBeLessThan(8);
});
