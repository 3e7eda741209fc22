/**
 * The shown result as a file.
 *
 * @module
 */
import { useState } from 'preact/hooks';
import type { SaveFormat } from '../compute/compute.ts';
import { shown } from '../state/store.ts';
import { save } from '../work/results.ts';
import { Icon } from './icons.tsx';

const LABELS: Readonly<Record<SaveFormat, string>> = {
  original: 'Same as the photo',
  jpeg: 'JPEG',
  png: 'PNG',
  webp: 'WebP',
};

export function SaveResult() {
  const [format, setFormat] = useState<SaveFormat>('original');
  const [metadata, setMetadata] = useState(true);
  const formats = shown.value?.result.formats ?? [];
  return (
    <section class="save" aria-label="Save the result">
      <button type="button" class="button" onClick={() => void save(format, metadata)}>
        <Icon name="download" />
        <span>Download</span>
      </button>
      {formats.length > 1 && (
        <>
          <label class="visually-hidden" for="format">
            Format of the file
          </label>
          <select id="format" value={format} onChange={(event) => setFormat(event.currentTarget.value as SaveFormat)}>
            {formats.map((name) => (
              <option key={name} value={name}>
                {LABELS[name]}
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
