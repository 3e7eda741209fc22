/**
 * Words for rain.
 *
 * @module
 */
import type { DegradationWords } from './words.ts';

export const rain: DegradationWords = {
  label: 'rain',
  place: 20,
  nouns: ['rain', 'rain', 'rain', 'rain streaks', 'raindrops', 'streaks of rain', 'rainfall', 'drizzle', 'streaks'],
  requests: [
    'derain',
    'derain',
    'de-rain',
    'deraining',
    'rain',
    'rain removal',
    'no rain',
    'no more rain',
    'remove rain',
  ],
  strength: {
    meaning: 'mean brightness that the streaks add; 100 % is 0.15',
    full: 100,
    unit: ' %',
    clear: 0.1,
    strong: 0.5,
  },
  drastic: true,
  reach: 64,
  upright: true,
};
