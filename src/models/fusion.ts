/**
 * TIFB, the text-image fusion block: caption, degradation and time as one embedding.
 *
 * @module
 */
import * as f from '../graph/functions.ts';
import { dim, type Tensor } from '../graph/tensor.ts';
import { sinusoidalEmbedding } from '../nn/functional.ts';
import { linear } from '../nn/layers.ts';
import type { FusionConfig } from './preset-schema.ts';

/**
 * time(t) + Linear(softmax(MLP(p)) P), [N,4 width].
 *
 * time = sinusoid (width), Linear, GELU, Linear; p joins e_c and e_d by sum or concatenation; MLP = Linear, SiLU, Linear;
 * P is a learned [1,4 width] vector. Parameter names are those of the authors' published code.
 *
 * @param t steps [N], float
 * @param text e_c [N,context]
 * @param degradation e_d [N,context]
 */
export function textImageFusion(
  t: Tensor,
  text: Tensor,
  degradation: Tensor,
  width: number,
  { mode, embeddingScale, promptStd }: FusionConfig,
): Tensor {
  const { graph } = t;
  const features = 4 * width;
  const time = linear(f.gelu(linear(sinusoidalEmbedding(t, width), 'time_mlp.1', features)), 'time_mlp.3', features);
  if (mode === 'none') return time;
  const joined = mode === 'sum' ? f.add(text, degradation) : f.concat([text, degradation], 1);
  const scaled = embeddingScale === 1 ? joined : f.mul(joined, embeddingScale);
  const logits = linear(f.silu(linear(scaled, 'text_mlp.0', features)), 'text_mlp.2', features);
  const prompt = graph.parameter('prompt', [1, features], { kind: 'normal', std: promptStd });
  const chosen = f.mul(f.softmax(logits), prompt);
  return f.add(time, linear(chosen, 'prompt_mlp', dim(time.shape, 1)));
}
