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

export function StrengthField({ name, estimate }: { readonly name: string; readonly estimate: number }) {
  const { full, unit, meaning } = wordsFor(name).strength;
  const own = photo.value?.strengths[name];
  const value = own ?? estimate * full;
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
          'As the model judges it; more removes more.'
        ) : (
          <button type="button" class="link" onClick={() => setStrength(name, undefined)}>
            As the model judges it
          </button>
        )}
      </p>
    </div>
  );
}
