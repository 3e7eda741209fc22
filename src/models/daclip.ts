/**
 * DA-CLIP: a controller beside CLIP's vision tower that describes degradations (Luo et al. 2024, arXiv 2310.01018).
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { l2Normalise } from '../nn/functional.ts';
import { linear } from '../nn/layers.ts';
import { clipBlock, clipTextTower, clipVisionTower, visionHead, visionTokens } from './clip.ts';
import type { ClipConfig, ExternalEncoders } from './clip-config.ts';

export interface ControllerFeatures {
  /** Degradation embedding e_d, [N,embedding], not yet of unit length. */
  readonly degradation: Tensor;
  /** For each block what is added in CLIP's vision tower, [N,1+P,W]; the tower takes the last one first. */
  readonly controls: readonly Tensor[];
}

/**
 * The controller on pictures [N,3,S,S]: a copy of CLIP's vision tower, and after each of its blocks a linear layer, zero at
 * the start of its training, that makes a control for the frozen tower.
 */
export function daclipController(image: Tensor, config: ClipConfig): ControllerFeatures {
  const { graph } = image;
  const { layers, heads, width } = config.vision;
  return graph.scope('visual_control', () => {
    let h = visionTokens(image, config);
    const controls: Tensor[] = [];
    for (let layer = 0; layer < layers; layer++) {
      const block = { heads, activation: config.activation };
      h = graph.scope(`transformer.transformer.resblocks.${layer}`, () => clipBlock(h, block));
      const zero = { initialiser: { kind: 'zeros' } } as const;
      controls.push(graph.scope('transformer', () => linear(h, `zero_modules.${layer}`, width, zero)));
    }
    return { degradation: visionHead(h, config), controls };
  });
}

/** Picture embeddings of the frozen tower under the controller, [N,embedding], and its degradation embeddings. */
export function daclipPictures(image: Tensor, config: ClipConfig): { content: Tensor; degradation: Tensor } {
  const { degradation, controls } = daclipController(image, config);
  return { content: clipVisionTower(image, config, controls), degradation };
}

/** `tokens` int64 [n,L] and `ends` int64 [n] -> `embedding` [n,embedding], e_c, and `direction`, the same at unit length. */
export function clipTextGraph(graph: Graph, { clip, unitLength }: ExternalEncoders, n: number): void {
  const tokens = graph.input('tokens', [n, clip.text.contextLength], 'int64');
  const features = clipTextTower(tokens, graph.input('ends', [n], 'int64'), clip);
  const direction = l2Normalise(features);
  graph.output('embedding', unitLength.text ? direction : features);
  graph.output('direction', direction);
}

/**
 * `pictures` [n,3,S,S] and the `direction`s of the degradations' names, `names` [k,embedding] -> `embedding` [n,embedding],
 * e_d, and `probability` [n,k]: softmax over the names of e^s cosine, with the factor e^s that the controller was trained with.
 */
export function daclipGraph(graph: Graph, { clip, unitLength }: ExternalEncoders, n: number, k: number): void {
  const { imageSize } = clip.vision;
  const { degradation } = daclipController(graph.input('pictures', [n, 3, imageSize, imageSize]), clip);
  const direction = l2Normalise(degradation);
  const scale = f.exp(graph.parameter('logit_scale', [], { kind: 'constant', value: Math.log(1 / 0.07) }));
  const cosines = f.matMul(direction, f.transpose(graph.input('names', [k, clip.embedding]), [1, 0]));
  graph.output('embedding', unitLength.degradation ? direction : degradation);
  graph.output('probability', f.softmax(f.mul(cosines, scale)));
}

/**
 * `pictures` [n,3,S,S] -> `content` of the frozen tower under the controller and `degradation`, [n,embedding], both of unit
 * length: DA-CLIP whole, for retrieval and for checking its weights.
 */
export function daclipContentGraph(graph: Graph, { clip }: ExternalEncoders, n: number): void {
  const { imageSize } = clip.vision;
  const { content, degradation } = daclipPictures(graph.input('pictures', [n, 3, imageSize, imageSize]), clip);
  graph.output('content', l2Normalise(content));
  graph.output('degradation', l2Normalise(degradation));
}
