/**
 * @module
 */
import type { Signal } from '@preact/signals';
import { model, type Place, place, samples, seed, serverOffered, steps } from '../state.ts';
import { lookAgain } from '../work.ts';

/** Beyond this, waiting is no longer worth what it shows. */
const MOST_SAMPLES = 8;
const MOST_STEPS = 100;
const LARGEST_SEED = 2 ** 31 - 1;

interface NumberFieldProps {
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  readonly value: Signal<number> | Signal<number | undefined>;
  readonly least: number;
  readonly most: number;
  readonly placeholder?: string | undefined;
}

function NumberField({ id, label, hint, value, least, most, placeholder }: NumberFieldProps) {
  return (
    <div class="number">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="number"
        inputMode="numeric"
        min={least}
        max={most}
        step={1}
        placeholder={placeholder ?? ''}
        aria-describedby={`${id}-hint`}
        value={value.value ?? ''}
        onChange={(event) => {
          const typed = event.currentTarget.valueAsNumber;
          // An empty field of a number that must be there goes back to the least.
          if (Number.isNaN(typed))
            (value as Signal<number | undefined>).value = placeholder === undefined ? least : undefined;
          else value.value = Math.min(most, Math.max(least, Math.round(typed)));
          event.currentTarget.value = String(value.value ?? '');
        }}
      />
      <p id={`${id}-hint`} class="hint">
        {hint}
      </p>
    </div>
  );
}

const PLACES: readonly (readonly [Place, string])[] = [
  ['device', 'This device'],
  ['server', 'This server'],
];

function PlaceField() {
  return (
    <fieldset class="place">
      <legend>Restore on</legend>
      {PLACES.map(([name, label]) => (
        <label key={name}>
          <input
            type="radio"
            name="place"
            value={name}
            checked={place.value === name}
            onChange={() => {
              place.value = name;
              lookAgain();
            }}
          />
          {label}
        </label>
      ))}
      <p class="hint">
        {place.value === 'device'
          ? 'The photo does not leave this device.'
          : 'The photo is sent to the server of this page.'}
      </p>
    </fieldset>
  );
}

export function MoreOptions() {
  const usual = model.value?.defaults.steps;
  return (
    <details class="more">
      <summary>More</summary>
      <div class="more-fields">
        <NumberField
          id="steps"
          label="Steps"
          hint="More take longer."
          value={steps}
          least={1}
          most={model.value?.mostSteps ?? MOST_STEPS}
          placeholder={usual === undefined ? 'auto' : String(usual)}
        />
        <NumberField
          id="seed"
          label="Seed"
          hint="Another seed gives another result."
          value={seed}
          least={0}
          most={LARGEST_SEED}
        />
        <NumberField
          id="samples"
          label="Samples"
          hint="Several show what is uncertain."
          value={samples}
          least={1}
          most={MOST_SAMPLES}
        />
      </div>
      {serverOffered.value && <PlaceField />}
    </details>
  );
}
