/**
 * What the network is told about a picture: once for all of its tiles, so that they agree.
 *
 * @module
 */

import { checkFinite, throwIfCancelled } from '../errors.ts';
import type { Picture } from '../image/picture.ts';
import type { Findings, Guidance, RestorationModel } from '../models/model.ts';
import { toldValues } from '../models/told-strengths.ts';
import { viewsOf } from './inspection-view.ts';

export interface Conditioning {
  readonly findings: Findings;
  readonly guidance: Guidance;
}

export async function inspectPicture(
  model: RestorationModel,
  picture: Picture,
  signal?: AbortSignal,
): Promise<Findings> {
  throwIfCancelled(signal, 'inspecting the picture');
  const findings = await model.inspect(viewsOf(picture, model), signal);
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
  const estimate = model.degradations.map((name) => findings.degradations[name]?.strength ?? 0);
  const told = toldValues([], estimate);
  return { findings, guidance: { text, degradation: findings.embedding, told, view: findings.view } };
}
