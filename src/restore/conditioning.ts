/**
 * What the network is told about a picture: once for all of its tiles, so that they agree.
 *
 * @module
 */

import { checkFinite, throwIfCancelled } from '../errors.ts';
import type { Picture } from '../image/picture.ts';
import type { Findings, RestorationModel } from '../models/model.ts';
import { inspectionView } from './inspection-view.ts';

export interface Conditioning {
  readonly findings: Findings;
  /** e_c, the embedding of the prompt. */
  readonly text: Float32Array;
  /** e_d, the embedding of what the controller found. */
  readonly degradation: Float32Array;
}

export async function inspectPicture(
  model: RestorationModel,
  picture: Picture,
  signal?: AbortSignal,
): Promise<Findings> {
  throwIfCancelled(signal, 'inspecting the picture');
  const findings = await model.inspect(inspectionView(picture, model.inspectionSide), signal);
  checkFinite(findings.embedding, 'the degradation embedding');
  return findings;
}

export async function condition(
  model: RestorationModel,
  picture: Picture,
  prompt: string,
  signal?: AbortSignal,
): Promise<Conditioning> {
  const findings = await inspectPicture(model, picture, signal);
  const text = await model.encodeText(prompt);
  checkFinite(text, 'the text embedding');
  return { findings, text, degradation: findings.embedding };
}
