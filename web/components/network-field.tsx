/**
 * Another network in the place of the page's own model: an ONNX file from the disk, run on this device.
 *
 * @module
 */
import { useRef } from 'preact/hooks';
import { wordsFor } from '../../src/degradations/index.ts';
import { job, loading, network, noiseLevel, waiting } from '../state/store.ts';
import { useNetwork } from '../work/network.ts';
import { StrengthField } from './strength-field.tsx';

/** Which network restores, and the way to another one; part of the settings. */
export function NetworkField() {
  const input = useRef<HTMLInputElement>(null);
  const busy = job.value !== undefined || waiting.value.length > 0 || loading.value !== undefined;
  return (
    <fieldset class="place">
      <legend>Restore with</legend>
      <p class="network-name">{network.value ?? 'Clearword’s own model'}</p>
      <button type="button" class="button small" disabled={busy} onClick={() => input.current?.click()}>
        Choose an ONNX file
      </button>
      {network.value !== undefined && (
        <button type="button" class="button small" disabled={busy} onClick={() => void useNetwork(undefined)}>
          Clearword’s own model
        </button>
      )}
      <input
        ref={input}
        type="file"
        accept=".onnx"
        hidden
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = '';
          if (file !== undefined) void useNetwork(file);
        }}
      />
      <p class="hint">
        Any network that turns a picture into one of the same size. The file does not leave this device, and is
        forgotten with the page.
      </p>
    </fieldset>
  );
}

/** In the place of words and chips, for a network that takes none. */
export function NetworkControls() {
  const level = noiseLevel.value;
  return (
    <section class="field" aria-labelledby="network">
      <h2 id="network">Network</h2>
      <p>“{network.value}” does what it was trained for, to every photo. It takes no words.</p>
      {level !== undefined && <StrengthField name="noise" estimate={level / wordsFor('noise').strength.full} told />}
    </section>
  );
}
