/**
 * Phrasings for evaluation, which training never produces; several differ only in their order or their negation, so
 * that a bag of words cannot tell them apart.
 *
 * @module
 */
import type { DegradationSet } from './degradations/record.ts';

/** A prompt and what it asks to remove. */
export interface HeldOutPrompt {
  readonly prompt: string;
  readonly asked: DegradationSet;
}

const set = (...names: readonly string[]): DegradationSet => new Set(names);
const NOISE = set('noise');
const RAIN = set('rain');
const HAZE = set('haze');
const NOISE_RAIN = set('noise', 'rain');
const NOISE_HAZE = set('noise', 'haze');
const RAIN_HAZE = set('rain', 'haze');
const ALL = set('noise', 'rain', 'haze');
const COMPRESSION = set('compression');
const NOISE_COMPRESSION = set('noise', 'compression');
const DARKNESS = set('darkness');
const NOISE_DARKNESS = set('noise', 'darkness');

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
  { asked: COMPRESSION, prompt: 'I would love to see this without the JPEG blocks' },
  { asked: COMPRESSION, prompt: 'Suppress the compression artefacts here, nothing more' },
  { asked: COMPRESSION, prompt: 'remove the compression but leave the noise untouched' },
  { asked: NOISE, prompt: 'remove the noise but leave the compression untouched' },
  { asked: NOISE, prompt: 'Make the noise vanish and let the jpeg look be' },
  { asked: NOISE_COMPRESSION, prompt: 'I would love to see this without noise or JPEG blocks' },
  { asked: DARKNESS, prompt: 'I would love to see this with enough light' },
  { asked: DARKNESS, prompt: 'remove the darkness but leave the noise untouched' },
  { asked: NOISE, prompt: 'remove the noise but leave the darkness untouched' },
  { asked: NOISE_DARKNESS, prompt: 'The noise and the darkness must vanish' },
];

/** The held-out prompts that ask for exactly this set. */
export function heldOutPrompts(asked: DegradationSet): readonly string[] {
  return HELD_OUT_PROMPTS.filter(
    (held) => held.asked.size === asked.size && [...asked].every((name) => held.asked.has(name)),
  ).map((held) => held.prompt);
}
