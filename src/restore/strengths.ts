/**
 * Strengths that a user sets, from the units that people know to those of the network.
 *
 * @module
 */
import { wordsFor } from '../degradations/index.ts';
import { ClearwordError } from '../errors.ts';
import type { RestorationModel } from '../models/model.ts';

/** As it is given: `noise=12,haze=40`, or an object of the same. */
export type StrengthOption = string | Readonly<Record<string, number>>;

const fail = (expected: string, received: string, fix?: string): never => {
  throw new ClearwordError(
    'INVALID_OPTION',
    `expected ${expected} for strength, received ${received}`,
    fix ? { fix } : {},
  );
};

function pairsOf(option: StrengthOption): readonly (readonly [string, number])[] {
  if (typeof option !== 'string') return Object.entries(option);
  const parts = option.split(',').map((part) => part.trim());
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const [, name, value] = /^(.+?)\s*=\s*(\d+\.?\d*|\.\d+)$/.exec(part) ?? [];
      if (name === undefined) return fail('name=value, such as noise=12', part);
      return [name, Number(value)] as const;
    });
}

/**
 * Strengths 0..1 by name.
 *
 * @throws ClearwordError INVALID_OPTION for a name that the model does not know, a value out of range, or a network that is not
 *   told strengths
 */
export function strengthsOf(
  { name: model, degradations, takesStrengths }: Pick<RestorationModel, 'name' | 'degradations' | 'takesStrengths'>,
  option: StrengthOption,
): Readonly<Record<string, number>> {
  const pairs = pairsOf(option);
  if (pairs.length > 0 && !takesStrengths) {
    fail('none', String(pairs[0]?.[0]), `Leave strength out: the model ${model} takes none.`);
  }
  const seen = new Set<string>();
  return Object.fromEntries(
    pairs.map(([name, value]) => {
      if (!degradations.includes(name)) fail(`names out of ${degradations.join(', ')}`, name);
      if (seen.has(name)) fail(`${name} once`, `${name} twice`);
      seen.add(name);
      const { full, unit, meaning } = wordsFor(name).strength;
      if (!(value >= 0 && value <= full)) fail(`0..${full}${unit} for ${name} (${meaning})`, `${name}=${value}`);
      return [name, value / full];
    }),
  );
}
