/**
 * The CLIP vocabulary that comes with the package.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ClearwordError } from '../errors.ts';
import { ClipTokenizer } from './clip-tokenizer.ts';

/** The same relative path from src/ and from dist/. */
const VOCABULARY = new URL('../../weights/clip-vocabulary/bpe_simple_vocab_16e6.txt.gz', import.meta.url);

/** The tokenizer of all published CLIP models, or of a smaller one with the first `size` tokens. */
export async function loadClipTokenizer(size?: number): Promise<ClipTokenizer> {
  let text: string;
  try {
    text = (await promisify(gunzip)(await readFile(VOCABULARY))).toString('utf8');
  } catch (cause) {
    throw new ClearwordError('MODEL_NOT_FOUND', `CLIP vocabulary ${VOCABULARY.pathname}: expected a readable file`, {
      fix: 'Install the package again.',
      cause,
    });
  }
  return new ClipTokenizer(text, size);
}
