/**
 * Words for haze.
 *
 * @module
 */
import type { DegradationWords } from './words.ts';

export const haze: DegradationWords = {
  label: 'haze',
  place: 10,
  nouns: ['haze', 'haze', 'haze', 'fog', 'mist', 'smog', 'fogginess', 'hazy veil', 'haziness'],
  requests: ['dehaze', 'dehaze', 'de-haze', 'dehazing', 'haze', 'haze removal', 'defog', 'fog removal', 'no fog'],
  strength: { meaning: "share of the scene's light that is lost", full: 100, unit: ' %', clear: 0.18, strong: 0.38 },
  drastic: true,
  reach: 112,
  upright: true,
  needsThings: true,
};
