/**
 * Values of parameters at the start of training.
 *
 * @module
 */

import type { ParameterLayout } from '../graph/parameters.ts';
import type { Initialiser } from '../graph/tensor.ts';
import { Random } from '../random/random.ts';

/** Keeps these draws apart from other uses of the same seed. */
const STREAM = 0x1417;

function draw(random: Random, initialiser: Initialiser): number {
  switch (initialiser.kind) {
    case 'zeros':
      return 0;
    case 'ones':
      return 1;
    case 'constant':
      return initialiser.value;
    case 'normal':
      return initialiser.std * random.normal();
    case 'uniform':
      return random.uniform(-initialiser.bound, initialiser.bound);
  }
}

/** Fresh values of all parameters, [P]; each parameter draws from a stream of its own. */
export function initialValues(layout: ParameterLayout, seed: number): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(layout.size);
  layout.entries.forEach(({ initialiser, offset, size }, i) => {
    const random = new Random(seed, STREAM, i);
    for (let k = 0; k < size; k++) flat[offset + k] = draw(random, initialiser);
  });
  return flat;
}
