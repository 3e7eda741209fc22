/**
 * Words for pictures with too little light.
 *
 * @module
 */
import type { DegradationWords } from './words.ts';

export const darkness: DegradationWords = {
  label: 'darkness',
  place: 30,
  nouns: [
    'darkness',
    'darkness',
    'dark',
    'low light',
    'underexposure',
    'shadows',
    'dimness',
    'gloom',
    'the lack of light',
  ],
  requests: [
    'brighten',
    'brighten',
    'brighten it',
    'lighten',
    'make it brighter',
    'more light',
    'low light enhancement',
    'fix the exposure',
    'it is too dark',
    'correct the underexposure',
  ],
  strength: { meaning: 'exposure lost, of four stops', full: 4, unit: ' stops', clear: 0.3, strong: 0.7 },
  needsThings: true,
};
