/**
 * The total table of the operators' test cases: beside `ops`, the second table that names them all.
 *
 * @module
 */
import type { OpName } from '../attributes.ts';
import type { OpCases } from './case.cases.ts';
import { convolutionCases } from './convolution.cases.ts';
import { elementwiseCases } from './elementwise.cases.ts';
import { indexingCases } from './indexing.cases.ts';
import { linearCases } from './linear.cases.ts';
import { normalisationCases } from './normalisation.cases.ts';
import { reductionCases } from './reduction.cases.ts';
import { shapeCases } from './shape.cases.ts';
import { spaceCases } from './space.cases.ts';

export const cases: { readonly [K in OpName]: OpCases<K> } = {
  ...elementwiseCases,
  ...linearCases,
  ...convolutionCases,
  ...normalisationCases,
  ...reductionCases,
  ...shapeCases,
  ...spaceCases,
  ...indexingCases,
};
