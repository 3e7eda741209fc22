/**
 * TIFB, the text-image fusion block: caption, degradation and time as one embedding.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sinusoidalEmbedding } from '../nn/functional.ts';
import { linear } from '../nn/layers.ts';
import type { FusionConfig } from './preset-schema.ts';

export interface FusionInputs {
  /** Steps [M], float. */
  readonly t: Tensor;
  /** e_c [M,context]. */
  readonly text: Tensor;
  /** e_d [M,context]. */
  readonly degradation: Tensor;
  /** Strengths, and whether they are known (1) or estimated (0), [M,2D]. */
  readonly told?: Tensor | undefined;
}

/**
 * time(t) + Linear(softmax(MLP(p)) P), [M,4 width], for M pictures.
 *
 * time = sinusoid (width), Linear, GELU, Linear; p joins e_c and e_d by sum or concatenation; MLP = Linear, SiLU, Linear;
 * P is a learned [1,4 width] vector. Parameter names are those of the authors' published code.
 *
 * Ours, where `strengths` is set: + MLP(told), so that the network need not guess how strong a degradation is, and a user may
 * disagree with the guess, as with FFDNet's noise level (Zhang et al. 2018).
 */
export function textImageFusion(
  { t, text, degradation, told }: FusionInputs,
  width: number,
  config: FusionConfig,
): Tensor {
  const { mode, embeddingScale, promptStd, strengths = false } = config;
  const { graph } = t;
  const features = 4 * width;
  const time = linear(f.gelu(linear(sinusoidalEmbedding(t, width), 'time_mlp.1', features)), 'time_mlp.3', features);
  const informed = strengths && told ? f.add(time, strengthEmbedding(told, features)) : time;
  if (mode === 'none') return informed;
  const joined = mode === 'sum' ? f.add(text, degradation) : f.concat([text, degradation], 1);
  const scaled = embeddingScale === 1 ? joined : f.mul(joined, embeddingScale);
  const logits = linear(f.silu(linear(scaled, 'text_mlp.0', features)), 'text_mlp.2', features);
  const prompt = graph.parameter('prompt', [1, features], { kind: 'normal', std: promptStd });
  const chosen = f.mul(f.softmax(logits), prompt);
  return f.add(informed, linear(chosen, 'prompt_mlp', features));
}

/** Linear(SiLU(Linear(told))), told [M,2D]. */
function strengthEmbedding(told: Tensor, features: number): Tensor {
  const h = f.silu(linear(told, 'strength_mlp.0', features));
  return linear(h, 'strength_mlp.2', features, { initialiser: { kind: 'zeros' } });
}
