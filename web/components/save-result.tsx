/**
 * @module
 */
import { useState } from 'preact/hooks';
import type { SaveFormat } from '../compute/compute.ts';
import { place } from '../state.ts';
import { save } from '../work.ts';
import { Icon } from './icons.tsx';

const FORMATS: readonly (readonly [SaveFormat, string])[] = [
  ['original', 'As the photo'],
  ['jpeg', 'JPEG'],
  ['png', 'PNG'],
  ['webp', 'WebP'],
];

export function SaveResult() {
  const [format, setFormat] = useState<SaveFormat>('original');
  const [metadata, setMetadata] = useState(true);
  return (
    <section class="save" aria-label="Save the result">
      <button type="button" class="button" onClick={() => void save(format, metadata)}>
        <Icon name="download" />
        <span>Download</span>
      </button>
      {place.value === 'device' && (
        <>
          <label class="visually-hidden" for="format">
            Format of the file
          </label>
          <select id="format" value={format} onChange={(event) => setFormat(event.currentTarget.value as SaveFormat)}>
            {FORMATS.map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
          <label class="check">
            <input type="checkbox" checked={metadata} onChange={(event) => setMetadata(event.currentTarget.checked)} />
            With camera data and a record of the restoration
          </label>
        </>
      )}
    </section>
  );
}
