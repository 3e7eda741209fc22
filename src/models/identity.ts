/**
 * What decides a model's results, as one word: jobs name it, so that no worker does them with another model.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { PlainModel } from './model.ts';

/** SHA-256, hex: that of the weights, and of a plain network that of its weights and how they are used. */
export function identityOf({
  hash,
  reading,
}: { readonly hash: string } & Partial<Pick<PlainModel, 'reading'>>): string {
  return reading === undefined ? hash : createHash('sha256').update(`${hash}\n${reading}`).digest('hex');
}
