/**
 * Words for the traces of lossy files.
 *
 * @module
 */
import type { DegradationWords } from './words.ts';

export const compression: DegradationWords = {
  label: 'compression',
  place: 60,
  nouns: [
    'compression',
    'compression artefacts',
    'compression artifacts',
    'JPEG artefacts',
    'JPEG artifacts',
    'JPEG blocks',
    'blockiness',
    'blocks',
    'the jpeg look',
  ],
  requests: [
    'deblock',
    'deblock',
    'de-jpeg',
    'deblocking',
    'remove jpeg blocks',
    'artefact removal',
    'artifact removal',
    'fix the compression',
    'no blocks',
  ],
  // Even steps of a gradient look like what a file leaves of it.
  needsThings: true,
  strength: {
    meaning: '100 minus the JPEG quality, as the blocks show it',
    full: 100,
    unit: ' %',
    clear: 0.35,
    strong: 0.8,
  },
  reach: 32,
};
