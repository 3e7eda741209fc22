/**
 * The samplers by name. Adding one: a file beside its equation, a line here, a line in test/conformance/samplers.test.ts.
 *
 * @module
 */
import { ClearwordError } from '../../errors.ts';
import { eulerMaruyama } from './euler-maruyama.ts';
import { marsOde1 } from './mars-ode-1.ts';
import { marsOde2 } from './mars-ode-2.ts';
import { marsSde1 } from './mars-sde-1.ts';
import { ode } from './ode.ts';
import { posterior } from './posterior.ts';
import type { Sampler } from './sampler.ts';

export type { Sampler, SamplerRun, StepReport } from './sampler.ts';

export const samplers = {
  'euler-maruyama': eulerMaruyama,
  ode,
  posterior,
  'mars-ode-1': marsOde1,
  'mars-ode-2': marsOde2,
  'mars-sde-1': marsSde1,
} as const satisfies Record<string, Sampler>;

export type SamplerName = keyof typeof samplers;

export const SAMPLER_NAMES = Object.keys(samplers) as readonly SamplerName[];

/** The sampler of that name; an unknown name lists the known ones. */
export function samplerNamed(name: string): Sampler {
  if (Object.hasOwn(samplers, name)) return samplers[name as SamplerName];
  throw new ClearwordError(
    'INVALID_OPTION',
    `expected one of ${SAMPLER_NAMES.join(', ')} for sampler, received ${name}`,
  );
}
