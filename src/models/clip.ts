/**
 * CLIP's text and vision towers (Radford et al. 2021).
 *
 * Parameter names are those of OpenCLIP's models with a text tower of their own (`clip.text.*`, `clip.visual.*`), which are
 * those of DA-CLIP's published checkpoint; `checkpoint-names.ts` has the other namings.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type GraphBuilder, type Initialiser, type Tensor } from '../graph/tensor.ts';
import { attention, mergeHeads, splitHeads } from '../nn/functional.ts';
import { layerNorm, linear } from '../nn/layers.ts';
import type { ClipConfig } from './clip-config.ts';

const EPSILON = 1e-5;
/** Only models without weights start from these (tests, and training of encoders elsewhere). */
const normal = (std: number): Initialiser => ({ kind: 'normal', std });

type Activation = ClipConfig['activation'];

export interface BlockOptions {
  readonly heads: number;
  readonly activation: Activation;
}

const activate = (x: Tensor, activation: Activation): Tensor =>
  activation === 'gelu' ? f.gelu(x) : f.mul(x, f.sigmoid(f.mul(x, 1.702)));

/** Self-attention of x [N,L,W] under a mask that broadcasts to [N,heads,L,L]; queries, keys and values in one matrix [3W,W]. */
function selfAttention(x: Tensor, heads: number, mask: Tensor | undefined): Tensor {
  const { graph } = x;
  const width = dim(x.shape, -1);
  return graph.scope('attn', () => {
    const weight = graph.parameter('in_proj_weight', [3 * width, width], normal(width ** -0.5));
    const bias = graph.parameter('in_proj_bias', [3 * width], { kind: 'zeros' });
    const joined = f.add(f.matMul(x, f.transpose(weight, [1, 0])), bias);
    const parts = f.split(joined, -1, [width, width, width]).map((part) => splitHeads(part, heads));
    const [q, k, v] = parts as [Tensor, Tensor, Tensor];
    return linear(mergeHeads(attention(q, k, v, mask)), 'out_proj', width);
  });
}

/** A residual block on x [N,L,W]: u = x + attention(LN(x)); y = u + W2 activation(W1 LN(u)), four times as wide inside. */
export function clipBlock(x: Tensor, { heads, activation }: BlockOptions, mask?: Tensor): Tensor {
  const width = dim(x.shape, -1);
  const attended = f.add(x, selfAttention(layerNorm(x, 'ln_1', EPSILON), heads, mask));
  const hidden = activate(linear(layerNorm(attended, 'ln_2', EPSILON), 'mlp.c_fc', 4 * width), activation);
  return f.add(attended, linear(hidden, 'mlp.c_proj', width));
}

/** 0 on and below the diagonal, minus infinity (as far as a softmax can tell) above it, [L,L]. */
function causalMask(graph: GraphBuilder, length: number): Tensor {
  const mask = new Float32Array(length * length);
  for (let i = 0; i < length; i++) mask.fill(-1e9, i * length + i + 1, (i + 1) * length);
  return graph.constant(mask, [length, length], 'float32');
}

/**
 * Texts as vectors [N,embedding], not yet of unit length: the last layer at each text's end mark, normalised and projected.
 *
 * @param tokens int64 [N,L], the end mark the largest id of its row
 * @param ends int64 [N], places of the end marks in the flattened rows, n L + position
 */
export function clipTextTower(tokens: Tensor, ends: Tensor, { text, activation, embedding }: ClipConfig): Tensor {
  const { graph } = tokens;
  const { width, layers, heads, contextLength, vocabularySize } = text;
  return graph.scope('clip.text', () => {
    const table = graph.parameter('token_embedding.weight', [vocabularySize, width], normal(0.02));
    const positions = graph.parameter('positional_embedding', [contextLength, width], normal(0.01));
    const mask = causalMask(graph, contextLength);
    let h = f.add(f.gather(table, tokens), positions);
    for (let layer = 0; layer < layers; layer++) {
      h = graph.scope(`transformer.resblocks.${layer}`, () => clipBlock(h, { heads, activation }, mask));
    }
    const last = f.gather(f.reshape(h, [-1, width]), ends);
    const projection = graph.parameter('text_projection', [width, embedding], normal(width ** -0.5));
    return f.matMul(layerNorm(last, 'ln_final', EPSILON), projection);
  });
}

/** Pictures [N,3,S,S] as the tokens that a vision tower's blocks take: a class token and one for each patch, [N,1+P,W]. */
export function visionTokens(image: Tensor, { vision }: ClipConfig): Tensor {
  const { graph } = image;
  const { width, patchSize } = vision;
  const n = dim(image.shape, 0);
  const fan = normal((3 * patchSize ** 2) ** -0.5);
  const patches = f.conv(
    image,
    graph.scope('conv1', () => graph.parameter('weight', [width, 3, patchSize, patchSize], fan)),
    undefined,
    { stride: patchSize },
  );
  const sequence = f.transpose(f.reshape(patches, [n, width, -1]), [0, 2, 1]);
  const start = graph.parameter('class_embedding', [width], normal(width ** -0.5));
  const tokens = f.concat([f.expand(f.reshape(start, [1, 1, width]), [n, 1, width]), sequence], 1);
  const positions = graph.parameter('positional_embedding', [dim(tokens.shape, 1), width], normal(width ** -0.5));
  return layerNorm(f.add(tokens, positions), 'ln_pre', EPSILON);
}

/** The class token of h [N,1+P,W], normalised and projected to [N,embedding]. */
export function visionHead(h: Tensor, { vision: { width }, embedding }: ClipConfig): Tensor {
  const { graph } = h;
  const pooled = layerNorm(f.reshape(f.slice(h, 1, 0, 1), [-1, width]), 'ln_post', EPSILON);
  return f.matMul(pooled, graph.parameter('proj', [width, embedding], normal(width ** -0.5)));
}

/**
 * Pictures [N,3,S,S], normalised as `clip-picture.ts` does, as vectors [N,embedding], not yet of unit length.
 *
 * @param controls what a controller adds after the blocks, [N,1+P,W] each: the last one after the first block
 */
export function clipVisionTower(image: Tensor, config: ClipConfig, controls: readonly Tensor[] = []): Tensor {
  const { layers, heads } = config.vision;
  return image.graph.scope('clip.visual', () => {
    let h = visionTokens(image, config);
    for (let layer = 0; layer < layers; layer++) {
      const block = { heads, activation: config.activation };
      h = image.graph.scope(`transformer.resblocks.${layer}`, () => clipBlock(h, block));
      const control = controls[controls.length - 1 - layer];
      if (control) h = f.add(h, control);
    }
    return visionHead(h, config);
  });
}
