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
  strength: { meaning: 'exposure lost', full: 4, unit: ' stops', clear: 0.3, strong: 0.7 },
  drastic: true,
  reach: 96,
  needsThings: true,
  // A photo may be meant to be dark. A dark photo of BSDS500 lost 12 dB at 0.90, and saved at quality 10 at 0.976; LOL has 0.987 and
  // more. That was with a temperature of 0.85; 0.977 is the same bound, 0.985, with today's of 0.95.
  leastFound: 0.977,
};
