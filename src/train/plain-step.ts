/**
 * A training step of a plain network: what it is fed, and its loss.
 *
 * @module
 */
import type { Batch } from '../data/batch.ts';
import { wordsFor } from '../degradations/index.ts';
import * as f from '../graph/functions.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { PlainPreset } from '../models/plain/presets.ts';
import { repeatRows, sampleErrors } from '../nn/functional.ts';
import { float32 } from '../runtime/engine.ts';
import type { HostTensors } from '../runtime/protocol.ts';
import { isPictureLoss, pictureLoss } from './objective.ts';

export interface PlainGraphOptions {
  readonly preset: PlainPreset;
  readonly batch: number;
  readonly patches: number;
  readonly patch: number;
  readonly loss: string;
}

/** Inputs `mu`, `x0` [N,3,P,P] and, for a network that is told it, `noise` [M,1,1,1]; one loss. */
export function plainLosses(graph: Graph, { preset, batch, patches, patch, loss }: PlainGraphOptions) {
  const shape = [batch, 3, patch, patch];
  const [mu, x0] = ['mu', 'x0'].map((name) => graph.input(name, shape)) as [Tensor, Tensor];
  const { plain } = preset;
  const level = plain.takesNoiseLevel ? graph.input('noise', [batch / patches, 1, 1, 1]) : undefined;
  const noise = level && f.expand(repeatRows(level, patches), [batch, 1, patch, patch]);
  const result = plain.build(mu, noise);
  const output = plain.residual === 'removed' ? f.sub(mu, result) : result;
  if (!isPictureLoss(loss)) throw new RangeError(`a plain network has no loss ${loss}`);
  const restoration = pictureLoss(loss, output, x0);
  const none = graph.scalar(0);
  const parts = { restoration, contrastive: none, strength: none, intent: none };
  return { ...parts, loss: restoration, errors: sampleErrors(output, x0) };
}

/** Standard deviation of the noise of each picture, 0..1 of white, [M,1,1,1]. */
export function noiseLevelFeed({ strength, degradations, prompts }: Batch): HostTensors {
  const column = degradations.indexOf('noise');
  const white = 255 / wordsFor('noise').strength.full;
  const levels = Float32Array.from(prompts, (_, m) => (strength[m * degradations.length + column] ?? 0) / white);
  return { noise: float32(levels, [prompts.length, 1, 1, 1]) };
}
