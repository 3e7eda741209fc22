/**
 * Everything that is asked of a restoration, and its start.
 *
 * @module
 */
import { useRef } from 'preact/hooks';
import { inWords } from '../clock.ts';
import { labelOf } from '../intent.ts';
import { expected, intent, job, model, network, photo, place, shown, waiting } from '../state/store.ts';
import { LONG, restore } from '../work/restore.ts';
import { AmountField } from './amount-field.tsx';
import { Chips } from './chips.tsx';
import { useLostFocus } from './focus.ts';
import { Icon } from './icons.tsx';
import { NetworkControls } from './network-field.tsx';
import { PromptField } from './prompt-field.tsx';
import { LoadingModel, Running } from './running.tsx';
import { SaveResult } from './save-result.tsx';
import { SettingsFields } from './settings-fields.tsx';

function RestoreButton() {
  const button = useRef<HTMLButtonElement>(null);
  useLostFocus(button);
  const id = photo.value?.id ?? '';
  const queued = waiting.value.includes(id);
  const label = shown.value === undefined ? 'Restore' : 'Restore again';
  return (
    <button ref={button} type="submit" class="button primary large" disabled={queued}>
      <Icon name="sparkle" />
      <span>{queued ? 'Waiting for its turn' : label}</span>
    </button>
  );
}

/** How long it will take, where that is worth knowing. */
function Foreseen() {
  const seconds = expected.value;
  if (place.value === 'server' || job.value !== undefined || seconds === undefined || seconds < LONG) return null;
  // A photo that nothing goes from comes back at once.
  if (model.value?.careful === true && intent.value?.removing.length === 0) return null;
  return <p class="hint foreseen">Takes {inWords(seconds)} on this device.</p>;
}

/** What was left alone, and what can be done about it. */
function Outcome() {
  const outcome = shown.value?.result.outcome;
  if (outcome?.status !== 'unchanged') return null;
  const perhaps = outcome.perhaps.map(labelOf).join(' and ');
  return (
    <p class="outcome">
      {perhaps === ''
        ? 'Left unchanged: nothing to remove was found or asked for. Name what you see, and it will be removed.'
        : `Left unchanged. Perhaps there is ${perhaps}: add it above to remove it.`}
    </p>
  );
}

export function Controls() {
  const isOpenRunning = job.value?.photoId === photo.value?.id;
  return (
    <form
      class="controls"
      aria-label="Restoration"
      onSubmit={(event) => {
        event.preventDefault();
        restore();
      }}
    >
      {network.value === undefined ? (
        <>
          <Chips />
          <PromptField />
        </>
      ) : (
        <NetworkControls />
      )}
      <SettingsFields />
      <LoadingModel />
      <div class="actions">
        <Foreseen />
        {job.value !== undefined && <Running />}
        {(job.value === undefined || !isOpenRunning) && <RestoreButton />}
      </div>
      <Outcome />
      <AmountField />
      {shown.value !== undefined && <SaveResult />}
    </form>
  );
}
