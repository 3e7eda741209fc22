/**
 * What the network is told about a picture: once for all of its tiles, so that they agree.
 *
 * @module
 */

import { wordsFor } from '../degradations/index.ts';
import { ClearwordError, checkFinite, throwIfCancelled } from '../errors.ts';
import type { Picture } from '../image/picture.ts';
import {
  type AnyModel,
  type Findings,
  findingOf,
  type Guidance,
  isFound,
  isPlain,
  type RestorationModel,
} from '../models/model.ts';
import { toldValues } from '../models/told-strengths.ts';
import { viewsOf } from './inspection-view.ts';
import type { RestoreSettings } from './options.ts';
import { withEvidence } from './plain-surface.ts';
import { type Decision, decide } from './policy.ts';

export interface Conditioning {
  readonly findings: Findings;
  readonly decision: Decision;
  readonly guidance: Guidance;
}

/** The model, if it finds anything in pictures. Errors: INVALID_OPTION. */
export function inspecting(model: AnyModel): RestorationModel {
  if (!isPlain(model)) return model;
  throw new ClearwordError(
    'INVALID_OPTION',
    `expected a model that inspects pictures, received the plain network ${model.name}`,
    {
      fix: 'Plain networks only restore; leave the model out to inspect with the bundled one.',
    },
  );
}

export async function inspectPicture(
  model: RestorationModel,
  picture: Picture,
  signal?: AbortSignal,
): Promise<Findings> {
  throwIfCancelled(signal, 'inspecting the picture');
  const findings = await model.inspect(viewsOf(picture, model), signal);
  checkFinite(findings.embedding, 'the degradation embedding');
  return withEvidence(findings, picture);
}

/** What is less likely is taken for as likely: where it is not, who asks for it wrongly should not lose much. */
const LEAST_PROBABILITY = 0.25;

/**
 * How strong something is that somebody asks for and that was not found. An estimate is an expectation, small where presence is
 * doubtful; whoever asks is sure of it. So it is divided by the probability, between a half and the whole of what is called clear:
 * nobody asks for what cannot be seen, and what is strong would have been found.
 */
function assertedStrength(name: string, findings: Findings, { removing }: Decision): number | undefined {
  if (!removing.includes(name) || isFound(findings, name)) return undefined;
  const { probability, strength } = findingOf(findings, name);
  const { clear } = wordsFor(name).strength;
  if (strength >= clear) return strength;
  return Math.min(clear, Math.max(clear / 2, strength / Math.max(probability, LEAST_PROBABILITY)));
}

export async function condition(
  model: RestorationModel,
  picture: Picture,
  { prompt, strengths }: Pick<RestoreSettings, 'prompt' | 'strengths'>,
  signal?: AbortSignal,
): Promise<Conditioning> {
  const findings = await inspectPicture(model, picture, signal);
  const decision = decide(model, prompt, findings);
  const text = await model.encodeText(decision.instruction);
  checkFinite(text, 'the text embedding');
  const told = toldValues(
    model.degradations.map((name) => strengths[name] ?? assertedStrength(name, findings, decision)),
    // A doubtful strength misleads: told that a noisy photo might be dark, a network left it as it was.
    model.degradations.map((name) => (isFound(findings, name) ? findingOf(findings, name).strength : 0)),
  );
  return { findings, decision, guidance: { text, degradation: findings.embedding, told, view: findings.view } };
}
