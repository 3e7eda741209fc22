/**
 * Phrasings for evaluation, which training never produces; several differ only in their order or their negation, so
 * that a bag of words cannot tell them apart.
 *
 * @module
 */
import { DEGRADATIONS } from '../degradations/index.ts';
import type { DegradationSet } from './degradations/composite.ts';

/** A prompt and what it asks to remove. */
export interface HeldOutPrompt {
  readonly prompt: string;
  readonly asked: DegradationSet;
}

const set = (noise: boolean, rain: boolean, haze: boolean): DegradationSet => ({ noise, rain, haze });
const NOISE = set(true, false, false);
const RAIN = set(false, true, false);
const HAZE = set(false, false, true);
const NOISE_RAIN = set(true, true, false);
const NOISE_HAZE = set(true, false, true);
const RAIN_HAZE = set(false, true, true);
const ALL = set(true, true, true);

export const HELD_OUT_PROMPTS: readonly HeldOutPrompt[] = [
  { asked: NOISE, prompt: 'I would love to see this without the noise' },
  { asked: NOISE, prompt: 'Suppress the grain here, nothing more' },
  { asked: NOISE, prompt: 'Make the noise vanish and let both rain and haze be' },
  { asked: RAIN, prompt: 'I would love to see this without the rain' },
  { asked: RAIN, prompt: 'Suppress the rain here, nothing more' },
  { asked: RAIN, prompt: 'Make the rain vanish and let both noise and haze be' },
  { asked: HAZE, prompt: 'I would love to see this without the haze' },
  { asked: HAZE, prompt: 'Suppress the fog here, nothing more' },
  { asked: HAZE, prompt: 'Make the haze vanish and let both noise and rain be' },
  // Contrast pairs: the same words, another meaning.
  { asked: RAIN, prompt: 'remove the rain but leave the haze untouched' },
  { asked: HAZE, prompt: 'remove the haze but leave the rain untouched' },
  { asked: NOISE, prompt: 'remove the noise but leave the rain untouched' },
  { asked: RAIN, prompt: 'remove the rain but leave the noise untouched' },
  { asked: NOISE, prompt: 'remove the noise but leave the haze untouched' },
  { asked: HAZE, prompt: 'remove the haze but leave the noise untouched' },
  { asked: RAIN, prompt: 'do away with the rain whereas the fog must remain' },
  { asked: HAZE, prompt: 'do away with the fog whereas the rain must remain' },
  { asked: NOISE_RAIN, prompt: 'I would love to see this without noise or rain' },
  { asked: NOISE_RAIN, prompt: 'The haze must remain, the rain and the noise must vanish' },
  { asked: NOISE_HAZE, prompt: 'I would love to see this without noise or haze' },
  { asked: NOISE_HAZE, prompt: 'The rain must remain, the haze and the noise must vanish' },
  { asked: RAIN_HAZE, prompt: 'I would love to see this without rain or haze' },
  { asked: RAIN_HAZE, prompt: 'The noise must remain, the rain and the haze must vanish' },
  { asked: ALL, prompt: 'I would love to see this without noise, rain or haze' },
  { asked: ALL, prompt: 'Make this look as it would on a perfect day with a perfect camera' },
];

/** The held-out prompts that ask for exactly this set. */
export function heldOutPrompts(asked: DegradationSet): readonly string[] {
  return HELD_OUT_PROMPTS.filter((held) => DEGRADATIONS.every((name) => held.asked[name] === asked[name])).map(
    (held) => held.prompt,
  );
}
