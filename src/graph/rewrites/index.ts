/**
 * All rules for inference on processors; docs/engine.md says what each is worth.
 *
 * @module
 */
import type { RewriteRule } from '../rewrite.ts';
import { joinedConvolution } from './joined-convolution.ts';
import { upsampledConvolution } from './upsampled-convolution.ts';

export const rewriteRules: readonly RewriteRule[] = [upsampledConvolution, joinedConvolution];
