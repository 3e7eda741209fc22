/**
 * What few people have to set.
 *
 * @module
 */
import type { Place } from '../state/page.ts';
import { dispatch, expected, model, network, place, serverOffered, settings } from '../state/store.ts';
import { foresee, look } from '../work/open.ts';
import { LONG } from '../work/restore.ts';
import { NetworkField } from './network-field.tsx';

/** Beyond this, waiting is no longer worth what it shows. */
const MOST_SAMPLES = 8;
const MOST_STEPS = 100;
const LARGEST_SEED = 2 ** 31 - 1;

interface NumberFieldProps {
  readonly name: 'steps' | 'seed' | 'samples';
  readonly label: string;
  readonly hint: string;
  readonly least: number;
  readonly most: number;
  readonly placeholder?: string | undefined;
}

function NumberField({ name, label, hint, least, most, placeholder }: NumberFieldProps) {
  return (
    <div class="number">
      <label for={name}>{label}</label>
      <input
        id={name}
        type="number"
        inputMode="numeric"
        min={least}
        max={most}
        step={1}
        placeholder={placeholder ?? ''}
        aria-describedby={`${name}-hint`}
        value={settings.value[name] ?? ''}
        onChange={(event) => {
          const typed = event.currentTarget.valueAsNumber;
          // An empty field of a number that must be there goes back to the least.
          const empty = placeholder === undefined ? least : undefined;
          const value = Number.isNaN(typed) ? empty : Math.min(most, Math.max(least, Math.round(typed)));
          dispatch({ type: 'settings', values: { [name]: value } });
          event.currentTarget.value = String(value ?? '');
          void foresee();
        }}
      />
      <p id={`${name}-hint`} class="hint">
        {hint}
      </p>
    </div>
  );
}

function PreviewField() {
  const long = expected.value !== undefined && expected.value >= LONG;
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={settings.value.preview ?? long}
        onChange={(event) => dispatch({ type: 'settings', values: { preview: event.currentTarget.checked } })}
      />
      Show a smaller picture first
    </label>
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
              dispatch({ type: 'settings', values: { place: name } });
              dispatch({ type: 'set', values: { failure: undefined } });
              void look();
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

export function SettingsFields() {
  const usual = model.value?.defaults.steps;
  return (
    <details class="more">
      <summary>Settings</summary>
      {network.value === undefined && (
        <div class="more-fields">
          <NumberField
            name="steps"
            label="Steps"
            hint="More draw finer texture, which is likely rather than known, and take longer."
            least={1}
            most={model.value?.mostSteps ?? MOST_STEPS}
            placeholder={usual === undefined ? 'auto' : String(usual)}
          />
          <NumberField name="seed" label="Seed" hint="Change it for another variant." least={0} most={LARGEST_SEED} />
          <NumberField
            name="samples"
            label="Samples"
            hint="Several show what is uncertain."
            least={1}
            most={MOST_SAMPLES}
          />
        </div>
      )}
      {place.value === 'device' && <PreviewField />}
      {place.value === 'device' && <NetworkField />}
      {serverOffered.value && <PlaceField />}
    </details>
  );
}
