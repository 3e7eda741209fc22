/**
 * How strong something is, where the model misjudges it.
 *
 * @module
 */
import { wordsFor } from '../../src/degradations/index.ts';
import { labelOf } from '../intent.ts';
import { photo } from '../state/store.ts';
import { setStrength } from '../work/results.ts';

/** Places of the slider. */
const STEPS = 100;

interface StrengthFieldProps {
  readonly name: string;
  /** 0..1 of the full strength. */
  readonly estimate: number;
  /** Whether the network is told a number in any case, and estimates none. */
  readonly told?: boolean;
}

export function StrengthField({ name, estimate, told = false }: StrengthFieldProps) {
  const { full, unit, meaning } = wordsFor(name).strength;
  const own = photo.value?.strengths[name];
  const value = own ?? estimate * full;
  const estimated = told ? 'the network’s usual level' : 'the model’s estimate';
  const digits = full < 10 ? 1 : 0;
  return (
    <div class="slider-field">
      <label for="strength">Strength of the {labelOf(name)}</label>
      <span class="slider-value" aria-hidden="true">
        {value.toFixed(digits)}
        {unit}
      </span>
      <input
        id="strength"
        type="range"
        min={0}
        max={full}
        step={full < 10 ? 0.1 : full / STEPS < 1 ? 0.5 : 1}
        value={value}
        aria-describedby="strength-hint"
        onInput={(event) => setStrength(name, event.currentTarget.valueAsNumber)}
      />
      <p id="strength-hint" class="hint">
        {`${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.`}{' '}
        {own === undefined ? (
          `This is ${estimated}; a higher value removes more.`
        ) : (
          <button type="button" class="link" onClick={() => setStrength(name, undefined)}>
            Use {estimated}
          </button>
        )}
      </p>
    </div>
  );
}
