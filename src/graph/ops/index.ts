/**
 * The total table of operators.
 *
 * @module
 */
import type { OpName } from './attributes.ts';
import { convolution } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { linear } from './linear.ts';
import { normalisation } from './normalisation.ts';
import type { OpRecord } from './record.ts';
import { reduction } from './reduction.ts';
import { shape } from './shape.ts';
import { space } from './space.ts';

export const ops: { readonly [K in OpName]: OpRecord<K> } = {
  ...elementwise,
  ...linear,
  ...convolution,
  ...normalisation,
  ...reduction,
  ...shape,
  ...space,
  ...indexing,
};
