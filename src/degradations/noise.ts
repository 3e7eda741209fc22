/**
 * Words for noise.
 *
 * @module
 */
import type { DegradationWords } from './words.ts';

export const noise: DegradationWords = {
  label: 'noise',
  place: 50,
  nouns: [
    'noise',
    'noise',
    'noise',
    'grain',
    'image noise',
    'graininess',
    'sensor noise',
    'Gaussian noise',
    'speckles',
  ],
  requests: [
    'denoise',
    'denoise',
    'de-noise',
    'denoising',
    'noise',
    'noise removal',
    'noise reduction',
    'grain removal',
    'less noise',
  ],
  strength: { meaning: 'standard deviation of 8-bit values', full: 55, unit: '', clear: 0.11, strong: 0.45 },
  // A standard deviation of some 2.5 levels: the grain of scanned film in Kodak24 is reported at 0.03 to 0.04, the weakest camera noise
  // of PolyU at 0.067.
  leastStrength: 0.05,
  reach: 32,
};
